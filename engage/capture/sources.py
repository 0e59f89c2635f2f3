"""Sources by address: the one place that knows which address means which source."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from engage.capture.camera import CameraSource, Timeouts
from engage.capture.recordings import Playback, RecordingSource
from engage.core.addresses import STREAMS, redact, scheme
from engage.core.clock import SystemClock
from engage.core.protocols import Clock, FrameSource
from engage.errors import SourceError

KINDS = "a webcam's number, an rtsp:// or http:// address, virtual:SEED, or the path of a video, picture or folder"


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What applies to some sources: a camera's time limits, how a recording is played."""

    timeouts: Timeouts = field(default_factory=Timeouts)
    playback: Playback = field(default_factory=Playback)


def open_source(address: str, options: SourceOptions | None = None, clock: Clock | None = None) -> FrameSource:
    """Return the source at ``address``, ready for its ``open()``.

    Digits are a webcam, ``rtsp(s)://`` and ``http(s)://`` a network camera, ``virtual:SEED?script=NAME`` a drawn
    student, anything else a path. Raises SourceError, one line, for an address that is none of these; whether there is
    anything at the address shows when it is opened.
    """
    options = options or SourceOptions()
    clock = clock or SystemClock()
    address = address.strip()
    kind = scheme(address)
    if address.isascii() and address.isdigit():
        return CameraSource(int(address), options.timeouts, clock)
    if kind in STREAMS:
        return CameraSource(address, options.timeouts, clock)
    if kind == "virtual":
        from engage.capture.virtual.source import VirtualSource  # only where there is one

        return VirtualSource(address, clock)
    if kind and "://" in address:
        raise SourceError(f"{redact(address)} is not a source this program knows; give {KINDS}.")
    if not address:
        raise SourceError(f"The source's address is empty; give {KINDS}.")
    return RecordingSource(Path(address).expanduser(), options.playback, clock)
