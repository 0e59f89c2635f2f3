"""What the presets share: whether a target is a camera, what may be read of it, and single looks through it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from engage.capture.camera import Timeouts
from engage.capture.sources import SourceOptions, open_source
from engage.cli.analyze import mode_for
from engage.cli.rules import stored_answer
from engage.config import Settings
from engage.core.addresses import scheme
from engage.core.policy import rules_in_force
from engage.core.protocols import FrameSource
from engage.core.types import Frame, Mode
from engage.errors import PolicyError, SourceEnded, SourceError

FIRST_FRAME_S = 10.0
"""How long a camera may take to show its first picture."""


def is_camera(target: str) -> bool:
    """Return whether ``target`` is the address of something live, and not a file or folder."""
    if Path(target).exists():
        return False
    return (target.isascii() and target.isdigit()) or bool(scheme(target) and "://" in target) or _drawn(target)


def permitted(settings: Settings, target: str, console: Console) -> Mode:
    """Return what may be read of ``target``: of a file as ``engage analyze`` does, of a camera only after set-up.

    Drawn students may be read whole. PolicyError where nobody has said yet where this is and what may be inferred.
    """
    if _drawn(target):
        return Mode.FULL
    if is_camera(target) and None in rules_in_force(settings.policy, stored_answer(settings)):
        raise PolicyError(
            "A camera sees people, and nobody has said yet where this is and what may be inferred: run 'engage serve' "
            "and answer there, or set policy.jurisdiction and policy.mode."
        )
    return mode_for(settings, console)


@contextmanager
def opened(settings: Settings, target: str) -> Iterator[FrameSource]:
    """Yield the camera at ``target``, open; it is let go of at the end. Raises SourceError with one line."""
    source = open_source(target, SourceOptions(timeouts=Timeouts(read_s=settings.capture.read_timeout_s)))
    try:
        source.open()
        yield source
    finally:
        source.close()


def one_look(settings: Settings, target: str) -> Frame:
    """Return one picture of a camera that is open for no longer than that takes. Raises SourceError."""
    with opened(settings, target) as source:
        frame = source.read(FIRST_FRAME_S)
    if frame is None:
        raise SourceError(f"{source.name} showed no picture within {FIRST_FRAME_S:.0f} s.")
    return frame


def frames_for(source: FrameSource, seconds: float, rate_fps: float) -> Iterator[Frame]:
    """Yield frames of an open camera for ``seconds``, at most ``rate_fps`` a second."""
    began = time.monotonic()
    due_s = 0.0
    while time.monotonic() - began < seconds:
        try:
            frame = source.read(1.0)
        except SourceEnded:
            return
        if frame is not None and frame.position_s >= due_s:
            due_s = frame.position_s + 0.9 / rate_fps
            yield frame


def _drawn(target: str) -> bool:
    return scheme(target) == "virtual"
