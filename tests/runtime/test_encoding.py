"""Records come back from bytes as they were; damaged bytes are refused."""

from __future__ import annotations

import contextlib
import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage.core.looks import LookAnswer, LookRequest
from engage.core.shared import Hold, NameFace, SharedFace, SharedName, SharedView
from engage.core.signals import FaceSignals, FrameSignals
from engage.core.types import (
    Box,
    Dropped,
    FaceCrop,
    FrameFaces,
    HeadPose,
    Hint,
    Mode,
    Origin,
    PushedFrame,
    RateHint,
    Reason,
    Sample,
    Score,
    ScoredSample,
    SourceState,
    SourceStatus,
    Strain,
)
from engage.core.updates import LiveUpdate, Rate
from engage.errors import ChannelError
from engage.runtime.encoding import RECORDS, Codec
from engage.runtime.messages import Assignment, Heartbeat, Nudge
from engage.runtime.specs import WorkerSpec

AT = datetime(2026, 11, 22, 18, 4, 5, 123456, tzinfo=UTC)
ORIGIN = Origin(1, 2, 3)
BOX = Box(-1.5, 2.0, 30.0, 40.0)
PROBABILITIES = (0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)
CODEC = Codec()


def crop(pixels: np.ndarray) -> FaceCrop:
    return FaceCrop(4, pixels, BOX, 0.9, HeadPose(1.0, -2.0, 3.0))


def faces(pixels: np.ndarray) -> FrameFaces:
    return FrameFaces(ORIGIN, Mode.ATTENTION, 9, AT, 12.25, 0.5, (crop(pixels),))


SAMPLE = Sample(1, 3, 1795370645, AT, 5, 1.0, 0.8, 0.9, 0.5, PROBABILITIES, yaw_deg=3.5, mode=Mode.PRESENCE)
RECORD_OF_EACH_KIND = (
    FrameSignals(
        ORIGIN, Mode.FULL, 9, AT, 12.25, 0.5, (FaceSignals(4, BOX, 0.9, PROBABILITIES, box_shift=(0.1, 0.0, -0.1)),)
    ),
    Hint(ORIGIN, 9, 12.25, 4, 0.75, (0.1, 0.0, -0.1)),
    RateHint(ORIGIN, 3.5),
    Strain(60, 2),
    SourceStatus(ORIGIN, SourceState.LOST, AT, "the camera is gone"),
    LiveUpdate(
        1, AT, (ScoredSample(SAMPLE, Score(None, 0.2, Reason.AWAY, {"drowsy": 1.0}), "v1"),), (), rate=Rate(2.5, 5.0)
    ),
    LookRequest("a", "looks.1", Mode.FULL, 12.5, b"picture"),
    LookAnswer("a", 64, 48, (), b"picture"),
    PushedFrame(ORIGIN, 9, AT, 12.25, b"picture"),
    NameFace(1, 2, 3, None),
    SharedView(1, 2, AT, 640, 360, (SharedFace(7, BOX),), (SharedName(3, Hold.UNSURE, None, (7,), True),)),
    Dropped("faces", 3),
    Heartbeat("web", 2, 99, {"web": 0.5}, {"other": 1.0}, {"sent.faces": 7}, {"look_seconds_sum": 0.5}, "no"),
    Assignment("capture-1", 2, (WorkerSpec("camera", "a.b:c", {"address": "virtual:1", "origin": [1, 2, 3]}),)),
    Nudge("a session began"),
)


@pytest.mark.parametrize("record", RECORD_OF_EACH_KIND, ids=lambda record: type(record).__name__)
def test_records_come_back_equal(record):
    back = CODEC.decode(CODEC.encode(record))
    assert back == record
    assert type(back) is type(record)


def test_every_kind_of_record_is_tried():
    assert {type(record) for record in RECORD_OF_EACH_KIND} | {FrameFaces} == set(RECORDS)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 60), min_size=2, max_size=3))
def test_pixels_come_back_with_their_shape(shape):
    pixels = (np.arange(np.prod(shape)) % 251).astype(np.uint8).reshape(shape)
    for given_pixels in (pixels, pixels.T):
        record = faces(given_pixels)
        back = CODEC.decode(CODEC.encode(record))
        assert np.array_equal(back.faces[0].pixels, given_pixels)
        assert back.faces[0].pixels.dtype == np.uint8
        assert back.captured_at == AT
        assert back.captured_at.tzinfo is not None
        bare = [dataclasses.replace(each, faces=()) for each in (back, record)]
        assert bare[0] == bare[1]


def test_numbers_of_numpy_are_sent_as_plain_ones():
    record = SourceStatus(Origin(np.int64(1), 2, 3), SourceState.LIVE, AT)
    assert CODEC.decode(CODEC.encode(record)) == SourceStatus(Origin(1, 2, 3), SourceState.LIVE, AT)


@pytest.mark.parametrize("message", [object(), faces(np.zeros((4, 4), np.float32)), {"a": 1}, None])
def test_what_may_not_cross_is_refused(message):
    with pytest.raises(ChannelError):
        CODEC.encode(message)


@given(st.data())
def test_damaged_bytes_are_refused_or_give_a_record(data):
    good = bytearray(CODEC.encode(faces(np.zeros((48, 48), np.uint8))))
    cut = data.draw(st.integers(0, len(good)))
    at = data.draw(st.integers(0, len(good) - 1))
    good[at] = data.draw(st.integers(0, 255))
    for damaged in (bytes(good), bytes(good[:cut])):
        with contextlib.suppress(ChannelError):
            assert isinstance(CODEC.decode(damaged), FrameFaces)


@given(st.binary(max_size=200), st.sampled_from([record.__name__.encode() + b"\0" for record in RECORDS] + [b""]))
def test_any_bytes_are_refused_or_give_a_record(data, prefix):
    with contextlib.suppress(ChannelError):
        assert isinstance(CODEC.decode(prefix + data), RECORDS)
