"""An explanation: points of each term alone, the same sums as the scorer's, words that describe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engage.core.explain import Explanation, explain
from engage.core.scoring import Terms, combine
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import Reason, Score

SETTINGS = ScoringSettings()
unit = st.floats(0.02, 1)


def explained(value: float, **terms: float) -> Explanation:
    return explain(Score(value, 0.8, None, terms), SETTINGS)


def points(result: Explanation) -> dict[str, float]:
    return {part.term: part.points for part in result.parts}


@given(unit, unit, unit, st.floats(0, 1))
def test_points_are_what_the_score_would_gain(e: float, a: float, d: float, g: float) -> None:
    raw = combine(Terms(e, a, d, g), SETTINGS)
    assert raw is not None
    told = points(explained(raw, expression=e, attention=a, alertness=d, participation=g, raw=raw))
    assert told["attention"] == pytest.approx(raw - (combine(Terms(e, 1.0, d, g), SETTINGS) or 0))
    assert told["participation"] == pytest.approx(raw - (combine(Terms(e, a, d, 0.0), SETTINGS) or 0))
    assert all(told[name] <= 1e-9 for name in ("expression", "attention", "alertness"))


def test_the_dearest_term_comes_first_and_is_named() -> None:
    result = explained(3.5, expression=0.9, attention=0.16, alertness=1.0, raw=3.5)
    assert result.parts[0].term == "attention"
    assert result.words == "3.5 of 10: looks away from the usual place, or down; expression appears less engaged."


def test_terms_not_read_are_said() -> None:
    assert explained(8.0, attention=1.0, raw=8.0).missing == ("alertness", "expression")


def test_the_cap_and_the_seconds_before_are_told_apart() -> None:
    told = points(explained(5.0, attention=1.0, alertness=0.3, drowsy=1.0, raw=5.9))
    assert told["drowsy"] == pytest.approx(SETTINGS.drowsy_cap - 5.9)
    assert told["smoothing"] == pytest.approx(5.0 - SETTINGS.drowsy_cap)


@pytest.mark.parametrize("reason", list(Reason))
def test_without_a_score_the_reason_is_said(reason: Reason) -> None:
    result = explain(Score(None, 0.0, reason, {"presence": 0.1}), SETTINGS)
    assert result.value is None and result.parts == () and result.words.startswith("No score: ")


def test_it_becomes_plain_json() -> None:
    told = explained(8.0, attention=1.0, raw=8.0).to_dict()
    assert told["value"] == 8.0 and {"term", "value", "points", "words"} == set(told["parts"][0])
