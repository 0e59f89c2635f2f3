"""The collector: samples, scores, commits, publishes."""
