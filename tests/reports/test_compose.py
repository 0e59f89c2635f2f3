"""What a report says: means, shares, points, stretches, comparison, sentences; and the modes."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from engage.core.tally import Tally
from engage.core.types import Mode
from engage.reports.content import Cell
from tests.reports.making import START, away, marker, minute_of, past, report, rows, scored, session


def test_class_means_are_weighted_by_time_and_show_their_coverage() -> None:
    made = report({1: rows(START, [scored(8.0)] * 10), 2: rows(START, [scored(4.0, 30.0)] * 10)})
    assert made.tally.mean == pytest.approx((8 * 60 + 4 * 30) / 90)
    assert made.coverage == pytest.approx(90 / 180)
    first = made.minutes[0]
    assert (first.n_scored, first.coverage) == (2, pytest.approx(0.5))
    assert (first.low_quartile, first.high_quartile) == (pytest.approx(5.0), pytest.approx(7.0))
    assert made.minutes[0].starts_at == START


def test_no_data_is_never_a_zero() -> None:
    made = report({1: rows(START, [scored(6.0), None, away(), None])})
    ada, ben, _ = made.students
    assert ada.minutes[:4] == (6.0, None, None, None)
    assert ada.cells[:4] == (Cell.SCORED, Cell.NONE, Cell.AWAY, Cell.NONE)
    assert ada.tally.mean == 6.0
    assert ben.tally.mean is None and ben.low is None and ben.shares.no_data == 1.0
    assert [column.mean for column in made.minutes[1:]] == [None] * 9
    assert made.tally.mean == 6.0


def test_shares_of_time_add_up() -> None:
    tally = dataclasses.replace(scored(5.0), attentive_s=30.0, away_s=12.0, drowsy_s=6.0)
    shares = report({1: rows(START, [tally] * 5)}).students[0].shares
    assert (shares.attentive, shares.away, shares.drowsy) == (
        pytest.approx(0.25),
        pytest.approx(0.1),
        pytest.approx(0.05),
    )
    assert shares.unclear == pytest.approx(0.1) and shares.no_data == pytest.approx(0.5)
    assert sum(dataclasses.astuple(shares)) == pytest.approx(1.0)


def test_the_band_is_that_of_the_live_page() -> None:
    ada = report({1: rows(START, [scored(9.8, confidence=0.6)])}).students[0]
    assert (ada.low, ada.high) == (pytest.approx(8.8), 10.0)


def test_low_and_high_points_fall_on_markers() -> None:
    scores = [6.0, 7.5, 6.0, 3.0, 5.0]
    minutes = {1: rows(START, [*map(scored, scores), scored(1.0, 5.0)])}
    notes = [marker(START + timedelta(minutes=2, seconds=20), "Group work")]
    ada = report(minutes, markers=notes).students[0]
    assert ada.lowest is not None and ada.highest is not None
    assert (ada.lowest.minute - minute_of(START), ada.lowest.score, ada.lowest.marker) == (3, 3.0, "Group work")
    assert (ada.highest.minute - minute_of(START), ada.highest.marker) == (1, None)


def test_best_and_weakest_five_minutes() -> None:
    scores = [5.0] * 5 + [8.0] * 5 + [5.0] * 5 + [2.0] * 5
    notes = [marker(START + timedelta(minutes=5), "Film"), marker(START + timedelta(minutes=15), "Test", 2)]
    made = report({1: rows(START, list(map(scored, scores)))}, ["Ada"], of=session(minutes=20), markers=notes)
    assert made.best is not None and made.weakest is not None
    first = minute_of(START)
    assert (made.best.minute - first, made.best.mean, made.best.marker) == (5, 8.0, "Film")
    assert (made.weakest.minute - first, made.weakest.mean, made.weakest.marker) == (15, 2.0, "Test")
    assert "09:05 to 09:10 (8.0, during “Film”)" in made.summary[1]


def test_a_stretch_that_few_students_cover_is_not_the_best() -> None:
    everyone = {number: rows(START, [scored(5.0)] * 10) for number in (1, 2, 3)}
    everyone[1] |= rows(START + timedelta(minutes=10), [scored(9.0)] * 10)
    made = report(everyone, of=session(minutes=20))
    assert made.best is not None and made.best.mean < 9.0
    assert made.best.minute < minute_of(START) + 10


def test_there_is_no_best_stretch_where_all_are_equal_or_few() -> None:
    assert report({1: rows(START, [scored(5.0)] * 10)}).best is None
    assert report({1: rows(START, [scored(2.0), scored(9.0)])}, of=session(minutes=2)).best is None


@pytest.mark.parametrize(
    ("means", "change", "words"),
    [
        ([], None, "no earlier session"),
        ([6.0], 1.0, "1.0 above the session before (6.0)"),
        ([8.0, 9.0, 7.0], -1.0, "1.0 below the mean of the last 3 sessions (8.0)"),
        ([7.1, 7.1, 7.1], -0.1, "about the same as the mean of the last 3"),
    ],
)
def test_comparison_with_earlier_sessions(means: list[float], change: float | None, words: str) -> None:
    before = [past(days, mean, days) for days, mean in enumerate(means, 1)]
    made = report({1: rows(START, [scored(7.0)] * 10)}, ["Ada"], earlier=before)
    assert (made.comparison and made.comparison.change) == (None if change is None else pytest.approx(change))
    assert words in " ".join([*made.summary, *made.limits])


def test_sessions_that_hold_next_to_nothing_are_not_compared_with() -> None:
    hollow = dataclasses.replace(past(1, 2.0, 1), tally=scored(2.0, 100.0))
    made = report({1: rows(START, [scored(7.0)])}, earlier=[hollow, past(2, 6.0, 2)])
    assert made.comparison is not None
    assert (made.comparison.n_sessions, made.comparison.mean) == (1, 6.0)


MIXED = {1: rows(START, [scored(7.0)] * 10), 2: rows(START, [away()] * 10)}


class TestModes:
    """What a mode does not allow is in no record."""

    def test_attention_has_no_expression(self) -> None:
        made = report(MIXED, mode=Mode.ATTENTION, earlier=[past(1, 6.0, 1)])
        assert made.tally.mean == 7.0
        assert made.tally.expression is None
        assert all(one.tally.expression is None for one in made.students)
        assert all(one.tally.expression is None for one in made.earlier)

    def test_presence_has_no_score(self) -> None:
        made = report(MIXED, mode=Mode.PRESENCE, earlier=[past(1, 6.0, 1)])
        assert (made.tally.mean, made.tally.expression, made.comparison, made.best) == (None, None, None, None)
        assert made.tally.gestures == {}
        assert made.present == pytest.approx(1 / 3)
        ada, ben, chi = made.students
        assert (ada.shares.attentive, ben.shares.away, chi.shares.no_data) == (1.0, 1.0, 1.0)
        assert not any("score" in sentence for sentence in (*made.summary, *made.limits))


class TestLimits:
    """What a report says it cannot tell."""

    def said(self, minutes: dict[int, dict[int, Tally]]) -> str:
        return " ".join(report(minutes).limits)

    def test_always(self) -> None:
        assert "no grade" in self.said({1: rows(START, [scored(7.0)] * 10)})

    def test_missing_data(self) -> None:
        said = self.said({1: rows(START, [scored(7.0)] * 5)})
        assert "83\u00a0% of the time has no score" in said and "not known" in said

    def test_few_students(self) -> None:
        assert "rests on 1 student;" in self.said({1: rows(START, [scored(7.0)] * 10)})

    def test_low_confidence(self) -> None:
        assert "uncertain" in self.said({1: rows(START, [scored(7.0, confidence=0.2)] * 10)})
