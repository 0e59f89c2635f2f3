"""Sessions that are not like others: right numbers, in every format, and no crash."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engage.core.types import Mode
from engage.reports.content import Report
from engage.reports.formats import FORMATS, Choices, file_name
from engage.reports.tables import TABLES
from engage.reports.words import hours_apart
from tests.reports.making import START, away, marker, minute_of, report, rows, scored, session

BERLIN = ZoneInfo("Europe/Berlin")


def written(made: Report) -> dict[str, bytes]:
    """Return the report in every format, and check that each came out."""
    files = {name: kind.make(made, Choices()) for name, kind in FORMATS.items()}
    files |= {f"csv {table}": FORMATS["csv"].make(made, Choices(table=table)) for table in TABLES}
    assert all(content for name, content in files.items() if name != "jsonl")
    assert file_name(made, "pdf").isascii()
    return files


def test_empty_session() -> None:
    made = report({}, [], of=session(minutes=30))
    assert made.summary == ("Nobody was in this session of 30 min.",)
    assert made.empty and made.tally.mean is None
    written(made)


def test_session_of_no_length() -> None:
    made = report({}, ["Ada"], of=session(minutes=0))
    assert made.length_s == 0 and made.students[0].shares.no_data == 1.0
    written(made)


@pytest.mark.parametrize("mode", list(Mode))
def test_all_cameras_off(mode: Mode) -> None:
    made = report({}, mode=mode)
    assert made.summary == ("Nobody was looked at in this session of 10 min: no camera was on for any of 3 students.",)
    assert [one.shares.no_data for one in made.students] == [1.0] * 3
    assert not any("away" in sentence for sentence in made.summary)
    written(made)


def test_everybody_away_is_not_low() -> None:
    made = report({1: rows(START, [away()] * 10)}, ["Ada"])
    assert made.tally.mean is None and made.students[0].shares.away == 1.0
    assert "There is no score" in made.summary[0]
    written(made)


def test_one_student() -> None:
    made = report({1: rows(START, [scored(6.0)] * 10)}, ["Ada"])
    assert made.tally.mean == 6.0 and made.minutes[0].low_quartile == 6.0
    assert "1 student" in made.summary[0]
    written(made)


def test_one_scored_second() -> None:
    made = report({1: rows(START, [scored(6.0, 1.0)])}, ["Ada"])
    assert made.students[0].lowest is None
    assert made.coverage == pytest.approx(1 / 600)
    written(made)


def test_eight_hours() -> None:
    minutes = {number: rows(START, [scored(5.0 + minute / 240) for minute in range(480)]) for number in (1, 2, 3)}
    made = report(minutes, of=session(minutes=480))
    assert (len(made.minutes), made.length_s) == (480, 8 * 3600)
    assert made.tally.mean == pytest.approx(5 + 479 / 480)
    assert made.summary[0].startswith("Over 8 h the class")
    written(made)


def test_a_running_session_ends_now() -> None:
    made = report({1: rows(START, [scored(6.0, 30.0)])}, ["Ada"], of=session(minutes=None))
    assert made.length_s == 60.0 and made.coverage == 0.5
    assert b"while the session was running" in written(made)["html"]


def test_a_student_who_is_on_no_list_any_more() -> None:
    made = report({1: rows(START, [scored(6.0)]), 99: rows(START, [scored(4.0)])}, ["Ada"])
    assert [one.name for one in made.students] == ["Ada", "Student 99, no longer on the list"]
    assert made.tally.mean == 5.0


class TestClocks:
    """Time zones, daylight saving, clocks that were set."""

    def test_times_of_day_are_those_of_the_zone(self) -> None:
        at = datetime(2026, 11, 23, 22, 50, tzinfo=UTC)
        made = report({1: rows(at, [scored(6.0)] * 20)}, ["Ada"], of=session(at, 20), zone=ZoneInfo("Asia/Kolkata"))
        assert hours_apart(made) == "04:20–04:40"
        assert file_name(made, "pdf").startswith("2026-11-24")

    def test_the_hour_that_comes_twice(self) -> None:
        at = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 in Berlin, and an hour later 02:30 again
        made = report({1: rows(at, [scored(6.0)] * 90)}, ["Ada"], of=session(at, 90), zone=BERLIN)
        assert (len(made.minutes), made.length_s, made.coverage) == (90, 5400.0, 1.0)
        assert hours_apart(made) == "02:30 (UTC+0200)–03:00 (UTC+0100)"
        written(made)

    def test_the_hour_that_is_left_out(self) -> None:
        at = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
        made = report({1: rows(at, [scored(6.0)] * 60)}, ["Ada"], of=session(at, 60), zone=BERLIN)
        assert (made.length_s, made.coverage) == (3600.0, 1.0)
        assert hours_apart(made) == "01:30 (UTC+0100)–03:30 (UTC+0200)"

    def test_past_midnight(self) -> None:
        at = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
        assert hours_apart(report({}, of=session(at, 60))) == "23:30–00:30 1 day later"

    def test_a_clock_that_was_set_back_loses_nothing(self) -> None:
        before, after = START + timedelta(minutes=0), START - timedelta(minutes=50)
        minutes = {1: rows(before, [scored(6.0)] * 10) | rows(after, [scored(4.0)] * 10)}
        made = report(minutes, ["Ada"], of=dataclasses.replace(session(), ended_at=START))
        assert made.tally.mean == 5.0
        assert made.length_s == 1200.0 and made.coverage == 1.0
        assert any("a clock was set" in sentence for sentence in made.limits)
        written(made)

    def test_a_clock_that_jumped_ahead_by_an_hour(self) -> None:
        minutes = {1: rows(START, [scored(6.0)] * 5) | rows(START + timedelta(hours=1), [scored(4.0)] * 5)}
        made = report(minutes, ["Ada"])
        assert (made.tally.mean, made.length_s) == (5.0, 900.0)
        assert any("a clock was set" in sentence for sentence in made.limits)

    def test_a_clock_that_was_wrong_by_years_does_not_make_years_of_minutes(self) -> None:
        minutes = {1: rows(START, [scored(6.0)] * 10) | rows(START + timedelta(days=400), [scored(4.0)])}
        made = report(minutes, ["Ada"])
        assert (len(made.minutes), made.tally.mean) == (10, 6.0)

    @pytest.mark.parametrize("years", [-70, 70])
    def test_an_end_that_is_wrong_by_years(self, years: int) -> None:
        ended = dataclasses.replace(session(), ended_at=START + timedelta(days=365 * years))
        made = report({1: rows(START, [scored(6.0)] * 10)}, ["Ada"], of=ended)
        assert made.tally.mean == 6.0 and len(made.minutes) <= 24 * 60
        written(made)

    def test_minutes_at_the_edges_count_by_the_seconds_they_have(self) -> None:
        at = START + timedelta(seconds=45)
        minutes = {1: {minute_of(START): scored(6.0, 15.0), minute_of(START) + 1: scored(6.0, 30.0)}}
        made = report(minutes, ["Ada"], of=session(at, 0.75))
        assert (made.length_s, made.coverage) == (45.0, 1.0)


NAMES = st.text(min_size=1, max_size=40).filter(str.strip)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(names=st.lists(NAMES, min_size=1, max_size=3), title=NAMES, note=NAMES)
def test_names_of_any_unicode(names: list[str], title: str, note: str) -> None:
    minutes = {number: rows(START, [scored(6.0)] * 3) for number in range(1, len(names) + 1)}
    notes = [marker(START + timedelta(minutes=1), note)]
    written(report(minutes, names, of=session(title=title), markers=notes))


@pytest.mark.parametrize(
    "name",
    [
        "王小明",
        "أمينة الخطيب",
        "अमित शर्मा",
        "ひろし",
        "Zoë 👩🏽‍🎓",
        "\u202eevil",
        "<b>&amp;",
        "a\u0301",
        "𝔘𝔫𝔦",
        "\U000e0041",
        "\u0000",
    ],
)
def test_names_of_particular_unicode(name: str) -> None:
    files = written(report({1: rows(START, [scored(6.0)])}, [name], of=session(title=name)))
    assert b"<b>&amp;</th>" not in files["html"]
