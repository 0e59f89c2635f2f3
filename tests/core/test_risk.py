"""Simulated terms of 60 sessions: who is flagged, when, and who is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engage.core.risk import Assessment, Level, Standing, Term, assess
from engage.core.risk_settings import RiskSettings
from engage.core.trends import Numbers, class_effect, line

SESSIONS = 60
SCATTER = 0.3
"""Standard deviation of a student's session mean about their own level; the class's own ups and downs come on top."""
SETTINGS = RiskSettings()
KINDS = ("slow decline", "from the first session", "sudden decline", "noisy", "absent", "always low", "late, declining")


def steady_class(source: np.random.Generator, n: int, scatter: float = SCATTER) -> Numbers:
    """Return ``(n, 60)`` scores of steady students in a class that drifts and has good and bad days."""
    days = np.cumsum(source.normal(0, 0.1, SESSIONS)) + source.normal(0, 0.4, SESSIONS)
    return source.uniform(5, 7.5, (n, 1)) + days + source.normal(0, scatter, (n, SESSIONS))


def term_of(source: np.random.Generator) -> Term:
    """Return a class of 30: one student of each of ``KINDS``, the others steady."""
    scores = steady_class(source, 30)
    session = np.arange(SESSIONS)
    absent = np.zeros(scores.shape, dtype=bool)
    for k, kind in enumerate(KINDS):
        match kind:
            case "slow decline":  # 2 points over 20 sessions, after the 20th
                scores[k] -= 0.1 * np.clip(session - 19, 0, 20)
            case "from the first session":
                scores[k] -= 0.1 * np.clip(session, 0, 20)
            case "sudden decline":
                scores[k, 30:] -= 2.0
            case "noisy":
                scores[k] += source.normal(0, 1.2, SESSIONS)
            case "absent":
                absent[k, 40::2] = True
                scores[k, 40::2] = np.nan
            case "always low":
                scores[k] -= np.median(scores[k]) - 2.2
            case "late, declining":  # first seen in the 31st session, falls from the 41st
                scores[k, :30] = np.nan
                scores[k] -= 0.1 * np.clip(session - 39, 0, 20)
    scores[8:, 10:12] = np.where(source.random((22, 2)) < 0.3, np.nan, scores[8:, 10:12])  # cameras off now and then
    return Term(tuple(range(30)), np.clip(scores, 0, 10), np.ones(scores.shape, dtype=bool), absent)


def until(term: Term, n: int) -> Term:
    return Term(term.student_ids, term.scores[:, :n], term.marked[:, :n], term.absent[:, :n])


def nights(term: Term) -> list[list[Assessment]]:
    """Return what is said after each session."""
    return [assess(until(term, n), SETTINGS) for n in range(1, term.scores.shape[1] + 1)]


def first_flags(said: list[list[Assessment]], standing: Standing | None = None) -> list[int | None]:
    """Return, for each student, after how many sessions they were flagged first."""
    found: list[int | None] = [None] * len(said[0])
    for n, night in enumerate(said, 1):
        for k, each in enumerate(night):
            if found[k] is None and each.level is not None and standing in (None, each.standing):
                found[k] = n
    return found


@pytest.fixture(scope="module")
def terms() -> list[list[list[Assessment]]]:
    """Return three simulated terms, night by night."""
    source = np.random.default_rng(20261122)
    return [nights(term_of(source)) for _ in range(3)]


# Kind of student, and the sessions (first, last) within which each of the three must be flagged; None: never.
TABLE: list[tuple[str, tuple[int, int] | None]] = [
    ("slow decline", (24, 35)),  # by the 15th session of a decline that begins with the 21st
    ("from the first session", (8, 20)),
    ("sudden decline", (33, 36)),
    ("noisy", None),
    ("absent", (47, 47)),  # the fourth marked absence
    ("always low", None),
    ("late, declining", (44, 55)),
]


@pytest.mark.parametrize(("kind", "within"), TABLE)
def test_who_is_flagged_when(terms: list[list[list[Assessment]]], kind: str, within: tuple[int, int] | None) -> None:
    when = [first_flags(said)[KINDS.index(kind)] for said in terms]
    if within is None:
        assert when == [None] * len(terms)
    else:
        assert all(n is not None and within[0] <= n <= within[1] for n in when), when


def test_steady_students_are_not_flagged(terms: list[list[list[Assessment]]]) -> None:
    """At most 1 % in a term; also where sessions scatter more than usual."""
    flagged = [n is not None for said in terms for n in first_flags(said)[len(KINDS) :]]
    source = np.random.default_rng(7)
    for scatter in (0.2, 0.3, 0.3, 0.4):
        scores = np.clip(steady_class(source, 40, scatter), 0, 10)
        nothing = np.zeros(scores.shape, dtype=bool)
        flagged += [n is not None for n in first_flags(nights(Term(tuple(range(40)), scores, nothing, nothing)))]
    assert len(flagged) == 229
    assert sum(flagged) <= 0.01 * len(flagged)


def test_a_decline_of_two_points_is_flagged_by_its_fifteenth_session() -> None:
    source = np.random.default_rng(3)
    by_then = []
    for _ in range(5):
        scores = steady_class(source, 30)
        scores[:4] -= 0.1 * np.clip(np.arange(SESSIONS) - 19, 0, 20)
        nothing = np.zeros(scores.shape, dtype=bool)
        term = Term(tuple(range(30)), np.clip(scores, 0, 10), nothing, nothing)
        said = [assess(until(term, n), SETTINGS) for n in range(24, 36)]
        by_then += [n is not None for n in first_flags(said)[:4]]
    assert sum(by_then) >= 19, sum(by_then)  # of 20


def test_always_low_is_said_to_be_low_and_not_declining(terms: list[list[list[Assessment]]]) -> None:
    for said in terms:
        standings = {night[KINDS.index("always low")].standing for night in said[20:]}
        assert standings == {Standing.STEADY_LOW}


def test_a_fall_of_the_whole_class_flags_nobody() -> None:
    source = np.random.default_rng(5)
    scores = np.clip(steady_class(source, 30) - 0.1 * np.clip(np.arange(SESSIONS) - 19, 0, 20), 0, 10)
    nothing = np.zeros(scores.shape, dtype=bool)
    last = assess(Term(tuple(range(30)), scores, nothing, nothing), SETTINGS)
    assert [each.level for each in last] == [None] * 30
    assert all(each.class_change is not None and each.class_change < -1 for each in last)


def test_reasons_are_words_with_numbers(terms: list[list[list[Assessment]]]) -> None:
    found = terms[0][-1][KINDS.index("sudden decline")]
    assert (found.standing, found.level) == (Standing.DECLINING, Level.TALK)
    assert found.change == pytest.approx(-2.0, abs=0.5)
    words = {ground.code: ground.text for ground in found.grounds}
    assert set(words) >= {"change", "class", "persistence"}
    assert words["change"] == f"Score {found.recent:.1f} in the last 5 sessions, {found.baseline:.1f} in the first 5."
    assert words["persistence"] == "Below the own first sessions in 5 of the last 5 sessions with data."
    absent = terms[0][46][KINDS.index("absent")]
    assert (absent.standing, absent.level) == (Standing.STEADY, Level.LOOK)
    (ground,) = absent.grounds
    assert ground.text == "Marked absent by a person in 4 of the last 10 marked sessions."


def a_term(*rows: list[float], absent: bool = False) -> Term:
    scores = np.array(rows, dtype=np.float64).reshape(len(rows), -1)
    return Term(tuple(range(len(rows))), scores, np.full(scores.shape, absent), np.full(scores.shape, absent))


@pytest.mark.parametrize(
    ("n", "standing"),
    [(0, Standing.NOT_ENOUGH), (2, Standing.NOT_ENOUGH), (3, Standing.TOO_EARLY), (7, Standing.TOO_EARLY),
     (8, Standing.STEADY)],
)  # fmt: skip
def test_less_than_three_sessions_is_not_enough_data(n: int, standing: Standing) -> None:
    row = [6.0] * n + [np.nan] * (10 - n)
    (found,) = assess(a_term(row), SETTINGS)
    assert (found.standing, found.n_sessions, found.level) == (standing, n, None)
    assert (found.baseline is None) is (standing is Standing.NOT_ENOUGH)


def test_one_student_alone_is_told_that_there_is_no_class() -> None:
    (found,) = assess(a_term([7.0, 7.2, 6.8, 7.1, 7.0, 6.9, 5.0, 4.9, 5.1, 4.8, 5.0]), SETTINGS)
    assert (found.standing, found.class_change) == (Standing.DECLINING, None)
    assert any("too few others" in ground.text for ground in found.grounds)


def test_cameras_off_are_no_absence_and_no_decline() -> None:
    (found,) = assess(a_term([6.0] * 10 + [np.nan] * 20), SETTINGS)
    assert (found.standing, found.level) == (Standing.STEADY, None)
    nobody = assess(a_term(*[[np.nan] * 10] * 6), SETTINGS)
    assert {(each.standing, each.level) for each in nobody} == {(Standing.NOT_ENOUGH, None)}
    assert assess(Term((), np.empty((0, 0)), np.empty((0, 0), bool), np.empty((0, 0), bool)), SETTINGS) == []


def test_an_absence_flag_needs_no_camera() -> None:
    (found,) = assess(a_term([np.nan] * 6, absent=True), SETTINGS)
    assert (found.standing, found.level) == (Standing.NOT_ENOUGH, Level.LOOK)


SCORES = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 9), st.integers(1, 14)), elements=st.one_of(st.floats(0, 10), st.just(np.nan))
)


@given(scores=SCORES)
@hypothesis_settings(max_examples=100, deadline=None)
def test_any_term_can_be_assessed(scores: Numbers) -> None:
    nothing = np.zeros(scores.shape, dtype=bool)
    found = assess(Term(tuple(range(len(scores))), scores, nothing, nothing), SETTINGS)
    for each, row in zip(found, scores, strict=True):
        assert each.n_sessions == int(np.sum(~np.isnan(row)))
        assert (each.level is None) is (each.standing is not Standing.DECLINING)
        for number in (each.baseline, each.recent, each.change, each.slope):
            assert number is None or np.isfinite(number)


def test_the_class_effect_is_that_of_the_others() -> None:
    days = np.array([0.0, 1.0, -1.0, 2.0])
    scores = np.arange(6.0)[:, None] + days
    scores[0] += [0, 0, 0, 9]  # one's own bad day changes nothing in what the others did
    effect = class_effect(scores)
    assert effect - effect[:, :1] == pytest.approx(np.tile(days, (6, 1)))


def test_the_line_is_that_of_theil_and_sen() -> None:
    clean = 5 - 0.1 * np.arange(15)
    broken = clean.copy()
    broken[[3, 9]] = 0.0
    assert (line(clean).slope, line(clean).spread) == pytest.approx((-0.1, 0.0), abs=1e-12)
    assert line(broken).slope == pytest.approx(-0.1, abs=0.01)


@pytest.mark.parametrize(
    ("change", "named"),
    [({"min_sessions": 2}, "min_sessions"), ({"baseline_sessions": 2}, "baseline_sessions"),
     ({"persistent": 6}, "persistent"), ({"min_change": 2.0}, "changes must rise"),
     ({"absent_from": 11}, "absent_from"), ({"step_z": 0.0}, "step_z"),
     ({"low_below": 11.0}, "low_below"), ({"class_of": 1}, "class_of")],
)  # fmt: skip
def test_settings_that_contradict_one_another_are_refused(change: dict[str, float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        replace(SETTINGS, **change)  # type: ignore[arg-type]
