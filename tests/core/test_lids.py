"""Lids: against the student's own usual, silent while notes may be taken, never a reward for a sleepy start."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engage.core.lids import lids_term
from engage.core.scoring import score_all
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import Sample

SETTINGS = ScoringSettings()
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def sample(second: int, **changes: object) -> Sample:
    at = START + timedelta(seconds=second)
    base = Sample(1, 1, int(at.timestamp()), at, 5, 1.0, 1.0, 0.9, 0.5, (1.0, *[0.0] * 7), yaw_deg=0.0, pitch_deg=0.0)
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def alertness(*openness: float, **changes: object) -> float | None:
    rows = [sample(second, eyes_open=value, **changes) for second, value in enumerate(openness)]
    return score_all(rows, SETTINGS)[-1].terms.get("alertness")


@given(st.floats(0, 1.5), st.floats(0, 1.5))
def test_the_term_rises_with_openness(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert SETTINGS.drowsy_alertness <= lids_term(low, SETTINGS) <= lids_term(high, SETTINGS) <= 1


def test_open_eyes_cost_nothing_and_drooping_lids_do() -> None:
    assert alertness(*[0.95] * 90) == 1
    drooping = alertness(*[0.95] * 60, *[0.5] * 30)
    assert drooping is not None and 0.3 < drooping < 0.7


def test_eyes_that_are_always_narrow_cost_nothing() -> None:
    assert alertness(*[0.8] * 90) == 1


def test_a_sleepy_start_is_not_the_norm() -> None:
    assert alertness(*[0.3] * 90) == pytest.approx(lids_term(0.3 / SETTINGS.lids_usual_least, SETTINGS))


def test_lids_are_not_read_while_notes_may_be_taken() -> None:
    def noting(seconds: int) -> float | None:
        ahead = [sample(second, eyes_open=0.95) for second in range(60)]
        down = [sample(60 + second, eyes_open=0.4, gaze_y=-25.0) for second in range(seconds)]
        return score_all([*ahead, *down], SETTINGS)[-1].terms.get("alertness")

    assert noting(25) is None
    later = noting(45)
    assert later is not None and later < 0.6


def test_lids_are_not_read_with_the_head_down() -> None:
    assert alertness(*[0.2] * 90, pitch_deg=-25.0) is None


def test_without_eyes_nothing_changes() -> None:
    rows = [sample(second) for second in range(30)]
    assert "alertness" not in score_all(rows, SETTINGS)[-1].terms


def test_lids_settings_must_agree() -> None:
    with pytest.raises(ValueError, match="lids_low"):
        ScoringSettings(lids_low=1.0)
