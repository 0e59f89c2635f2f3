"""Logging, set up once per process: one line per event, ``key=value`` context, no names, images or passwords."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Literal

FORMAT = "%(asctime)s %(levelname)s %(process)d %(name)s %(message)s"
PAIR = re.compile(r"(?<!\S)([a-z][a-z0-9_]*)=(\S+)")
"""A word of a message that is context."""

Form = Literal["text", "json"]


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, process, logger, message, its ``key=value`` words, and a failure's trace."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        message = record.getMessage()
        found: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "process": record.process,
            "logger": record.name,
            "message": message,
        }
        if context := dict(PAIR.findall(message)):
            found["context"] = context
        if record.exc_info:
            found["exception"] = self.formatException(record.exc_info)
        return json.dumps(found, ensure_ascii=False)


def set_up(level: str = "INFO", form: Form | None = None) -> None:
    """Send this process's log lines of ``level`` and above to standard error, as text where nobody asked otherwise.

    Later calls only change the level, and the form where it is given.
    """
    root = logging.getLogger("engage")
    root.setLevel(level.upper())
    fresh = not root.handlers
    if fresh:
        root.addHandler(logging.StreamHandler(sys.stderr))
    if fresh or form is not None:
        root.handlers[0].setFormatter(JsonLines() if form == "json" else logging.Formatter(FORMAT))
