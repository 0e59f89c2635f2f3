"""Scripts are pure functions of seed and time whose truth agrees with what is drawn."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage.capture.virtual.moments import blink, wander
from engage.capture.virtual.roster import virtual_class
from engage.capture.virtual.script import Script, ScriptKind
from engage.capture.virtual.state import FaceTruth

KINDS = st.sampled_from(list(ScriptKind))


def played(kind: ScriptKind, seed: int = 3, seconds: float = 300.0) -> list[FaceTruth]:
    script = Script(kind, seed)
    return [script.truth_at(t) for t in np.arange(0.0, seconds, 0.25)]


def share(flags: list[bool]) -> float:
    return float(np.mean(flags))


@given(KINDS, st.integers(0, 10_000), st.floats(0.0, 5000.0))
@settings(max_examples=60, deadline=None)
def test_state_is_reproducible_and_in_range(kind: ScriptKind, seed: int, t_s: float) -> None:
    state = Script(kind, seed).state_at(t_s)
    assert state == Script(kind, seed).state_at(t_s)
    assert len(state.expression) == 8 and sum(state.expression) == pytest.approx(1.0)
    assert all(0.0 <= share <= 1.0 for share in state.expression)
    assert 0.0 <= state.left_eye_open <= 1.0 and 0.0 <= state.mouth_open <= 1.0 and abs(state.yaw_deg) < 75
    assert 0.8 < state.scale < 1.4


def test_any_order_of_asking_gives_the_same_states() -> None:
    times = [599.9, 3.0, 1201.0, 600.1, 42.0]
    one, other = Script(ScriptKind.LIVELY, 5), Script(ScriptKind.LIVELY, 5)
    assert [one.state_at(t) for t in times] == [other.state_at(t) for t in reversed(times)][::-1]


def test_seeds_differ() -> None:
    assert Script(ScriptKind.LIVELY, 1).state_at(10.0) != Script(ScriptKind.LIVELY, 2).state_at(10.0)


@pytest.mark.parametrize("kind", ScriptKind)
def test_motion_is_smooth(kind: ScriptKind) -> None:
    script = Script(kind, 9)
    frames = [script.state_at(t) for t in np.arange(0.0, 120.0, 1 / 30)]
    for before, after in pairwise(frames):
        if before.present and after.present:
            assert abs(after.yaw_deg - before.yaw_deg) < 8 and abs(after.pitch_deg - before.pitch_deg) < 8
            assert abs(after.expression[1] - before.expression[1]) < 0.25


def test_truth_of_the_attentive_and_the_distracted() -> None:
    assert share([truth.attentive for truth in played(ScriptKind.ATTENTIVE)]) > 0.95
    away = played(ScriptKind.DISTRACTED)
    assert share([abs(truth.state.yaw_deg) >= 30 for truth in away]) > 0.7
    assert share([truth.attentive for truth in away]) < 0.3


def test_drowsy_lids_are_closed_for_long() -> None:
    truths = played(ScriptKind.DROWSY)
    closed = [truth.left_eye_open <= 0.2 for truth in truths]
    assert share(closed) > 0.2 and all(truth.drowsy and not truth.attentive for truth in truths)
    assert max(truth.mouth_open for truth in truths) > 0.8, "no yawn"


def test_note_taking_looks_down_for_at_most_25_seconds() -> None:
    down = [truth.state.pitch_deg < -12 for truth in played(ScriptKind.NOTE_TAKING)]
    assert 0.4 < share(down) < 0.9
    edges = np.flatnonzero(np.diff([0, *down, 0]))
    assert np.diff(edges)[::2].max() * 0.25 <= 25.5


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [(ScriptKind.AWAY, 0.05, 0.35), (ScriptKind.COMES_AND_GOES, 0.4, 0.95), (ScriptKind.LIVELY, 1.0, 1.0)],
)
def test_presence(kind: ScriptKind, low: float, high: float) -> None:
    assert low <= share([truth.present for truth in played(kind)]) <= high


def test_lively_student_shows_what_a_demo_needs() -> None:
    truths = played(ScriptKind.LIVELY)
    assert {"neutral", "happiness", "surprise"} <= {truth.emotion for truth in truths}
    assert min(truth.state.pitch_deg for truth in truths) < -15
    assert max(truth.smile for truth in truths) > 0.5 and max(truth.brow for truth in truths) > 0.5


def test_camera_to_one_side_does_not_change_the_truth() -> None:
    truths = played(ScriptKind.CAMERA_OFF_AXIS)
    assert abs(np.mean([truth.state.yaw_deg for truth in truths])) > 18
    assert share([truth.attentive for truth in truths]) > 0.95


def test_dark_room_is_dark_and_the_camera_goes_off() -> None:
    assert all(truth.state.light < 0.2 for truth in played(ScriptKind.DARK_ROOM))
    script = Script(ScriptKind.CAMERA_OFF, 3)
    on = [script.camera_on(t) for t in np.arange(0.0, 300.0, 0.5)]
    assert 0.3 < share(on) < 0.95


def test_blinks_are_fifteen_a_minute_and_short() -> None:
    closing = np.array([blink(4, t) for t in np.arange(0.0, 240.0, 0.005)])
    starts = int(np.sum((closing[1:] > 0) & (closing[:-1] == 0)))
    assert 57 <= starts <= 61
    assert closing.max() == 1.0 and np.mean(closing > 0) < 0.045


def test_wander_is_continuous_and_bounded() -> None:
    path = np.array([wander(1, 2, t, 1.0) for t in np.arange(0.0, 50.0, 0.01)])
    assert np.abs(path).max() <= 1.0 and np.abs(np.diff(path)).max() < 0.05


def test_class_has_different_names_faces_and_parts() -> None:
    students = virtual_class(12)
    assert students == virtual_class(12) and students != virtual_class(12, seed=2)
    assert len({student.name for student in students}) == len({student.seed for student in students}) == 12
    parts = [student.script for student in students]
    assert sum(part in (ScriptKind.LIVELY, ScriptKind.ATTENTIVE) for part in parts) > 6
    assert {ScriptKind.DISTRACTED, ScriptKind.DROWSY, ScriptKind.COMES_AND_GOES} <= set(parts)
    assert len({student.name for student in virtual_class(120)}) == 120
    assert any(not student.name.isascii() for student in students)
    assert virtual_class(0) == ()
