"""Reading a source at the agreed rate for as long as it is there, and opening it again whenever it is lost."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from engage.core.protocols import Clock, FrameSource, Stop
from engage.core.types import Frame, SourceState
from engage.errors import SourceEnded, SourceError

log = logging.getLogger(__name__)

PATIENCE_S = 0.5
"""Longest wait in one piece, so that a worker says often that it is alive, and stops soon."""


class Vitals(Protocol):
    """What a worker needs of its WorkerContext."""

    clock: Clock

    def beat(self) -> None:
        """Say that this worker is alive."""


class Taker(Protocol):
    """What becomes of what is read."""

    def turn(self) -> None:
        """Do what has to be done also without frames; called at least every half second while the source is open."""

    def take(self, frame: Frame) -> None:
        """Look at a frame; never raises."""

    def tell(self, state: SourceState, detail: str) -> None:
        """Take in where the source stands; repeats are frequent."""

    def lose(self) -> None:
        """Take in that the source was lost: what comes next is another picture."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a source is looked at, and how soon a lost one is tried again.

    The pause before opening a source again starts at ``reconnect_first_s`` and doubles to ``reconnect_longest_s``.
    """

    rate_fps: float = 5.0
    reconnect_first_s: float = 0.5
    reconnect_longest_s: float = 10.0


class Reading:
    """Reads one source and hands its frames on.

    Nothing queues: frames are read at the agreed rate, and what lies between is skipped by the source. A source that
    fails is opened again until stopping is asked for; only its regular end ends the reading.
    """

    def __init__(self, pace: Pace, source: FrameSource, taker: Taker, vitals: Vitals) -> None:
        self._pace = pace
        self._source = source
        self._taker = taker
        self._clock = vitals.clock
        self._beat = vitals.beat
        self._pause_s = pace.reconnect_first_s
        self._rate_fps = pace.rate_fps

    @property
    def rate_fps(self) -> float:
        """Return the frames a second that are read now."""
        return self._rate_fps

    def keep_to(self, rate_fps: float) -> None:
        """Read so many frames a second from the next one on."""
        self._rate_fps = rate_fps

    def run(self, stop: Stop) -> None:
        """Read until ``stop`` is set or the source has ended, and let go of the source."""
        try:
            while not stop.is_set():
                self._beat()
                try:
                    self._source.open()
                    self._read_until(stop)
                except SourceEnded as ended:
                    self._taker.tell(SourceState.ENDED, str(ended))
                    return
                except SourceError as error:
                    self._lose(str(error))
                except Exception as error:  # a worker outlives whatever its source does
                    log.exception("source failed source=%s", self._source.name)
                    self._lose(f"{self._source.name} failed ({type(error).__name__}).")
                self._sleep(self._pause_s, stop)
                self._pause_s = min(self._pause_s * 2, self._pace.reconnect_longest_s)
        finally:
            self._source.close()

    def _read_until(self, stop: Stop) -> None:
        due_s = self._clock.monotonic()
        while not stop.is_set():
            self._beat()
            self._taker.turn()
            frame = self._source.read(PATIENCE_S)
            if frame is None:
                continue
            self._taker.tell(SourceState.LIVE, self._source.name)
            self._pause_s = self._pace.reconnect_first_s
            self._taker.take(frame)
            interval_s = 1.0 / self._rate_fps
            # On a grid, so that a camera's own rate does not slow the agreed one; a late frame starts a new grid.
            now = self._clock.monotonic()
            due_s = due_s + interval_s if due_s + interval_s > now - interval_s else now
            self._sleep(due_s - now, stop)

    def _lose(self, detail: str) -> None:
        self._source.close()
        self._taker.lose()
        self._taker.tell(SourceState.LOST, detail)

    def _sleep(self, duration_s: float, stop: Stop) -> None:
        end_s = self._clock.monotonic() + duration_s
        while not stop.is_set() and (left_s := end_s - self._clock.monotonic()) > 0:
            self._beat()
            stop.wait(min(left_s, PATIENCE_S))
