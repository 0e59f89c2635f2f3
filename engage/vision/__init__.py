"""Faces in pixels: crops, detectors, tracking, head pose and the store of model files."""
