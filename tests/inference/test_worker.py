"""The inference worker between two fake channels."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from engage.core.protocols import Clock, Message
from engage.core.signals import FrameSignals, SignalArrays
from engage.core.types import (
    Box,
    FaceCrop,
    FrameFaces,
    HeadPose,
    Hint,
    Image,
    Mode,
    Origin,
    SourceState,
    SourceStatus,
    Strain,
)
from engage.inference.batching import BatchLimits
from engage.inference.reading import FaceReader
from engage.inference.worker import HINTS_IDLE_S, InferenceWorker

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
        self.pause_s = 0.0
        self.closed = False

    def receive(self, timeout_s: float, limit: int = 256) -> list[Message]:
        self.clock.now_s += timeout_s + self.pause_s
        if len(self.groups) <= 1:
            self.stop.set()
        return list(self.groups.pop(0)) if self.groups else []

    def close(self) -> None:
        self.closed = True


class FakeSender:
    def __init__(self, on_close: Callable[[], None] = lambda: None) -> None:
        self.on_close = on_close
        self.dropped = 0
        self.sent: list[Message] = []
        self.closed = False

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def close(self) -> None:
        self.closed = True
        self.on_close()


class FakeContext:
    name = "inference"

    def __init__(self, groups: Sequence[Sequence[Message]]) -> None:
        self.fake_clock = FakeClock()
        self.clock: Clock = self.fake_clock
        self.stop = threading.Event()
        self.input = FakeReceiver(groups, self.fake_clock, self.stop)
        self.output = FakeSender()
        self.hints: dict[str, FakeSender] = {}
        self.events: list[str] = []
        self.beats = 0

    def sender(self, channel: str) -> FakeSender:
        if channel == "signals":
            return self.output
        assert channel not in self.hints
        self.events.append(f"open {channel}")
        self.hints[channel] = FakeSender(lambda: self.events.append(f"close {channel}"))
        return self.hints[channel]

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


class FakeReader(FakeClassifier):
    """Has the second head too: every signal of a crop is its gray level / 255, so dark crops are no faces."""

    reads_signals = True

    def __init__(self, broken: bool = False) -> None:
        super().__init__(broken)
        self.with_expression: list[bool] = []

    def signals(self, crops: Image, expression: bool = True) -> SignalArrays:
        self.with_expression.append(expression)
        probabilities = self.predict(crops)
        level = probabilities[:, 0]
        return SignalArrays(probabilities if expression else None, *[level] * 11, np.stack([level] * 3, axis=1))


def crop(level: int, pose: HeadPose | None = None, detected: bool = True) -> FaceCrop:
    return FaceCrop(level, np.full((48, 48), level, np.uint8), Box(1, 2, 3, 4), 0.9, pose, detected)


def frame(seq: int, *crops: FaceCrop, mode: Mode = Mode.FULL, source: int = 1, at_s: float = 100.0) -> FrameFaces:
    return FrameFaces(Origin(1, source, source), mode, seq, AT, at_s, 0.5, crops)


def work(
    *groups: Sequence[Message], classifier: FakeClassifier | None = None, pause_s: float = 0.0
) -> tuple[list[Message], FakeClassifier, InferenceWorker]:
    context = FakeContext(groups)
    context.input.pause_s = pause_s
    classifier = classifier or FakeClassifier()
    worker = InferenceWorker(
        context,
        FaceReader(classifier, 0.5),
        BatchLimits(max_batch=8, max_wait_s=0.01, max_age_s=2.0),
        lambda origin: f"hints.{origin.source_id}",
    )
    worker.run(context.stop)
    assert context.input.closed
    assert all(sender.closed for sender in (context.output, *context.hints.values()))
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


def test_answered_and_dropped_frames_are_told_to_the_collector_once_a_second_and_counted() -> None:
    groups = [[frame(k, crop(9), at_s=100.0 + k * 0.3), frame(k, at_s=50.0)] for k in range(9)]
    sent, _, worker = work(*groups, pause_s=0.3)
    strains = [message for message in sent if isinstance(message, Strain)]
    assert 2 <= len(strains) <= 3
    assert sum(strain.frames for strain in strains) == sum(strain.dropped for strain in strains) > 4
    found = worker.meters.snapshot()
    assert found["frames_inferred"] == sum(strain.frames for strain in strains)
    assert found["frames_stale"] == sum(strain.dropped for strain in strains)
    assert found["batch_size_sum"] == worker.counts.crops == 9


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


def hints_of(worker: InferenceWorker) -> dict[str, list[Message]]:
    assert isinstance(worker.context, FakeContext)
    return {channel: sender.sent for channel, sender in worker.context.hints.items()}


def test_the_second_head_answers_in_the_same_pass_and_its_pose_replaces_the_landmarks() -> None:
    sent, classifier, _ = work([frame(1, crop(204, HeadPose(5, -3, 1)))], classifier=FakeReader())
    (face,) = frames_of(sent)[0].faces
    assert classifier.batches == [1]
    assert (face.yaw_deg, face.gaze_y, face.mouth_open, face.smile, face.brow) == pytest.approx((0.8,) * 5)
    assert face.expression is not None and face.box_shift == pytest.approx((0.8,) * 3)


def test_in_attention_mode_the_expression_head_rests_and_nothing_of_expression_is_sent() -> None:
    reader = FakeReader()
    sent, _, _ = work([frame(1, crop(204), mode=Mode.ATTENTION), frame(2, crop(204))], classifier=reader)
    limited, full = (found.faces[0] for found in frames_of(sent))
    assert sorted(reader.with_expression) == [False, True]
    assert (limited.expression, limited.smile, limited.brow) == (None, None, None)
    assert limited.yaw_deg == limited.left_eye_open == limited.face_score == pytest.approx(0.8)
    assert None not in (full.expression, full.smile, full.brow)


def test_in_presence_mode_nothing_is_read_and_nothing_flows_back() -> None:
    pixels = np.empty((0, 0), np.uint8)
    counted = FaceCrop(1, pixels, Box(1, 2, 3, 4), 0.9)
    sent, classifier, worker = work([frame(1, counted, mode=Mode.PRESENCE)], classifier=FakeReader())
    (face,) = frames_of(sent)[0].faces
    assert classifier.batches == [] and hints_of(worker) == {}
    assert face == type(face)(1, Box(1, 2, 3, 4), 0.9)


def test_a_crop_that_was_followed_to_and_shows_no_face_is_none() -> None:
    frames = [frame(1, crop(40, detected=False)), frame(2, crop(40)), frame(3, crop(204, detected=False))]
    sent, _, worker = work(frames, classifier=FakeReader())
    assert [len(found.faces) for found in frames_of(sent)] == [0, 1, 1]
    assert worker.counts.disbelieved == 1
    assert frames_of(sent)[2].faces[0].confidence == pytest.approx(0.8)


def test_a_followed_crop_that_nobody_could_read_is_no_face() -> None:
    sent, _, _ = work([frame(1, crop(204, detected=False), crop(203))], classifier=FakeReader(broken=True))
    assert [face.track_id for face in frames_of(sent)[0].faces] == [203]


def test_where_a_face_has_moved_flows_back_to_its_own_source() -> None:
    frames = [frame(7, crop(40, detected=False), source=3), frame(1, crop(204), source=4)]
    _, _, worker = work(frames, classifier=FakeReader())
    assert set(hints_of(worker)) == {"hints.3", "hints.4"}
    (hint,) = hints_of(worker)["hints.3"]
    assert isinstance(hint, Hint)
    assert (hint.origin.source_id, hint.seq, hint.monotonic_s, hint.track_id) == (3, 7, 100.0, 40)
    assert (hint.face_score, *hint.box_shift) == pytest.approx((40 / 255,) * 4)


def test_the_channel_of_a_source_that_went_silent_is_let_go() -> None:
    first, second = (frame(1, crop(204), source=source, at_s=1e6) for source in (3, 4))
    context = FakeContext([[first], [], [second]])
    context.input.pause_s = 2 * HINTS_IDLE_S
    worker = InferenceWorker(context, FaceReader(FakeReader()), hint_channel=lambda origin: f"hints.{origin.source_id}")
    worker.run(context.stop)
    assert context.events == ["open hints.3", "close hints.3", "open hints.4", "close hints.4"]


def test_without_the_second_head_there_are_no_hints() -> None:
    _, _, worker = work([frame(1, crop(10))])
    assert hints_of(worker) == {}
