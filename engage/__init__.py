"""Classroom engagement monitoring: faces in, an explained score from 0 to 10 out."""

__version__ = "0.1.0"
