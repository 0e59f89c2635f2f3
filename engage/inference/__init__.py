"""The classifier: network, weights with their card, and the worker that serves all students with one network."""
