"""The inference worker between two fake channels."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from engage.core.protocols import Clock, Message
from engage.core.types import (
    Box,
    FaceCrop,
    FrameFaces,
    FrameSignals,
    HeadPose,
    Image,
    Mode,
    Origin,
    SourceState,
    SourceStatus,
)
from engage.inference.batching import BatchLimits
from engage.inference.worker import InferenceWorker

AT = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def now(self) -> datetime:
        return AT

    def monotonic(self) -> float:
        return self.now_s


class FakeReceiver:
    """Gives out one group of messages per call, lets time pass, and asks the worker to stop after the last."""

    def __init__(self, groups: Sequence[Sequence[Message]], clock: FakeClock, stop: threading.Event) -> None:
        self.groups, self.clock, self.stop = list(groups), clock, stop
        self.closed = False

    def receive(self, timeout_s: float, limit: int = 256) -> list[Message]:
        self.clock.now_s += timeout_s
        if len(self.groups) <= 1:
            self.stop.set()
        return list(self.groups.pop(0)) if self.groups else []

    def close(self) -> None:
        self.closed = True


class FakeSender:
    def __init__(self) -> None:
        self.dropped = 0
        self.sent: list[Message] = []
        self.closed = False

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def close(self) -> None:
        self.closed = True


class FakeContext:
    name = "inference"

    def __init__(self, groups: Sequence[Sequence[Message]]) -> None:
        self.fake_clock = FakeClock()
        self.clock: Clock = self.fake_clock
        self.stop = threading.Event()
        self.input = FakeReceiver(groups, self.fake_clock, self.stop)
        self.output = FakeSender()
        self.beats = 0

    def sender(self, channel: str) -> FakeSender:
        assert channel == "signals"
        return self.output

    def receiver(self, channel: str) -> FakeReceiver:
        assert channel == "faces"
        return self.input

    def beat(self) -> None:
        self.beats += 1


class FakeClassifier:
    """Answers with a vector whose first entry is the crop's gray level / 255, so that answers can be told apart."""

    name = "fake"

    def __init__(self, broken: bool = False) -> None:
        self.broken = broken
        self.batches: list[int] = []

    def predict(self, crops: Image) -> NDArray[np.float32]:
        self.batches.append(len(crops))
        if self.broken:
            raise RuntimeError("out of memory")
        answer = np.zeros((len(crops), 8), np.float32)
        answer[:, 0] = crops[:, 0, 0] / np.float32(255)
        return answer


def crop(level: int, pose: HeadPose | None = None) -> FaceCrop:
    return FaceCrop(level, np.full((48, 48), level, np.uint8), Box(1, 2, 3, 4), 0.9, pose)


def frame(seq: int, *crops: FaceCrop, mode: Mode = Mode.FULL, source: int = 1, at_s: float = 100.0) -> FrameFaces:
    return FrameFaces(Origin(1, source, source), mode, seq, AT, at_s, 0.5, crops)


def work(
    *groups: Sequence[Message], classifier: FakeClassifier | None = None
) -> tuple[list[Message], FakeClassifier, InferenceWorker]:
    context = FakeContext(groups)
    classifier = classifier or FakeClassifier()
    worker = InferenceWorker(context, classifier, BatchLimits(max_batch=8, max_wait_s=0.01, max_age_s=2.0))
    worker.run(context.stop)
    assert context.input.closed
    assert context.output.closed
    assert context.beats > 0
    return context.output.sent, classifier, worker


def frames_of(sent: Sequence[Message]) -> list[FrameSignals]:
    return [message for message in sent if isinstance(message, FrameSignals)]


def test_crops_of_all_students_share_a_batch_and_each_gets_its_own_answer() -> None:
    sent, classifier, _ = work([frame(1, crop(10), crop(20), source=1), frame(1, crop(30), source=2)])
    assert classifier.batches == [3]
    levels = [[round(face.expression[0] * 255) for face in f.faces if face.expression] for f in frames_of(sent)]
    assert levels == [[10, 20], [30]]
    assert [face.track_id for face in frames_of(sent)[0].faces] == [10, 20]


def test_a_frame_keeps_its_origin_time_and_brightness() -> None:
    given = frame(7, crop(10), source=3)
    (sent,) = frames_of(work([given])[0])
    assert (sent.origin, sent.mode, sent.seq, sent.captured_at, sent.monotonic_s, sent.brightness) == (
        given.origin,
        given.mode,
        given.seq,
        given.captured_at,
        given.monotonic_s,
        given.brightness,
    )
    assert (sent.faces[0].box, sent.faces[0].confidence) == (Box(1, 2, 3, 4), 0.9)


@pytest.mark.parametrize("mode", [Mode.ATTENTION, Mode.PRESENCE])
def test_no_expression_is_computed_outside_full_mode(mode: Mode) -> None:
    sent, classifier, _ = work([frame(1, crop(10, HeadPose(5, -3, 1)), mode=mode), frame(2, crop(20))])
    limited, full = frames_of(sent)
    assert classifier.batches == [1]
    assert limited.faces[0].expression is None
    assert limited.faces[0].yaw_deg == 5
    assert full.faces[0].expression is not None


def test_head_pose_becomes_signals_and_its_absence_stays_absent() -> None:
    (sent,) = frames_of(work([frame(1, crop(10, HeadPose(5, -3, 1)), crop(20))])[0])
    posed, plain = sent.faces
    assert (posed.yaw_deg, posed.pitch_deg, posed.roll_deg) == (5, -3, 1)
    assert (plain.yaw_deg, plain.pitch_deg, plain.roll_deg) == (None, None, None)


def test_frames_without_faces_and_statuses_pass_in_order() -> None:
    status = SourceStatus(Origin(1, 1, 1), SourceState.LOST, AT, "unplugged")
    sent, classifier, _ = work([frame(1), status, frame(2, crop(10))], [frame(3)])
    assert [message if message is status else message.seq for message in sent] == [1, status, 2, 3]  # type: ignore[attr-defined]
    assert classifier.batches == [1]


def test_frames_that_are_too_old_are_not_classified() -> None:
    sent, classifier, _ = work([frame(1, crop(10), at_s=90.0), frame(2, crop(20), at_s=100.0)])
    assert [f.seq for f in frames_of(sent)] == [2]
    assert classifier.batches == [1]


def test_what_is_at_hand_is_finished_after_a_stop() -> None:
    sent, _, _ = work([frame(seq, crop(seq)) for seq in range(20)], [frame(20, crop(20))])
    assert [f.seq for f in frames_of(sent)] == list(range(21))


def test_a_failing_classifier_costs_the_expression_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    sent, _, worker = work([frame(1, crop(10, HeadPose(5, 0, 0)))], classifier=FakeClassifier(broken=True))
    (only,) = frames_of(sent)
    assert only.faces[0].expression is None
    assert only.faces[0].yaw_deg == 5
    assert worker.counts.failed == 1
    assert "out of memory" in caplog.text


def test_a_message_of_another_kind_is_counted_and_left_out() -> None:
    sent, _, worker = work([object(), frame(1)])
    assert [f.seq for f in frames_of(sent)] == [1]
    assert worker.counts.unexpected == 1
