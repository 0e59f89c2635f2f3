"""Workers for the tests of the runtime, run in real processes; each says what it does on the channel "signals"."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock

from engage.core.protocols import Stop, WorkerContext
from engage.core.types import Box, FaceCrop, FrameFaces, Image, Mode, Origin, SourceState, SourceStatus
from engage.errors import SourceError
from engage.runtime.context import Context

BEAT_S = 0.05


def status(text: str) -> SourceStatus:
    return SourceStatus(Origin(0, 0, 0), SourceState.LIVE, datetime.now(UTC), text)


@dataclass
class Small:
    """Says "started NAME PID", beats until stopped or ``trouble`` happens, says "stopped NAME PID"."""

    context: WorkerContext
    trouble: str = ""
    marker: str = ""
    """A file; where given, trouble happens only as long as it does not exist, which it then does."""

    def run(self, stop: Stop) -> None:
        said = self.context.sender("signals")
        said.send(status(f"started {self.context.name} {os.getpid()}"))
        if isinstance(self.context, Context):
            self.context.meters.count("frames_read")
        self.context.beat()
        if self.trouble and not (self.marker and Path(self.marker).exists()):
            if self.marker:
                Path(self.marker).touch()
            self.be_trouble()
        while not stop.wait(BEAT_S):
            self.context.beat()
        said.send(status(f"stopped {self.context.name} {os.getpid()}"))

    def be_trouble(self) -> None:
        if self.trouble == "hang":
            time.sleep(3600)
        if self.trouble == "raise":
            raise SourceError("no such camera")
        if self.trouble == "exit":
            os._exit(7)
        if self.trouble == "ignore stop":
            while True:
                self.context.beat()
                time.sleep(BEAT_S)


def small(context: WorkerContext, trouble: str = "", marker: str = "") -> Small:
    return Small(context, trouble, marker)


def refusing(context: WorkerContext) -> Small:
    raise SourceError("Port 1 is in use.")


def loading(context: WorkerContext) -> Small:
    context.sender("signals").send(status(f"loading {context.name} {os.getpid()}"))
    time.sleep(3600)
    raise AssertionError


class Leaving:
    """Returns without being asked."""

    def __init__(self, context: WorkerContext) -> None:
        self.context = context

    def run(self, stop: Stop) -> None:
        self.context.sender("signals").send(status(f"started {self.context.name} {os.getpid()}"))


class Replayed:
    """A student's camera and what finds the face, at next to no cost: drawn faces again and again, at its rate."""

    def __init__(self, context: WorkerContext, origin: Origin, mode: Mode, rate_fps: float) -> None:
        from engage.runtime.channels import faces

        self.context, self.origin, self.mode, self.rate_fps = context, origin, mode, rate_fps
        self.drawn = drawn()  # now, while it counts as starting and not as silence
        self.found = context.sender(faces(origin.source_id, context.settings.inference.replicas))

    def run(self, stop: Stop) -> None:
        clock = self.context.clock
        while not stop.wait(1.0 / self.rate_fps):
            self.context.beat()
            seq = int(clock.monotonic() * self.rate_fps)
            pixels = self.drawn[(self.origin.source_id + seq) % len(self.drawn)]
            crop = FaceCrop(1, pixels, Box(10, 10, 60, 60), 0.9)
            at = clock.now(), clock.monotonic()
            self.found.send(FrameFaces(self.origin, self.mode, seq, *at, 0.5, (crop,)))


drawing = Lock()


def drawn() -> Image:
    with drawing:  # sixty cameras of one process begin at once
        return drawn_once()


@cache
def drawn_once() -> Image:
    from engage.capture.virtual.probe import drawn_crops

    return drawn_crops()


def replayed(context: WorkerContext, origin: list[int], mode: str, address: str, rate_fps: float) -> Replayed:
    return Replayed(context, Origin(*origin), Mode(mode), rate_fps)
