"""Every extension point, each with its contract.

``tests/contracts`` runs one suite per protocol over every implementation.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from engage.core.signals import SignalArrays
from engage.core.types import Box, Face, Frame, GestureEvent, Image, ScoredSample, SourceStatus
from engage.core.updates import LiveUpdate

Message = object
"""What channels carry: one of the records of ``engage.core``."""


class Clock(Protocol):
    """The time. Tests inject their own."""

    def now(self) -> datetime:
        """Return the time of day, aware UTC."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps; only differences mean anything."""


class Stop(Protocol):
    """A request to stop; ``threading.Event`` is one."""

    def is_set(self) -> bool:
        """Return whether stopping was asked for."""

    def wait(self, timeout: float | None = None) -> bool:
        """Sleep until stopping is asked for or ``timeout`` seconds have passed; return ``is_set()``."""


@runtime_checkable
class FrameSource(Protocol):
    """One camera, stream, file or drawn student. Used by one thread.

    ``open`` may take seconds and raises SourceError with one plain line. ``read`` returns the newest frame that was not
    returned before, waiting at most ``timeout_s`` for it and returning None when that passes; it raises SourceLost when
    the source is gone, SourceEnded after the last frame. A live source never queues frames: what is not read is skipped
    and counted in ``skipped``. ``close`` may be called at any time, any number of times. ``name`` holds no password.
    """

    @property
    def name(self) -> str:
        """Return what people call it; without user name and password."""

    @property
    def live(self) -> bool:
        """Return True for cameras (frames exist whether read or not), False for files read at the reader's pace."""

    @property
    def skipped(self) -> int:
        """Return how many frames were there and not read."""

    def open(self) -> None:
        """Make the source ready to be read."""

    def read(self, timeout_s: float) -> Frame | None:
        """Return the newest unread frame, or None after ``timeout_s`` seconds without one."""

    def close(self) -> None:
        """Let go of the source."""


@runtime_checkable
class FaceDetector(Protocol):
    """Finds faces. ``image`` is ``(H, W, 3)`` BGR or ``(H, W)`` gray uint8 of any size.

    Boxes lie in pixels of ``image`` and may reach past its edge, most confident first; landmarks are None where the
    detector has none. An image without a face gives an empty list, an empty array raises ValueError.
    """

    @property
    def name(self) -> str:
        """Return what reports call it."""

    def detect(self, image: Image) -> list[Face]:
        """Return the faces in ``image``."""


@runtime_checkable
class HandReader(Protocol):
    """Reads what hands do beside a face. Absent by default; used by one thread."""

    def read(self, image: Image, face: Box) -> tuple[str, ...]:
        """Return "raised_hand", "hand_to_face", both or neither; ``face`` is the student's box in pixels."""


@runtime_checkable
class ExpressionClassifier(Protocol):
    """Names expressions: ``(N, 48, 48)`` uint8 in, ``(N, 8)`` float32 out, in FER+ order, rows summing to 1."""

    @property
    def name(self) -> str:
        """Return what reports call it."""

    def predict(self, crops: Image) -> NDArray[np.float32]:
        """Return class probabilities for ``crops``; ``N`` may be 0."""


@runtime_checkable
class SignalReader(ExpressionClassifier, Protocol):
    """A classifier whose network has the second head too: head, eyes, mouth, and where the face is, in one pass."""

    @property
    def reads_signals(self) -> bool:
        """Return whether the weights at hand have that head; without it ``signals`` must not be called."""

    def signals(self, crops: Image, expression: bool = True) -> SignalArrays:
        """Return all signals of ``crops``, ``(N, 48, 48)`` uint8; ``N`` may be 0.

        With ``expression=False`` the expression head is not evaluated, and ``expression`` is None.
        """


class InferenceBackend(Protocol):
    """Computes the network on one kind of machinery, but for the expression head, which is computed where it is wanted.

    ``(N, 48, 48)`` uint8 crops in, ``N`` at least 1 and any from call to call. A row depends on its crop alone, and
    agrees with PyTorch's in float32 as closely as the precision allows. Used by one thread.
    """

    @property
    def name(self) -> str:
        """Return library and precision, such as ``openvino-int8``."""

    def run(self, crops: Image) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Return pooled features ``(N, F)`` and the signals head's ``(N, 14)`` answers, None without that head."""


class Sender(Protocol):
    """The writing end of a channel. Never blocks: a full channel drops its oldest message and counts it."""

    @property
    def dropped(self) -> int:
        """Return how many messages were dropped so far."""

    def send(self, message: Message) -> None:
        """Hand over one message."""

    def close(self) -> None:
        """Flush for at most a second and let go."""


class Receiver(Protocol):
    """The reading end of a channel; several senders may write to it. Order holds per sender."""

    def receive(self, timeout_s: float, limit: int = 256) -> list[Message]:
        """Return the messages at hand, at most ``limit``, waiting up to ``timeout_s`` for the first; maybe none."""

    def close(self) -> None:
        """Let go of the channel."""


class Store(Protocol):
    """The write side of the database. A repeated write of the same (session, student, second) changes nothing."""

    def write(
        self,
        samples: Sequence[ScoredSample],
        gestures: Sequence[GestureEvent] = (),
        statuses: Sequence[SourceStatus] = (),
    ) -> None:
        """Commit all of it, or raise StorageError having committed nothing."""


class Publisher(Protocol):
    """Tells live pages what was committed. Never blocks, never raises for a missing listener."""

    def publish(self, update: LiveUpdate) -> None:
        """Send one update to the pages of its session."""


class Worker(Protocol):
    """A plain object that a launcher places somewhere and runs."""

    def run(self, stop: Stop) -> None:
        """Work until ``stop`` is set, then finish what is at hand within 5 s and return."""


class WorkerContext(Protocol):
    """What a launcher gives a worker: its channels, the clock and a way to say that it is alive."""

    name: str
    clock: Clock

    def sender(self, channel: str) -> Sender:
        """Return the writing end of the channel of this name."""

    def receiver(self, channel: str) -> Receiver:
        """Return the reading end of the channel of this name."""

    def beat(self) -> None:
        """Say that this worker is alive; a worker silent for ``runtime.heartbeat_timeout_s`` is replaced."""
