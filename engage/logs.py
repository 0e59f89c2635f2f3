"""Logging, set up once per process: one line per event, ``key=value`` context, no names, images or passwords."""

from __future__ import annotations

import logging
import sys

FORMAT = "%(asctime)s %(levelname)s %(process)d %(name)s %(message)s"


def set_up(level: str = "INFO") -> None:
    """Send this process's log lines of ``level`` and above to standard error. Later calls only change the level."""
    root = logging.getLogger("engage")
    root.setLevel(level.upper())
    if not root.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter(FORMAT))
        root.addHandler(handler)
