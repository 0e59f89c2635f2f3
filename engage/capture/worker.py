"""The capture worker: one source of one student, read at the agreed rate, its faces sent on."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from engage.capture.looking import Looked
from engage.capture.reading import Pace, Reading, Vitals
from engage.core.meters import Meters
from engage.core.pacing import LEAST_FPS
from engage.core.protocols import FrameSource, Receiver, Sender, Stop
from engage.core.traces import NoTraces, Traces
from engage.core.types import Frame, FrameFaces, Hint, Mode, Origin, RateHint, SourceState, SourceStatus

log = logging.getLogger(__name__)

LOG_EVERY = 100
"""Of failures while looking at frames, the first and every hundredth are logged."""


@dataclass(frozen=True, slots=True)
class CaptureJob:
    """Whose camera it is, what may be inferred, how often it is looked at, and how soon a lost one is tried again.

    ``rate_fps`` is what was agreed. With ``first_fps`` the source is looked at no more often than that until the first
    RateHint says what the system bears, and then at the rate of the newest hint, between LEAST_FPS and what was agreed.
    The pause before opening a source again starts at ``reconnect_first_s`` and doubles to ``reconnect_longest_s``.
    """

    origin: Origin
    mode: Mode
    rate_fps: float = 5.0
    reconnect_first_s: float = 0.5
    reconnect_longest_s: float = 10.0
    first_fps: float | None = None


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

    def learn(self, hint: Hint) -> None:
        """Take in where the network saw the face of an earlier crop."""

    def reset(self) -> None:
        """Forget all tracks."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The worker's ends of channels: what it finds goes out; what the network saw, and how fast to go on, come back."""

    found: Sender
    hints: Receiver | None = None


class CaptureWorker:
    """Turns one source into FrameFaces, one per looked-at frame, and SourceStatus, one per change (see Worker).

    How it is read, lost and opened again is said in ``Reading``.
    """

    def __init__(
        self, job: CaptureJob, source: FrameSource, finder: Finder, ends: Ends, vitals: Vitals, *,
        meters: Meters | None = None, traces: Traces | None = None,
    ) -> None:  # fmt: skip
        self.counts = CaptureCounts()
        self._job = job
        self._source = source
        self._finder = finder
        self._sender = ends.found
        self._hints = ends.hints
        self._clock = vitals.clock
        self._told: tuple[SourceState, str] | None = None
        self._meters = meters or Meters()
        self._traces = traces or NoTraces()
        pace = Pace(min(job.rate_fps, job.first_fps or job.rate_fps), job.reconnect_first_s, job.reconnect_longest_s)
        self._reading = Reading(pace, source, self, vitals)

    def run(self, stop: Stop) -> None:
        """Work until ``stop`` is set or the source has ended."""
        try:
            self._reading.run(stop)
        finally:
            self._sender.close()
            if self._hints is not None:
                self._hints.close()

    def turn(self) -> None:
        """Do nothing: without frames there is nothing to do."""

    def take(self, frame: Frame) -> None:
        """Look at a frame and send on what was found."""
        self._meters.count("frames_skipped", max(0, self._source.skipped - self.counts.skipped))
        self.counts.skipped = self._source.skipped
        try:
            self._learn()
            began_s = self._clock.monotonic()
            looked = self._finder.look(frame, self._job.mode)
            self._meters.observe("look_seconds", [self._clock.monotonic() - began_s])
        except Exception:  # one odd frame must not stop a lesson
            if self.counts.failed % LOG_EVERY == 0:
                log.exception("frame failed source=%d failed=%d", self._job.origin.source_id, self.counts.failed + 1)
            self.counts.failed += 1
            self._meters.count("frames_failed")
            return
        self.counts.read += 1
        self._meters.count("frames_read")
        origin = self._job.origin
        self._traces.begin(origin.session_id, origin.student_id, frame.captured_at, self._clock.now().timestamp())
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

    def tell(self, state: SourceState, detail: str) -> None:
        """Send on where the source stands, where that is new."""
        if self._told == (state, detail):
            return
        self._told = (state, detail)
        log.info("source %s source=%d detail=%s", state, self._job.origin.source_id, detail)
        self._sender.send(SourceStatus(self._job.origin, state, self._clock.now(), detail))

    def lose(self) -> None:
        """Forget what was followed."""
        self.counts.lost += 1
        self._meters.count("sources_lost")
        self._finder.reset()

    def _learn(self) -> None:
        """Hand on the hints that have come; never waits for one."""
        for message in self._hints.receive(0.0) if self._hints is not None else ():
            if isinstance(message, Hint):
                self._finder.learn(message)
            elif isinstance(message, RateHint) and self._job.first_fps is not None:
                least_fps = min(LEAST_FPS, self._job.rate_fps)
                self._reading.keep_to(min(self._job.rate_fps, max(least_fps, message.rate_fps)))
