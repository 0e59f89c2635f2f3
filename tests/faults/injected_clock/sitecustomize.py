"""Loaded by every Python of a system under test: its clock is ahead by what a file says, and can be set at any time."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engage.core.clock import SystemClock

AHEAD = Path(os.environ["CLOCK_AHEAD_FILE"])
real_time = time.time


def ahead_s() -> float:
    """Return by how many seconds the clock is ahead now."""
    try:
        return float(AHEAD.read_text() or 0)
    except (OSError, ValueError):
        return 0.0


def now(_: SystemClock) -> datetime:
    """Return the time of day as this machine's set clock has it."""
    return datetime.now(UTC) + timedelta(seconds=ahead_s())


SystemClock.now = now  # type: ignore[method-assign]
time.time = lambda: real_time() + ahead_s()
