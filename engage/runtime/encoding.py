"""Records to bytes and back: the record's name, a zero byte, then its fields as MessagePack."""

from __future__ import annotations

import math
from typing import Any, get_origin

import msgspec
import numpy as np

from engage.core.looks import LookAnswer, LookRequest
from engage.core.protocols import Message
from engage.core.shared import NameFace, SharedView
from engage.core.signals import FrameSignals
from engage.core.types import Dropped, FrameFaces, Hint, PushedFrame, RateHint, SourceStatus, Strain
from engage.core.updates import LiveUpdate
from engage.errors import ChannelError
from engage.runtime.messages import Assignment, Heartbeat, Nudge

RECORDS: tuple[type, ...] = (
    FrameFaces,
    FrameSignals,
    Hint,
    RateHint,
    Strain,
    PushedFrame,
    SourceStatus,
    LiveUpdate,
    LookAnswer,
    LookRequest,
    NameFace,
    SharedView,
    Dropped,
    Heartbeat,
    Assignment,
    Nudge,
)
"""The records that may cross a channel."""

MAX_DIMENSIONS = 3
LONGEST_NAME = 64


class Codec:
    """Encodes and decodes the given record types; safe to share between threads.

    Pixels travel as raw bytes with their shape and come back as a read-only uint8 array over the message's own memory;
    times travel as UTC timestamps and come back aware.
    """

    def __init__(self, records: tuple[type, ...] = RECORDS) -> None:
        self._encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
        self._prefixes = {record: record.__name__.encode() + b"\0" for record in records}
        self._decoders: dict[bytes, msgspec.msgpack.Decoder[Any]] = {
            record.__name__.encode(): msgspec.msgpack.Decoder(record, dec_hook=_rich) for record in records
        }

    def encode(self, message: Message) -> bytes:
        """Return ``message`` as bytes. Raises ChannelError for anything that may not cross a channel."""
        prefix = self._prefixes.get(type(message))
        if prefix is None:
            raise ChannelError(f"A {type(message).__name__} is no message; channels carry the records of engage.core.")
        try:
            return prefix + self._encoder.encode(message)
        except (TypeError, ValueError, OverflowError) as error:
            raise ChannelError(f"This {type(message).__name__} cannot be sent: {error}.") from error

    def decode(self, data: bytes) -> Message:
        """Return the record in ``data``. Raises ChannelError where there is none."""
        end = data.find(b"\0", 0, LONGEST_NAME)
        decoder = self._decoders.get(data[:end]) if end > 0 else None
        if decoder is None:
            raise ChannelError("A message of an unknown kind arrived; do all processes run the same version?")
        try:
            record: Message = decoder.decode(memoryview(data)[end + 1 :])
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise ChannelError(f"A damaged {data[:end].decode()} arrived: {error}.") from error
        return record


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype != np.uint8 or value.ndim > MAX_DIMENSIONS:
            raise ValueError(f"pixels must be uint8 with at most {MAX_DIMENSIONS} axes, not {value.dtype}")
        return value.shape, value.tobytes()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a {type(value).__name__} has no form on a channel")


def _rich(expected: Any, value: Any) -> Any:
    if (get_origin(expected) or expected) is not np.ndarray:
        raise ValueError(f"a {expected} has no form on a channel")
    shape, pixels = value
    if not isinstance(pixels, bytes) or not all(isinstance(side, int) and side >= 0 for side in shape):
        raise ValueError("pixels must be bytes with a shape")
    if len(shape) > MAX_DIMENSIONS or math.prod(shape) != len(pixels):
        raise ValueError("pixels and their shape disagree")
    return np.frombuffer(pixels, np.uint8).reshape(shape)
