"""Where pictures come from, and the worker that turns them into face crops."""
