"""The time of one student's frames, kept from running backwards when somebody sets the machine's clock. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

SET_BACK_S = 2.0
"""Frames of one student come in order; one that is so much older than the last was stamped by a clock set back."""
LONGEST_S = 60.0


class SteadyTime:
    """Gives each frame its time of capture, going on from the last one where the clock was set back.

    A second that was closed never comes again, so a lesson whose clock is set back by an hour would otherwise have no
    samples for an hour. It stays on its old time until the clock has caught up; one set forward is followed at once.
    """

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._last_s: float | None = None
        self._shift = timedelta(0)

    def resume(self, at: datetime) -> None:
        """Go on after ``at``, the newest time that is stored."""
        self._last, self._last_s = at, None

    def of(self, captured_at: datetime, monotonic_s: float) -> datetime:
        """Return the time of a frame that was stamped ``captured_at``, at ``monotonic_s`` on the monotonic clock."""
        if self._last is not None:
            if captured_at >= self._last:
                self._shift = timedelta(0)
            if captured_at + self._shift < self._last - timedelta(seconds=SET_BACK_S):
                passed_s = monotonic_s - self._last_s if self._last_s is not None else 0.0
                passed = timedelta(seconds=min(max(0.0, passed_s), LONGEST_S))
                self._shift = self._last + passed - captured_at
        at = captured_at + self._shift
        self._last, self._last_s = at if self._last is None else max(self._last, at), monotonic_s
        return at
