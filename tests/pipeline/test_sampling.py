"""Samples: at most one a second, closed by frames, weighted by time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engage.core.signals import FaceSignals, FrameSignals
from engage.core.types import Box, Mode, Origin, Sample
from engage.pipeline.sampling import SampleBuilder

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BOX = Box(0, 0, 10, 10)


def frame(at_s: float, face: FaceSignals | None) -> FrameSignals:
    at = START + timedelta(seconds=at_s)
    return FrameSignals(Origin(1, 1, 7), Mode.FULL, 0, at, at_s, 0.5, () if face is None else (face,))


def face(yaw: float = 0.0, **signals: object) -> FaceSignals:
    return FaceSignals(1, BOX, 0.9, yaw_deg=yaw, pitch_deg=0.0, **signals)  # type: ignore[arg-type]


def gather(looks: list[tuple[float, FaceSignals | None]]) -> list[Sample]:
    builder = SampleBuilder(1, 7)
    return [sample for at, f in looks if (sample := builder.add(frame(at, f), f)) is not None]


@pytest.mark.parametrize("rate", [2, 5, 15])
def test_one_sample_a_second_at_any_rate(rate: int) -> None:
    samples = gather([(k / rate, face()) for k in range(10 * rate)])
    assert [s.second - int(START.timestamp()) for s in samples] == list(range(10))
    assert all(s.duration_s == pytest.approx(1.0) for s in samples[1:])


def test_the_closing_frame_is_the_newest_in_its_sample() -> None:
    samples = gather([(k / 5, face(yaw=k)) for k in range(12)])
    assert samples[1].captured_at == START + timedelta(seconds=1)
    assert samples[1].yaw_deg == pytest.approx((1 + 2 + 3 + 4 + 5) / 5)


def test_shares_are_weighted_by_time_not_by_frames() -> None:
    looks = [(0.0, face()), (0.1, face()), (0.2, face()), (0.3, face()), (1.0, None)]
    assert gather(looks)[1].face_share == pytest.approx(0.3)


def test_a_second_without_a_face_is_a_sample_too() -> None:
    sample = gather([(0.0, None)])[0]
    assert (sample.face_share, sample.confidence, sample.expression, sample.yaw_deg) == (0.0, None, None, None)


def test_a_gap_is_not_filled() -> None:
    samples = gather([(0.0, face()), (30.0, face())])
    assert samples[1].duration_s == pytest.approx(0.5)


def test_lids_are_not_read_while_the_head_is_down() -> None:
    closed = {"left_eye_open": 0.1, "right_eye_open": 0.1}
    down = FaceSignals(1, BOX, 0.9, yaw_deg=0.0, pitch_deg=-30.0, **closed)  # type: ignore[arg-type]
    assert gather([(0.0, face(**closed))])[0].lids_closed_share == 1.0
    assert gather([(0.0, down)])[0].lids_closed_share is None
    assert gather([(0.0, down)])[0].eyes_open == pytest.approx(0.1)


def test_the_gaze_of_closed_eyes_is_not_read() -> None:
    shut = face(gaze_y=-13.0, gaze_x=2.0, left_eye_open=0.1, right_eye_open=0.1)
    wide = face(gaze_y=-1.0, gaze_x=0.0, left_eye_open=0.9, right_eye_open=0.9)
    blinking = gather([(0.0, wide), (0.5, shut), (1.0, wide)])[1]
    assert (blinking.gaze_x, blinking.gaze_y) == (0.0, -1.0)
    assert gather([(0.0, shut)])[0].gaze_y is None


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans(), st.floats(-90, 90)), min_size=1, max_size=60))
def test_any_frames_give_valid_samples(steps: list[tuple[float, bool, float]]) -> None:
    at, looks = 0.0, []
    for step, seen, yaw in steps:
        at += step
        looks.append((at, face(yaw) if seen else None))
    samples = gather(looks)
    seconds = [s.second for s in samples]
    assert seconds == sorted(set(seconds))
    for sample in samples:
        assert 0 <= sample.face_share <= 1
        assert sample.yaw_deg is None or -90 <= sample.yaw_deg <= 90
        assert sample.frames >= 1


def test_a_clock_that_jumps_back_repeats_no_second() -> None:
    samples = gather([(0.0, face()), (5.0, face()), (3.0, face()), (6.0, face())])
    assert [s.second - int(START.timestamp()) for s in samples] == [0, 5, 6]
