"""The score: bounded, monotone, None without data, independent of the frame rate, explained."""

from __future__ import annotations

import dataclasses
import itertools
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engage.core.gaze import attention_at, line_of_sight
from engage.core.scoring import StudentScorer, Terms, alertness_term, combine, expression_term, score_all
from engage.core.scoring_settings import EmotionWeights, ScoringSettings
from engage.core.types import EMOTIONS, GestureEvent, Mode, Reason, Sample

SETTINGS = ScoringSettings()
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NEUTRAL = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

unit = st.floats(0, 1)
probabilities = st.lists(st.floats(0.001, 1), min_size=8, max_size=8).map(lambda p: tuple(x / sum(p) for x in p))


def sample(second: int, **changes: object) -> Sample:
    base = Sample(
        session_id=1,
        student_id=1,
        second=int(START.timestamp()) + second,
        captured_at=START + timedelta(seconds=second),
        frames=5,
        duration_s=1.0,
        face_share=1.0,
        confidence=0.9,
        brightness=0.5,
        expression=NEUTRAL,
        yaw_deg=0.0,
        pitch_deg=0.0,
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def absent(second: int, **changes: object) -> Sample:
    gone = {"face_share": 0.0, "confidence": None, "expression": None, "yaw_deg": None, "pitch_deg": None}
    return sample(second, **{**gone, **changes})


@given(st.none() | unit, st.none() | unit, st.none() | unit, unit)
def test_score_is_bounded_or_none(e: float | None, a: float | None, alert: float | None, g: float) -> None:
    value = combine(Terms(e, a, alert, g), SETTINGS)
    if e is a is alert is None:
        assert value is None
    else:
        assert value is not None and 0 <= value <= 10


@given(unit, unit, unit, unit, st.sampled_from(["expression", "attention", "alertness", "participation"]), unit)
def test_score_never_falls_when_a_term_rises(e: float, a: float, d: float, g: float, name: str, to: float) -> None:
    terms = Terms(e, a, d, g)
    raised = dataclasses.replace(terms, **{name: max(to, getattr(terms, name))})
    low, high = combine(terms, SETTINGS), combine(raised, SETTINGS)
    assert low is not None and high is not None and high >= low - 1e-9


def test_full_terms_stand_at_eight_and_ten_needs_participation() -> None:
    assert combine(Terms(1, 1, 1, 0), SETTINGS) == pytest.approx(8)
    assert combine(Terms(1, 1, 1, 1), SETTINGS) == pytest.approx(9.2)


def test_head_thirty_degrees_away_gives_three_and_a_half() -> None:
    assert combine(Terms(1, attention_at(30, SETTINGS), 1), SETTINGS) == pytest.approx(3.5, abs=0.1)


@given(st.floats(0, 90), st.floats(0, 90))
def test_attention_falls_with_the_angle(near: float, far: float) -> None:
    near, far = sorted((near, far))
    assert 1 >= attention_at(near, SETTINGS) >= attention_at(far, SETTINGS) >= SETTINGS.inattentive_floor


@given(probabilities)
def test_expression_term_is_an_expectation(p: tuple[float, ...]) -> None:
    weights = EmotionWeights().as_tuple()
    expected = sum(w * x for w, x in zip(weights, p, strict=True)) / 0.9
    assert expression_term(p, SETTINGS) == pytest.approx(expected)
    assert len(weights) == len(EMOTIONS)


@pytest.mark.parametrize(("perclos", "alertness"), [(0, 1), (0.05, 1), (0.10, 0.65), (0.15, 0.3), (0.9, 0.3)])
def test_alertness_follows_perclos(perclos: float, alertness: float) -> None:
    assert alertness_term(perclos, SETTINGS) == pytest.approx(alertness)


def test_nobody_there_is_none_and_away_never_zero() -> None:
    score = score_all([absent(k) for k in range(20)], SETTINGS)[-1]
    assert (score.value, score.reason, score.confidence) == (None, Reason.AWAY, 0.0)


def test_nobody_seen_in_the_dark_is_too_dark() -> None:
    assert score_all([absent(0, brightness=0.02)], SETTINGS)[-1].reason is Reason.TOO_DARK


def test_presence_mode_has_no_score() -> None:
    score = score_all([sample(0, mode=Mode.PRESENCE, expression=None)], SETTINGS)[-1]
    assert (score.value, score.reason) == (None, Reason.PRESENCE_ONLY)


def test_attention_mode_scores_without_expression() -> None:
    score = score_all([sample(k, mode=Mode.ATTENTION, expression=None) for k in range(15)], SETTINGS)[-1]
    assert score.value == pytest.approx(8)
    assert "expression" not in score.terms


def test_face_without_any_signal_is_unsure() -> None:
    only_box = sample(0, expression=None, yaw_deg=None, pitch_deg=None)
    assert score_all([only_box], SETTINGS)[-1].reason is Reason.UNSURE


@given(
    st.sampled_from([0.2, 0.5, 1.0]), st.lists(st.tuples(probabilities, st.floats(-40, 40)), min_size=12, max_size=20)
)
def test_score_weighs_by_time_not_by_frames(duration: float, seconds: list[tuple[tuple[float, ...], float]]) -> None:
    def run(frames: int) -> list[float | None]:
        scored = [sample(k, frames=frames, expression=p, yaw_deg=yaw) for k, (p, yaw) in enumerate(seconds)]
        return [score.value for score in score_all(scored, SETTINGS)]

    assert run(2) == run(15)


@given(st.lists(st.tuples(unit, probabilities, st.floats(-60, 60), st.floats(-40, 30), unit), min_size=1, max_size=40))
def test_any_sequence_gives_a_bounded_score_and_confidence(
    rows: list[tuple[float, tuple[float, ...], float, float, float]],
) -> None:
    scorer = StudentScorer(SETTINGS)
    for k, (share, p, yaw, pitch, closed) in enumerate(rows):
        row = sample(k, face_share=share, expression=p, yaw_deg=yaw, pitch_deg=pitch, lids_closed_share=closed)
        score = scorer.update(row)
        assert score.value is None or 0 <= score.value <= 10
        assert 0 <= score.confidence <= 1
        assert (score.value is None) == (score.reason is not None)


def test_more_certain_expression_gives_more_confidence() -> None:
    sure = score_all([sample(k) for k in range(10)], SETTINGS)[-1]
    unsure = score_all([sample(k, expression=(0.125,) * 8) for k in range(10)], SETTINGS)[-1]
    assert sure.confidence == pytest.approx(0.9)
    assert unsure.confidence == pytest.approx(0.0, abs=1e-6)


def test_looking_away_lowers_and_looking_back_restores_smoothly() -> None:
    rows = [sample(k, yaw_deg=45.0 if 60 <= k < 120 else 0.0) for k in range(240)]
    values = [score.value or 0.0 for score in score_all(rows, SETTINGS)]
    assert values[59] == pytest.approx(8)
    assert values[119] < 2.5
    assert values[239] > 7.8
    assert max(abs(b - a) for a, b in itertools.pairwise(values)) < 1.0


def test_notes_cost_little_and_a_lasting_downward_look_more() -> None:
    def lowest(spell_s: int) -> float:
        rows = [sample(k, pitch_deg=-35.0 if 60 <= k < 60 + spell_s else 0.0) for k in range(60 + spell_s)]
        return score_all(rows, SETTINGS)[-1].value or 0.0

    assert lowest(25) >= 5.5
    assert lowest(90) < lowest(25) - 1


def test_face_lost_while_turning_away_counts_twenty_seconds_then_is_no_data() -> None:
    turning = [sample(k) for k in range(60)] + [sample(60, yaw_deg=50.0), sample(61, yaw_deg=55.0)]
    scores = score_all(turning + [absent(62 + k) for k in range(60)], SETTINGS)
    assert scores[75].value is not None and scores[75].value < scores[59].value  # type: ignore[operator]
    assert scores[-1].reason is Reason.AWAY


def test_face_lost_while_attentive_is_away_at_once() -> None:
    scores = score_all([sample(k) for k in range(30)] + [absent(30 + k) for k in range(12)], SETTINGS)
    assert scores[-1].reason is Reason.AWAY


def test_camera_to_one_side_is_learned_but_lasting_inattention_is_not() -> None:
    beside = score_all([sample(k, yaw_deg=20.0) for k in range(120)], SETTINGS)[-1]
    assert beside.value == pytest.approx(8, abs=0.2)
    rows = [sample(k, yaw_deg=0.0 if k < 60 else 30.0) for k in range(600)]
    assert (score_all(rows, SETTINGS)[-1].value or 0) < 4.5


def test_closed_lids_make_drowsy_and_cap_the_score() -> None:
    rows = [sample(k, lids_closed_share=0.0 if k < 60 else 1.0) for k in range(70)]
    score = score_all(rows, SETTINGS)[-1]
    assert score.terms["drowsy"] == 1.0
    assert score.value is not None and score.value <= SETTINGS.drowsy_cap


def test_same_samples_give_the_same_numbers_exactly() -> None:
    rows = [sample(k, yaw_deg=math.sin(k) * 30) for k in range(100)]
    assert score_all(rows, SETTINGS) == score_all(rows, SETTINGS)


@pytest.mark.parametrize(
    "changes",
    [{"window_s": 0}, {"attentive_within_deg": 40}, {"inattentive_floor": 0.9}, {"perclos_alert": 0.2}],
)
def test_contradicting_settings_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        ScoringSettings(**changes)  # type: ignore[arg-type]


def test_version_changes_with_any_number() -> None:
    assert ScoringSettings().version == SETTINGS.version != ScoringSettings(window_s=11).version


def event(kind: str, start_s: float, end_s: float, strength: float = 1.0) -> GestureEvent:
    return GestureEvent(1, 1, kind, START + timedelta(seconds=start_s), START + timedelta(seconds=end_s), strength)


def test_gestures_only_ever_lift_and_for_a_minute() -> None:
    rows = [sample(k) for k in range(160)]
    nods = [event("nod", 20 + 3 * k, 21.5 + 3 * k) for k in range(5)]
    plain, lifted = score_all(rows, SETTINGS), score_all(rows, SETTINGS, nods)
    gained = [(b.value or 0) - (a.value or 0) for a, b in zip(plain, lifted, strict=True)]
    assert min(gained) >= 0 and max(gained) > 0.5
    assert lifted[60].terms["participation"] == pytest.approx(5 * SETTINGS.participation_per_nod)
    assert lifted[130].terms["participation"] == 0.0


def test_a_gesture_counts_once_it_is_known_for_certain() -> None:
    scores = score_all([sample(k) for k in range(30)], SETTINGS, [event("nod", 10.0, 11.5)])
    counted = [k for k, score in enumerate(scores) if score.terms["participation"] > 0]
    assert counted[0] == 13, "not before a second after its end: so much later a gesture may be found"


def test_speech_counts_by_its_seconds_within_the_window() -> None:
    scores = score_all([sample(k) for k in range(90)], SETTINGS, [event("speaking", 10, 15), event("shake", 20, 22)])
    assert scores[40].terms["participation"] == pytest.approx(5 / SETTINGS.participation_full_speech_s)
    assert 0 < scores[73].terms["participation"] < scores[40].terms["participation"]


@given(
    st.permutations(range(6)),
    st.lists(st.sampled_from(["nod", "speaking", "raised_hand", "shake"]), min_size=6, max_size=6),
)
def test_the_order_in_which_gestures_are_given_changes_nothing(order: list[int], kinds: list[str]) -> None:
    rows = [sample(k) for k in range(40)]
    gestures = [event(kind, 1.1 * k, 1.1 * k + 3.3, 0.1 + 0.13 * k) for k, kind in enumerate(kinds)]
    assert score_all(rows, SETTINGS, [gestures[k] for k in order]) == score_all(rows, SETTINGS, gestures)


def test_calibration_holds_from_its_end_on_and_needs_a_face() -> None:
    rows = [sample(k, yaw_deg=40.0) for k in range(60)]
    step = event("calibration", 20, 25)
    with_step = score_all(rows, SETTINGS, [step])
    assert with_step[20] == score_all(rows, SETTINGS)[20]
    assert (with_step[20].value or 0) < 2 < 7 < (with_step[59].value or 0)
    unseen = [absent(k) if 19 < k < 26 else sample(k, yaw_deg=40.0) for k in range(60)]
    assert score_all(unseen, SETTINGS, [step])[59].terms["attention"] == pytest.approx(SETTINGS.inattentive_floor)


def test_what_lasts_is_explained_with_its_seconds() -> None:
    rows = [sample(k, yaw_deg=50.0 if k >= 20 else 0.0) for k in range(41)]
    assert score_all(rows, SETTINGS)[-1].terms["looking_away_s"] == 20
    rows = [sample(k, pitch_deg=-35.0 if k >= 20 else 0.0) for k in range(36)]
    last = score_all(rows, SETTINGS)[-1]
    assert last.terms["looking_down_s"] == 15 and "looking_away_s" not in last.terms


def test_one_closed_second_at_the_start_is_not_drowsy() -> None:
    rows = [sample(k, lids_closed_share=1.0 if k < 2 else 0.0) for k in range(10)]
    assert all("drowsy" not in score.terms for score in score_all(rows, SETTINGS))


def test_the_gaze_counts_while_the_head_is_straight_and_less_the_further_it_turns() -> None:
    def sight(yaw: float, gaze: float) -> float:
        found = line_of_sight(sample(0, yaw_deg=yaw, gaze_x=gaze), SETTINGS)
        assert found is not None
        return found[0]

    assert sight(5, 12) == 17
    assert sight(15, -8) == pytest.approx(11)
    assert sight(-30, 12) == -30
    assert line_of_sight(sample(0, yaw_deg=None), SETTINGS) is None


def test_a_turned_head_is_read_with_less_confidence() -> None:
    def sure(yaw: float) -> float:
        return score_all([sample(k, yaw_deg=yaw) for k in range(12)], SETTINGS)[-1].confidence

    assert sure(10) == sure(0) == pytest.approx(0.9)
    assert sure(0) > sure(22) > sure(-28) > sure(35) == pytest.approx(0.9 * SETTINGS.turned_confidence)
