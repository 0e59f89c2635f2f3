"""Cameras for measurements on several machines: their frames were drawn before, and are played at their rate.

Drawing costs more than all the rest, so each capture process does it once, for its first students. From decoding on
everything is as with a browser's frames.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from threading import Lock

from engage.cli.class_feed import drawn
from engage.cli.workers import capture_of
from engage.core.protocols import Clock, Message, Worker
from engage.core.types import Mode, Origin, PushedFrame
from engage.runtime.context import Context

FACTORY = "engage.cli.replayed:capture"
"""What stands for the capture worker's factory in a plan."""
ADDRESS = "browser:drawn"
"""As what the cameras are opened, whatever the database has."""
FACES = 6
"""Different students that are drawn; further ones are these again, at other moments."""

_drawing = Lock()


class Reel:
    """A Receiver that has each frame from when it is due on, as if a browser had pushed it then."""

    def __init__(self, origin: Origin, rate_fps: float, clock: Clock, pictures: Sequence[bytes]) -> None:
        self._origin, self._rate_fps, self._clock, self._pictures = origin, rate_fps, clock, pictures
        self._seq = 0
        phase_s = (origin.source_id * 0.618 % 1.0) / rate_fps  # so that a class does not come all at once
        self._due_s = clock.monotonic() + phase_s

    def receive(self, timeout_s: float, limit: int = 256) -> list[Message]:
        """Return the frames that are due, waiting up to ``timeout_s`` for the first; maybe none."""
        time.sleep(max(0.0, min(timeout_s, self._due_s - self._clock.monotonic())))
        found: list[Message] = []
        while self._due_s <= self._clock.monotonic() and len(found) < limit:
            found.append(self._frame())
        return found

    def close(self) -> None:
        """Do nothing."""

    def _frame(self) -> PushedFrame:
        self._seq += 1
        at_s, self._due_s = self._due_s, self._due_s + 1.0 / self._rate_fps
        captured_at = self._clock.now() - timedelta(seconds=self._clock.monotonic() - at_s)
        data = self._pictures[(self._seq + 7 * self._origin.source_id) % len(self._pictures)]
        return PushedFrame(self._origin, self._seq, captured_at, at_s, data)


def capture(context: Context, *, origin: tuple[int, int, int], mode: str, address: str, rate_fps: float) -> Worker:
    """Return the worker of one student whose frames are played; arguments are those of the capture worker's factory."""
    from engage.capture.worker import CaptureJob

    job = CaptureJob(Origin(*origin), Mode(mode), rate_fps)
    pictures = _drawn(job.origin.source_id % FACES, rate_fps)
    return capture_of(context, job, ADDRESS, lambda: Reel(job.origin, rate_fps, context.clock, pictures))


def _drawn(seed: int, rate_fps: float) -> Sequence[bytes]:
    with _drawing:  # many cameras begin at once, and each student is drawn once
        return _drawn_once(seed, rate_fps)


@cache
def _drawn_once(seed: int, rate_fps: float) -> Sequence[bytes]:
    return drawn(seed + 1, rate_fps)
