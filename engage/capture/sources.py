"""Sources by address: the one place that knows which address means which source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engage.camera_gate import CameraGate
from engage.capture.camera import CameraSource, Connect, Device, Timeouts, connect_device
from engage.capture.native import stay_with_one_camera
from engage.capture.pushed import PushedSource
from engage.capture.recordings import Playback, RecordingSource
from engage.core.addresses import STREAMS, redact, scheme
from engage.core.clock import SystemClock
from engage.core.protocols import Clock, FrameSource, Receiver
from engage.errors import SourceError

KINDS = "a webcam's number, an rtsp:// or http:// address, virtual:SEED, or the path of a video, picture or folder"


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What applies to some sources: a camera's time limits, how a recording is played, where pushed frames arrive."""

    timeouts: Timeouts = field(default_factory=Timeouts)
    playback: Playback = field(default_factory=Playback)
    pushed: Callable[[], Receiver] | None = None
    """Opens the channel on which a browser's frames arrive; None outside the running system."""
    gate: CameraGate | None = None
    """What a stream or file must pass each time it is opened; None where the operator named it on the command line."""


def open_source(address: str, options: SourceOptions | None = None, clock: Clock | None = None) -> FrameSource:
    """Return the source at ``address``, ready for its ``open()``.

    Digits are a webcam, ``rtsp(s)://`` and ``http(s)://`` a network camera, ``virtual:SEED?script=NAME`` a drawn
    student, ``browser:ID`` and ``window:ID`` what a browser pushes to the running system, anything else a path. Raises
    SourceError, one line, for an address that is none of these; whether anything is there shows when it is opened.
    """
    options = options or SourceOptions()
    clock = clock or SystemClock()
    address = address.strip()
    kind = scheme(address)
    if address.isascii() and address.isdigit():
        return CameraSource(int(address), options.timeouts, clock)
    if kind in STREAMS:
        return CameraSource(address, options.timeouts, clock, _connect_by(options.gate))
    if kind == "virtual":
        from engage.capture.virtual.source import VirtualSource  # only where there is one

        return VirtualSource(address, clock)
    if kind in ("browser", "window") and options.pushed is not None:
        return PushedSource(address, options.pushed, options.timeouts.read_s, clock)
    if kind and "://" in address:
        raise SourceError(f"{redact(address)} is not a source this program knows; give {KINDS}.")
    if not address:
        raise SourceError(f"The source's address is empty; give {KINDS}.")
    admit = options.gate.recording if options.gate else None
    return RecordingSource(Path(address).expanduser(), options.playback, clock, admit=admit)


def _connect_by(gate: CameraGate | None) -> Connect:
    if gate is None:
        return connect_device
    stay_with_one_camera()

    def connect(address: int | str, timeouts: Timeouts) -> Device:
        return connect_device(gate.stream(address) if isinstance(address, str) else address, timeouts)

    return connect
