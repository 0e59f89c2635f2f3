"""Pictures that browsers push: looked at no further than their header, handed on by a direct channel, never kept.

The web process decodes nothing. What arrives goes to the capture worker of its source, the newest only; the answer says
how many frames a second the server can use next.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any, cast

from flask import Flask, current_app

from engage.capture_settings import Capture
from engage.config import Settings
from engage.core.clock import SystemClock
from engage.core.pacing import LEAST_FPS, agreed_rate_fps
from engage.core.pictures import read_header
from engage.core.protocols import Clock, Sender
from engage.core.types import Origin, PushedFrame
from engage.core.updates import LiveUpdate
from engage.errors import RequestError

EXTENSION = "engage.frames"

TOO_FAST = 2.0
"""A browser that sends more than this many times the rate it was asked for is answered, and its frame dropped."""
SILENCE_S = 3.0
"""Where results came before and none has come for this long while frames are pushed, they are late."""
TOLD_S = 15.0
"""For so long the collector's word on the rate holds; without one it is what the processors are trusted with."""
PAUSE_S = 1.5
"""Longest time between two frames of a browser that goes on sending."""

OpenFrames = Callable[[Origin], Sender]


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """What a pushed picture may be."""

    size: int = 120_000
    """Bytes."""
    side_px: int = 1280
    pixels: int = 640 * 480

    def check(self, data: object) -> bytes:
        """Return ``data`` where it is a picture within these limits, else raise RequestError with one line."""
        if not isinstance(data, bytes):
            raise RequestError("A frame is the bytes of a JPEG or WebP picture.")
        if len(data) > self.size:
            raise RequestError(f"This picture has {len(data)} bytes; {self.size} are the most.")
        try:
            header = read_header(data)
        except ValueError as error:
            raise RequestError(f"This cannot be used: {error}.") from None
        if header.pixels > self.pixels or max(header.width, header.height) > self.side_px:
            raise RequestError(f"This picture is too large: {header.width} x {header.height}; scale it down.")
        return data


STUDENT = FrameLimits()
"""A student's own camera: at the width sent, 480 pixels, a face has about a hundred."""
WINDOW = FrameLimits(size=900_000, side_px=2560, pixels=1920 * 1088)
"""A shared window: many small faces."""


@dataclass(slots=True)
class _Line:
    """The way of one source's frames."""

    sender: Sender
    seq: int = 0
    pushed_s: float = float("-inf")
    heard_s: float | None = None
    """When the last result came back; None before the first, and after a pause."""


class FrameDesk:
    """Hands pushed frames to the capture workers of their sources, and knows which rate to ask for.

    May be used by several threads. Without ``open_frames`` (outside the running system) every push is refused.
    """

    def __init__(self, limits: Capture, open_frames: OpenFrames | None = None, clock: Clock | None = None) -> None:
        self._limits = limits
        self._open_frames = open_frames
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._lines: dict[Origin, _Line] = {}
        self._n_sources = 1
        self._told: tuple[float, float] | None = None

    def connect(self, open_frames: OpenFrames) -> None:
        """Say how the channel of a source is opened."""
        self._open_frames = open_frames

    def count(self, n_sources: int) -> None:
        """Say how many sources are looked at now: they share the machine."""
        self._n_sources = max(1, n_sources)

    def push(self, origin: Origin, data: bytes) -> float:
        """Hand over a picture that was checked, and return the frames a second to send from now on.

        Raises RequestError where no capture worker can be reached from here.
        """
        now_s = self._clock.monotonic()
        with self._lock:
            line = self._line(origin)
            if now_s - line.pushed_s > PAUSE_S:
                line.heard_s = None
            rate_fps = self._rate_fps(line, now_s)
            if now_s - line.pushed_s < 1.0 / (TOO_FAST * rate_fps):
                return rate_fps
            line.seq += 1
            line.pushed_s = now_s
            line.sender.send(PushedFrame(origin, line.seq, self._clock.now(), now_s, data))
        return rate_fps

    def hear(self, updates: Iterable[LiveUpdate]) -> None:
        """Take in what was committed: whose results came, and the rate that the collector asks sources for."""
        heard: set[tuple[int, int]] = set()
        asked_fps = None
        for update in updates:
            heard |= {(scored.sample.session_id, scored.sample.student_id) for scored in update.samples}
            asked_fps = asked_fps if update.rate is None else update.rate.asked_fps
        self._hear(heard, asked_fps)

    def hear_sent(self, payload: Mapping[str, Any]) -> None:
        """Take in an update that came as its JSON (``core.live.update_payload``)."""
        rate = payload.get("rate")
        heard = {(payload["session"], sample["student"]) for sample in payload["samples"]}
        self._hear(heard, rate and rate["asked_fps"])

    def _hear(self, heard: Set[tuple[int, int]], asked_fps: float | None) -> None:
        now_s = self._clock.monotonic()
        if asked_fps is not None:
            self._told = (now_s, asked_fps)
        with self._lock:
            for origin, line in self._lines.items():
                if (origin.session_id, origin.student_id) in heard:
                    line.heard_s = now_s

    def leave(self, origin: Origin) -> None:
        """Let go of a source's channel; nothing happens where there is none."""
        with self._lock:
            line = self._lines.pop(origin, None)
        if line is not None:
            line.sender.close()

    def _line(self, origin: Origin) -> _Line:
        line = self._lines.get(origin)
        if line is None:
            if self._open_frames is None:
                raise RequestError("Pictures cannot be taken here: the program is not running as a whole.")
            line = self._lines[origin] = _Line(self._open_frames(origin))
        return line

    def _rate_fps(self, line: _Line, now_s: float) -> float:
        told, agreed_fps = self._told, agreed_rate_fps(self._limits, self._n_sources, os.cpu_count() or 1)
        if line.heard_s is not None and now_s - line.heard_s > SILENCE_S:
            return min(LEAST_FPS, agreed_fps)
        return told[1] if told is not None and now_s - told[0] < TOLD_S else agreed_fps


def attach(app: Flask, settings: Settings) -> None:
    """Give the application its desk; the server then says how channels are opened."""
    app.extensions[EXTENSION] = FrameDesk(settings.capture)


def desk(app: Flask | None = None) -> FrameDesk:
    """Return the desk of ``app``, or of the application at work."""
    return cast(FrameDesk, (app or current_app).extensions[EXTENSION])
