"""Recordings as frame sources: a video file, a picture or a folder of pictures, at their own speed or at full speed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from engage.capture.reels import Reel, open_reel
from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.core.types import Frame, Image
from engage.errors import SourceEnded, SourceError

ON_TIME_S = 1e-3


class Pace(StrEnum):
    """How a recording is played."""

    REAL = "real"
    """As it was recorded: a frame that is not read in time is skipped."""
    FAST = "fast"
    """Every frame, as fast as it is read."""


@dataclass(frozen=True, slots=True)
class Playback:
    """How a recording is played: its pace, one frame every ``every_s`` seconds only, from the start again at the end.

    Pictures, having no time of their own, are ``spacing_s`` apart.
    """

    pace: Pace = Pace.REAL
    every_s: float | None = None
    loop: bool = False
    spacing_s: float = 1.0


class RecordingSource:
    """A video file (GIFs too), a picture, or a folder of pictures in natural order (see FrameSource)."""

    def __init__(
        self,
        path: Path,
        playback: Playback | None = None,
        clock: Clock | None = None,
        wait: Callable[[float], object] | None = None,
        admit: Callable[[Path], Path] | None = None,
    ) -> None:
        self.name = path.name or str(path)
        self.path = path
        self._admit = admit
        self.skipped = 0
        self._playback = playback or Playback()
        self.live = self._playback.pace is Pace.REAL
        self._clock = clock or SystemClock()
        self._closed = threading.Event()
        self._wait = wait or self._closed.wait
        self._head: _Playhead | None = None
        self._started_at = datetime.min
        self._started_s: float | None = None
        self._seq = 0

    @property
    def duration_s(self) -> float:
        """How long the recording says it is, 0 where it does not say; for a progress bar."""
        return self._head.reel.duration_s if self._head else 0.0

    @property
    def fps(self) -> float:
        """Frames per second, as far as the recording says."""
        return self._head.reel.fps if self._head else 0.0

    @property
    def remark(self) -> str:
        """What is wrong with the recording, in one line, or ""; known at its end."""
        return self._head.reel.remark if self._head else ""

    def open(self) -> None:
        """Open the recording and read its first picture, or raise SourceError: missing, empty, damaged, no video."""
        self.close()
        self._head = _Playhead(self._admit(self.path) if self._admit else self.path, self._playback)
        self._closed.clear()
        self._started_at = self._clock.now()
        self._started_s = None

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame, in real time the newest that is due, or None after ``timeout_s`` without one."""
        head = self._head
        if head is None:
            raise SourceError(f"{self.name} is not open.")
        due_s = head.due()
        if self.live:
            if self._started_s is None:
                self._started_s = self._clock.monotonic() - due_s
            early_s = due_s - self._elapsed()
            if early_s > ON_TIME_S:
                self._wait(min(early_s, timeout_s))
                if due_s - self._elapsed() > ON_TIME_S:
                    return None
            while head.interval_s > 0 and self._elapsed() - due_s >= head.interval_s:
                head.take()
                self.skipped += 1
                due_s = head.due()
        self._seq += 1
        captured_at = self._clock.now() if self.live else self._started_at + timedelta(seconds=due_s)
        return Frame(head.picture(), self._seq, captured_at, self._clock.monotonic(), due_s)

    def close(self) -> None:
        """Let go of the file."""
        self._closed.set()
        head, self._head = self._head, None
        if head is not None:
            head.reel.close()

    def _elapsed(self) -> float:
        return self._clock.monotonic() - (self._started_s or 0.0)


class _Playhead:
    """Where an open recording stands, over all its rounds."""

    def __init__(self, path: Path, playback: Playback) -> None:
        self._path = path
        self._playback = playback
        self._round_s = 0.0
        self._target_s = 0.0
        self._position_s: float | None = None
        self._due_s: float | None = None
        self._ended: SourceEnded | None = None
        self.interval_s = 0.0
        self.reel: Reel = open_reel(path, playback.spacing_s)

    def due(self) -> float:
        """Return the position of the picture at hand, over all rounds; raise SourceEnded when there is none."""
        if self._due_s is None:
            position_s = self._move()
            self._due_s = self._round_s + position_s  # the round as it is after the move
        return self._due_s

    def take(self) -> None:
        """Be done with the picture at hand."""
        self._due_s = None

    def picture(self) -> Image:
        """Return the picture at hand and be done with it."""
        self.take()
        return self.reel.picture()

    def _move(self) -> float:
        if self._ended:
            raise self._ended
        position_s = self.reel.forward(self._target_s)
        if position_s is None:
            position_s = self._rewind()
        elif self._position_s is not None:
            self.interval_s = position_s - self._position_s
        self._position_s = position_s
        every_s = self._playback.every_s
        while every_s and self._target_s <= position_s + ON_TIME_S:
            self._target_s += every_s
        return position_s

    def _rewind(self) -> float:
        if not self._playback.loop:
            self._ended = SourceEnded(self.reel.remark or f"{self._path.name} is over.")
            raise self._ended
        self.reel.close()
        self.reel = open_reel(self._path, self._playback.spacing_s)
        self._round_s += (self._position_s or 0.0) + (self.interval_s or 1.0 / self.reel.fps)
        self._target_s = 0.0
        first_s = self.reel.forward(0.0)
        if first_s is None:
            raise SourceError(f"{self._path.name} holds no pictures any more.")
        return first_s
