"""The micro-batcher: when batches leave, in what order, and what is dropped."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engage.core.types import Box, FaceCrop, FrameFaces, Mode, Origin, SourceState, SourceStatus
from engage.inference.batching import QUEUED_BATCHES, BatchLimits, MicroBatcher

AT = datetime(2026, 1, 1, tzinfo=UTC)
ORIGIN = Origin(1, 1, 1)


class Time:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def frame(seq: int, crops: int = 1, at_s: float = 100.0, source: int = 1) -> FrameFaces:
    crop = FaceCrop(1, np.zeros((48, 48), np.uint8), Box(0, 0, 9, 9), 0.9)
    return FrameFaces(Origin(1, source, source), Mode.FULL, seq, AT, at_s, 0.5, (crop,) * crops)


def status() -> SourceStatus:
    return SourceStatus(ORIGIN, SourceState.LOST, AT)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def batcher(time: Time) -> MicroBatcher:
    return MicroBatcher(BatchLimits(max_batch=4, max_wait_s=0.01, max_age_s=2.0), time)


def test_nothing_waiting_is_never_due(batcher: MicroBatcher) -> None:
    assert batcher.due_in_s() is None
    assert batcher.take() == []


def test_a_batch_is_due_once_its_oldest_message_has_waited(batcher: MicroBatcher, time: Time) -> None:
    batcher.add(frame(1))
    assert batcher.due_in_s() == pytest.approx(0.01)
    time.now_s += 0.006
    batcher.add(frame(2))
    assert batcher.due_in_s() == pytest.approx(0.004)
    time.now_s += 0.006
    assert batcher.due_in_s() == 0


@pytest.mark.parametrize("crops", [[1, 1, 1, 1], [4], [3, 1], [9]])
def test_a_batch_is_due_at_once_when_full(batcher: MicroBatcher, crops: list[int]) -> None:
    for seq, count in enumerate(crops):
        batcher.add(frame(seq, count))
    assert batcher.due_in_s() == 0


def test_frames_without_faces_fill_a_batch_too(batcher: MicroBatcher) -> None:
    for seq in range(4):
        batcher.add(frame(seq, crops=0))
    assert batcher.due_in_s() == 0
    assert len(batcher.take()) == 4


def test_a_batch_holds_no_more_crops_than_its_limit(batcher: MicroBatcher) -> None:
    messages = [frame(1, 3), frame(2, 2), status(), frame(3, 2)]
    for message in messages:
        batcher.add(message)
    assert [batcher.take(), batcher.take(), batcher.take()] == [messages[:1], messages[1:], []]


def test_a_frame_with_more_crops_than_a_batch_goes_alone(batcher: MicroBatcher) -> None:
    crowd = frame(1, 9)
    batcher.add(crowd)
    batcher.add(frame(2))
    assert batcher.take() == [crowd]


def test_old_frames_are_discarded_and_counted_and_statuses_are_kept(batcher: MicroBatcher, time: Time) -> None:
    batcher.add(frame(1, at_s=100.0))
    kept = [status(), frame(2, at_s=101.5)]
    for message in kept:
        batcher.add(message)
    time.now_s = 102.1
    assert batcher.take() == kept
    assert batcher.stale == 1


def test_a_full_queue_drops_the_oldest_frame_and_never_a_status(batcher: MicroBatcher) -> None:
    batcher.add(status())
    room = QUEUED_BATCHES * batcher.limits.max_batch
    for seq in range(room + 3):
        batcher.add(frame(seq))
    assert batcher.crowded == 3
    assert len(batcher) == room + 1
    first = batcher.take()
    assert isinstance(first[0], SourceStatus)
    assert isinstance(first[1], FrameFaces)
    assert first[1].seq == 3


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), st.floats(0, 1)), max_size=40))
def test_order_holds_and_every_frame_is_delivered_or_counted(arrivals: list[tuple[int, int, float]]) -> None:
    time = Time()
    batcher = MicroBatcher(BatchLimits(max_batch=4, max_wait_s=0.01, max_age_s=2.0), time)
    delivered: list[FrameFaces] = []
    for seq, (source, crops, pause_s) in enumerate(arrivals):
        time.now_s += pause_s
        batcher.add(frame(seq, crops, time.now_s - pause_s, source))
        if seq % 3 == 0:
            delivered += [message for message in batcher.take() if isinstance(message, FrameFaces)]
    while len(batcher):
        delivered += [message for message in batcher.take() if isinstance(message, FrameFaces)]
    assert [message.seq for message in delivered] == sorted(message.seq for message in delivered)
    assert len(delivered) + batcher.stale + batcher.crowded == len(arrivals)
    assert batcher.due_in_s() is None
