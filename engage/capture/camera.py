"""Cameras: a webcam by its index, a network camera by its RTSP or HTTP address."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, cast

import cv2
from numpy.typing import NDArray

from engage.capture.diagnosis import explain
from engage.capture.native import quiet_opencv, ready_at_once
from engage.core.addresses import redact
from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.core.types import Frame, Image
from engage.errors import SourceError, SourceLost

GRACE_S = 1.0
"""How much longer than its own time limit a native call may take before it is left to itself."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long opening may take, and how long a camera may be silent before it counts as lost."""

    open_s: float = 5.0
    read_s: float = 5.0


class Device(Protocol):
    """The part of ``cv2.VideoCapture`` that is used, always from one thread."""

    def grab(self) -> bool:
        """Wait for the next frame; return False when there are no more."""

    def retrieve(self) -> tuple[bool, NDArray[Any]]:
        """Return the grabbed frame as BGR."""

    def release(self) -> None:
        """Let go of the device."""


Connect = Callable[[int | str, Timeouts], Device]


class CameraSource:
    """A camera read by a thread of its own, which keeps nothing but the newest frame (see FrameSource).

    Frames are only unpacked when somebody waits for one; all others are skipped and counted. A native call that hangs
    is left behind with its thread, so that neither ``open`` nor ``read`` nor ``close`` ever hangs.
    """

    live = True

    def __init__(
        self,
        address: int | str,
        timeouts: Timeouts | None = None,
        clock: Clock | None = None,
        connect: Connect | None = None,
    ) -> None:
        self.name = redact(address) if isinstance(address, str) else f"camera {address}"
        self.skipped = 0
        self._address = address
        self._timeouts = timeouts or Timeouts()
        self._clock = clock or SystemClock()
        self._connect = connect or connect_device
        self._reader: _Reader | None = None
        self._last: _Reader | None = None
        self._seq = 0
        self._first_s: float | None = None

    def open(self) -> None:
        """Connect, or raise SourceError: there is no such camera, it does not answer, it refuses the password."""
        self.close()
        if self._last is not None and self._last.hangs():
            raise SourceError(f"{self.name} still does not answer.")  # and no second thread hangs with the first
        reader = self._last = _Reader(lambda: self._connect(self._address, self._timeouts), self._clock)
        reader.start(self._timeouts.open_s + GRACE_S, self.name)
        self._reader = reader

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame the camera gives, or None after ``timeout_s``; raise SourceLost when it stopped."""
        reader = self._reader
        if reader is None:
            raise SourceError(f"{self.name} is not open.")
        shot = reader.take(timeout_s)
        self.skipped += reader.count_skipped()
        if shot is None:
            self._check(reader)
            return None
        self._first_s = shot.monotonic_s if self._first_s is None else self._first_s
        self._seq += 1
        return Frame(shot.image, self._seq, shot.captured_at, shot.monotonic_s, shot.monotonic_s - self._first_s)

    def close(self) -> None:
        """Let go of the camera; a device that hangs is let go as soon as it answers."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.stop()
            self.skipped += reader.count_skipped()

    def _check(self, reader: _Reader) -> None:
        if reader.over:
            raise SourceLost(f"{self.name} stopped sending.")
        if reader.silent_s() > self._timeouts.read_s:
            raise SourceLost(f"{self.name} has sent no picture for {self._timeouts.read_s:g} s.")


@dataclass(frozen=True, slots=True)
class _Shot:
    image: Image
    captured_at: datetime
    monotonic_s: float


class _Reader:
    """The thread that owns a device."""

    def __init__(self, connect: Callable[[], Device], clock: Clock) -> None:
        self._connect = connect
        self._clock = clock
        self._news = threading.Condition()
        self._connected = False
        self._error: Exception | None = None
        self._stopping = False
        self._wanted = False
        self._shot: _Shot | None = None
        self._skipped = 0
        self._heard_s = 0.0
        self.over = False
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def start(self, timeout_s: float, name: str) -> None:
        """Connect within ``timeout_s``, or raise SourceError."""
        self._thread.start()
        with self._news:
            self._news.wait_for(lambda: self._connected or self._error is not None, timeout_s)
            if self._connected:
                return
            self._stopping = True
            error = self._error
        if error is None:
            raise SourceError(f"{name} did not answer within {timeout_s:g} s.")
        if isinstance(error, SourceError):
            raise error
        raise SourceError(f"{name} cannot be opened ({type(error).__name__}).") from error

    def take(self, timeout_s: float) -> _Shot | None:
        """Return a frame not yet taken, waiting ``timeout_s`` for it. A wish outlives its wait."""
        with self._news:
            self._wanted = True
            self._news.wait_for(lambda: self._shot is not None or self.over, timeout_s)
            shot, self._shot = self._shot, None
            self._wanted = shot is None
            return shot

    def hangs(self) -> bool:
        """Return whether the thread is still in a native call."""
        return self._thread.is_alive()

    def silent_s(self) -> float:
        """Return how long ago the last frame came."""
        return self._clock.monotonic() - self._heard_s

    def count_skipped(self) -> int:
        """Return the frames skipped since the last call."""
        with self._news:
            skipped, self._skipped = self._skipped, 0
            return skipped

    def stop(self) -> None:
        """Ask the thread to end and wait a moment for it."""
        with self._news:
            self._stopping = True
        self._thread.join(GRACE_S)

    def _run(self) -> None:
        try:
            device = self._connect()
        except Exception as error:  # handed to the thread that opens
            with self._news:
                self._error = error
                self._news.notify_all()
            return
        try:
            with self._news:
                self._connected = True
                self._heard_s = self._clock.monotonic()
                self._news.notify_all()
            while not self._stopping and device.grab():
                self._keep(device)
        except cv2.error:
            pass  # a device that breaks is over
        finally:
            device.release()
            with self._news:
                self.over = True
                self._news.notify_all()

    def _keep(self, device: Device) -> None:
        captured_at, self._heard_s = self._clock.now(), self._clock.monotonic()
        if not self._wanted:
            with self._news:
                self._skipped += 1
            return
        good, image = device.retrieve()
        with self._news:
            self._skipped += not good or self._shot is not None
            if good:
                self._shot = _Shot(cast(Image, image), captured_at, self._heard_s)
                self._news.notify_all()


def connect_device(address: int | str, timeouts: Timeouts) -> cv2.VideoCapture:
    """Return an open capture for a webcam's index or a stream's address, or raise SourceError."""
    quiet_opencv()
    ready_at_once()
    if isinstance(address, int):
        device = cv2.VideoCapture(address)
        if not device.isOpened():
            raise SourceError(_why_no_webcam(address))
        return device
    open_ms, read_ms = int(timeouts.open_s * 1000), int(timeouts.read_s * 1000)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, open_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, read_ms]
    stream = cv2.VideoCapture(address, cv2.CAP_FFMPEG, limits)
    if not stream.isOpened():
        raise SourceError(f"{redact(address)} {explain(address, timeouts.open_s)}.")
    return stream


def _why_no_webcam(index: int) -> str:
    device = Path(f"/dev/video{index}")
    if not sys.platform.startswith("linux"):
        return f"Camera {index} cannot be opened; check that it is plugged in and allowed, and not in use elsewhere."
    if not device.exists():
        found = sorted(int(path.name[5:]) for path in Path("/dev").glob("video*") if path.name[5:].isdigit())
        there = f"there are {', '.join(map(str, found))}" if found else "there is none on this machine"
        return f"There is no camera {index} ({there})."
    if not os.access(device, os.R_OK | os.W_OK):
        return f"Camera {index} may not be used by this account; add it to the group 'video'."
    return f"Camera {index} cannot be opened; another program may be using it."
