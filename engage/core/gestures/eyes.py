"""Lids over time: PERCLOS and blinks."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from engage.core.lids import CLOSED_BELOW

LEAST_READ_S = 20.0
"""PERCLOS says something from this much of reading on; what is missing before counts as open."""
BLINK_BELOW = 0.5
LONGEST_BLINK_S = 0.5
BLINK_WINDOW_S = 60.0


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    duration_s: float
    closed: bool


class Perclos:
    """PERCLOS: the share of the last ``window_s`` of reading with closed lids, and how long they are closed now."""

    def __init__(self, window_s: float = 60.0) -> None:
        self._window_s = window_s
        self._looks: deque[_Look] = deque()
        self._read_s = 0.0
        self._shut_s = 0.0
        self.closed_for_s = 0.0

    def add(self, at: float, duration_s: float, lids: float | None) -> None:
        """Take a reading of the lids that stands for ``duration_s``."""
        if lids is not None:
            closed = lids <= CLOSED_BELOW
            self._looks.append(_Look(at, duration_s, closed))
            self._read_s += duration_s
            self._shut_s += duration_s * closed
            self.closed_for_s = self.closed_for_s + duration_s if closed else 0.0
        else:
            self.closed_for_s = 0.0
        while self._looks and self._looks[0].at <= at - self._window_s:
            look = self._looks.popleft()
            self._read_s -= look.duration_s
            self._shut_s -= look.duration_s * look.closed

    def share(self) -> float | None:
        """Return PERCLOS 0-1, or None where nothing was read."""
        return max(self._shut_s, 0.0) / max(self._read_s, LEAST_READ_S) if self._looks else None


class Blinks:
    """Counts blinks: lids that shut and open again within half a second."""

    def __init__(self) -> None:
        self._shut_at: float | None = None
        self._blinks: deque[float] = deque()
        self._looks: deque[tuple[float, float]] = deque()
        self._read_s = 0.0

    def add(self, at: float, duration_s: float, lids: float | None) -> bool:
        """Take a reading of the lids; return whether a blink ended with it."""
        blinked = False
        if lids is None:
            self._shut_at = None
        else:
            self._looks.append((at, duration_s))
            self._read_s += duration_s
            blinked = self._see(at, lids)
        while self._looks and self._looks[0][0] <= at - BLINK_WINDOW_S:
            self._read_s -= self._looks.popleft()[1]
        while self._blinks and self._blinks[0] <= at - BLINK_WINDOW_S:
            self._blinks.popleft()
        return blinked

    def per_minute(self) -> float | None:
        """Return blinks a minute over the last minute, or None before ``LEAST_READ_S`` of reading."""
        return 60.0 * len(self._blinks) / self._read_s if self._read_s >= LEAST_READ_S else None

    def clear(self) -> None:
        """Forget all: frames come too slowly."""
        self._shut_at = None
        self._blinks.clear()
        self._looks.clear()
        self._read_s = 0.0

    def _see(self, at: float, lids: float) -> bool:
        if lids < BLINK_BELOW:
            self._shut_at = at if self._shut_at is None else self._shut_at
            return False
        blinked = self._shut_at is not None and at - self._shut_at <= LONGEST_BLINK_S
        self._shut_at = None
        if blinked:
            self._blinks.append(at)
        return blinked
