"""The capture worker: one source of one student, read at the agreed rate, its faces sent on."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from engage.capture.looking import Looked
from engage.core.protocols import Clock, FrameSource, Sender, Stop
from engage.core.types import Frame, FrameFaces, Mode, Origin, SourceState, SourceStatus
from engage.errors import SourceEnded, SourceError

log = logging.getLogger(__name__)

PATIENCE_S = 0.5
"""Longest wait in one piece, so that the worker says often that it is alive, and stops soon."""
LOG_EVERY = 100
"""Of failures while looking at frames, the first and every hundredth are logged."""


@dataclass(frozen=True, slots=True)
class CaptureJob:
    """Whose camera it is, what may be inferred, how often it is looked at, and how soon a lost one is tried again.

    The pause before opening a source again starts at ``reconnect_first_s`` and doubles to ``reconnect_longest_s``.
    """

    origin: Origin
    mode: Mode
    rate_fps: float = 5.0
    reconnect_first_s: float = 0.5
    reconnect_longest_s: float = 10.0


@dataclass(slots=True)
class CaptureCounts:
    """What became of the frames so far: looked at, skipped by the source, failed while looking at them."""

    read: int = 0
    skipped: int = 0
    failed: int = 0
    lost: int = 0
    """How often the source was lost, or could not be opened."""


class Finder(Protocol):
    """Finds the faces of one source's frames, in their order (see FaceFinder)."""

    def look(self, frame: Frame, mode: Mode) -> Looked:
        """Return the crops that may leave the worker under ``mode``, and the brightness."""

    def reset(self) -> None:
        """Forget all tracks."""


class Vitals(Protocol):
    """What the worker needs of its WorkerContext."""

    clock: Clock

    def beat(self) -> None:
        """Say that this worker is alive."""


class CaptureWorker:
    """Turns one source into FrameFaces, one per looked-at frame, and SourceStatus, one per change (see Worker).

    Nothing queues: frames are read at ``rate_fps``, and what lies between is skipped by the source. A source that
    fails is opened again until stopping is asked for; only its regular end ends the worker.
    """

    def __init__(self, job: CaptureJob, source: FrameSource, finder: Finder, sender: Sender, vitals: Vitals) -> None:
        self.counts = CaptureCounts()
        self._job = job
        self._source = source
        self._finder = finder
        self._sender = sender
        self._clock = vitals.clock
        self._beat = vitals.beat
        self._told: tuple[SourceState, str] | None = None
        self._pause_s = job.reconnect_first_s

    def run(self, stop: Stop) -> None:
        """Work until ``stop`` is set or the source has ended."""
        try:
            while not stop.is_set():
                self._beat()
                try:
                    self._source.open()
                    self._read_until(stop)
                except SourceEnded as ended:
                    self._tell(SourceState.ENDED, str(ended))
                    return
                except SourceError as error:
                    self._lose(str(error))
                except Exception as error:  # a worker outlives whatever its source does
                    log.exception("source failed source=%d", self._job.origin.source_id)
                    self._lose(f"{self._source.name} failed ({type(error).__name__}).")
                self._sleep(self._pause_s, stop)
                self._pause_s = min(self._pause_s * 2, self._job.reconnect_longest_s)
        finally:
            self._source.close()
            self._sender.close()

    def _read_until(self, stop: Stop) -> None:
        interval_s = 1.0 / self._job.rate_fps
        due_s = self._clock.monotonic()
        while not stop.is_set():
            self._beat()
            frame = self._source.read(PATIENCE_S)
            self.counts.skipped = self._source.skipped
            if frame is None:
                continue
            self._tell(SourceState.LIVE, self._source.name)
            self._pause_s = self._job.reconnect_first_s
            self._look(frame)
            # On a grid, so that a camera's own rate does not slow the agreed one; a late frame starts a new grid.
            now = self._clock.monotonic()
            due_s = due_s + interval_s if due_s + interval_s > now - interval_s else now
            self._sleep(due_s - now, stop)

    def _look(self, frame: Frame) -> None:
        try:
            looked = self._finder.look(frame, self._job.mode)
        except Exception:  # one odd frame must not stop a lesson
            if self.counts.failed % LOG_EVERY == 0:
                log.exception("frame failed source=%d failed=%d", self._job.origin.source_id, self.counts.failed + 1)
            self.counts.failed += 1
            return
        self.counts.read += 1
        self._sender.send(
            FrameFaces(
                self._job.origin,
                self._job.mode,
                frame.seq,
                frame.captured_at,
                frame.monotonic_s,
                looked.brightness,
                looked.faces,
            )
        )

    def _lose(self, detail: str) -> None:
        self.counts.lost += 1
        self._source.close()
        self._finder.reset()
        self._tell(SourceState.LOST, detail)

    def _tell(self, state: SourceState, detail: str) -> None:
        if self._told == (state, detail):
            return
        self._told = (state, detail)
        log.info("source %s source=%d detail=%s", state, self._job.origin.source_id, detail)
        self._sender.send(SourceStatus(self._job.origin, state, self._clock.now(), detail))

    def _sleep(self, duration_s: float, stop: Stop) -> None:
        end_s = self._clock.monotonic() + duration_s
        while not stop.is_set() and (left_s := end_s - self._clock.monotonic()) > 0:
            self._beat()
            stop.wait(min(left_s, PATIENCE_S))
