"""Virtual students as a frame source, behind addresses such as ``virtual:7?script=drowsy&width=320&height=240``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from engage.capture.virtual.drawing import render
from engage.capture.virtual.person import Person
from engage.capture.virtual.script import Script, ScriptKind
from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.core.types import Frame
from engage.errors import SourceEnded, SourceError, SourceLost

SCHEME = "virtual:"


@dataclass(frozen=True, slots=True)
class VirtualSpec:
    """What an address of a virtual student says."""

    seed: int
    script: ScriptKind = ScriptKind.LIVELY
    width: int = 320
    height: int = 240
    fps: float = 15.0
    realtime: bool = True
    """Paced by the clock and skipping what is not read, or drawn as fast as frames are read."""
    seconds: float = 0.0
    """Length; 0 has no end."""
    start: float = 0.0
    """Where in the script to begin, in seconds."""

    def __str__(self) -> str:
        """Return the address."""
        default = VirtualSpec(self.seed)
        shown = [
            f"{item.name}={self._value(item.name)}"
            for item in fields(self)
            if item.name == "script" or (item.name != "seed" and self._value(item.name) != default._value(item.name))
        ]
        return f"{SCHEME}{self.seed}?{'&'.join(shown)}"

    def _value(self, name: str) -> str:
        value = getattr(self, name)
        return str(int(value)) if isinstance(value, bool) else str(value)


def parse_spec(address: str) -> VirtualSpec:
    """Return what ``address`` says; SourceError, one plain line, for anything that is not a virtual address."""
    if not address.startswith(SCHEME):
        raise SourceError(f"not a virtual student: {address!r}; write virtual:SEED?script=lively")
    head, _, query = address[len(SCHEME) :].partition("?")
    try:
        words = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        spec = VirtualSpec(int(head or "0"), **{key: _READERS[key](value) for key, value in words})
    except KeyError as error:
        raise SourceError(f"{address}: unknown word {error.args[0]!r}; known: {', '.join(_READERS)}") from None
    except ValueError as error:
        raise SourceError(f"{address}: {error}") from None
    if not (16 <= spec.width <= 4096 and 16 <= spec.height <= 4096 and 0.1 <= spec.fps <= 240.0 and spec.seed >= 0):
        raise SourceError(f"{address}: width and height go from 16 to 4096, fps from .1 to 240, the seed from 0")
    if spec.seconds < 0.0 or spec.start < 0.0:
        raise SourceError(f"{address}: seconds and start cannot be negative")
    return spec


def _script(value: str) -> ScriptKind:
    try:
        return ScriptKind(value)
    except ValueError:
        raise ValueError(f"no script {value!r}; known: {', '.join(ScriptKind)}") from None


def _flag(value: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if value not in words:
        raise ValueError(f"{value!r} is neither 1 nor 0")
    return words[value]


_READERS: dict[str, Callable[[str], Any]] = {
    "script": _script,
    "width": int,
    "height": int,
    "fps": float,
    "realtime": _flag,
    "seconds": float,
    "start": float,
}


class VirtualSource:
    """A virtual student as a camera (see ``engage.core.protocols.FrameSource``).

    In real time, frame ``n`` exists from ``n / fps`` seconds after the first ``open`` on; closing and opening again
    goes on in the script, as a camera would. Frames are drawn when they are read, so that what is skipped costs
    nothing. While a script has its camera off, ``open`` and ``read`` say so with SourceError and SourceLost.
    """

    def __init__(self, spec: VirtualSpec | str, clock: Clock | None = None) -> None:
        """Play ``spec``, a record or an address; SourceError for a wrong address."""
        self.spec = parse_spec(spec) if isinstance(spec, str) else spec
        self.name = str(self.spec)
        self.live = self.spec.realtime
        self.skipped = 0
        self.person = Person.from_seed(self.spec.seed)
        self.script = Script(self.spec.script, self.spec.seed)
        self._clock = clock or SystemClock()
        self._began: tuple[datetime, float] | None = None
        self._next = 0
        self._opened = False
        self._closed = threading.Event()

    def open(self) -> None:
        """Begin, or go on, with the script."""
        if self._began is None:
            self._began = (self._clock.now(), self._clock.monotonic())
        self._closed.clear()
        if self.live and not self.script.camera_on(self.spec.start + self._elapsed()):
            raise SourceError(f"{self.name}: the camera is off")
        self._opened = True

    def read(self, timeout_s: float) -> Frame | None:
        """Return the newest unread frame, or None after ``timeout_s`` seconds without one."""
        if not self._opened or self._began is None:
            raise SourceLost(f"{self.name}: not open")
        index = self._due(timeout_s) if self.live else self._next
        if index is None:
            return None
        position = index / self.spec.fps
        if self.spec.seconds and position >= self.spec.seconds:
            raise SourceEnded(f"{self.name}: the script is over")
        if self.live and not self.script.camera_on(self.spec.start + position):
            self._opened = False
            raise SourceLost(f"{self.name}: the camera was turned off")
        self.skipped += index - self._next if self.live else 0
        self._next = index + 1
        return self._frame(index, position, self._began[0])

    def close(self) -> None:
        """Stop waiting and let go."""
        self._opened = False
        self._closed.set()

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._began[1] if self._began else 0.0

    def _due(self, timeout_s: float) -> int | None:
        """Return the number of the newest frame, after waiting for one that was not read before."""
        wait = self._next / self.spec.fps - self._elapsed()
        if wait > 0.0:
            self._closed.wait(min(wait, max(0.0, timeout_s)))
        newest = int(self._elapsed() * self.spec.fps + 1e-6)
        return newest if newest >= self._next else None

    def _frame(self, index: int, position_s: float, began: datetime) -> Frame:
        spec = self.spec
        state = self.script.state_at(spec.start + position_s)
        image = render(self.person, state, (spec.width, spec.height), index)
        if self.live:
            return Frame(image, index, self._clock.now(), self._clock.monotonic(), position_s)
        return Frame(image, index, began + timedelta(seconds=position_s), self._clock.monotonic(), position_s)
