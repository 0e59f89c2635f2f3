"""Lessons on the school's clock: every week at the same time, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage.core.timetable import Timing, moment, occurrences

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 10, 12)
NINE = 9 * 60


def starts(timing: Timing, since: datetime, days: int) -> list[str]:
    found = occurrences(timing, since, since + timedelta(days=days), BERLIN)
    return [f"{each.starts_at:%m-%d %H:%M}" for each in found]


def test_nine_is_nine_before_and_after_the_clocks_change() -> None:
    weekly = Timing(MONDAY, NINE, 45, weekly=True, last_day=date(2026, 11, 2))
    since = datetime(2026, 10, 1, tzinfo=UTC)
    assert starts(weekly, since, 60) == ["10-12 07:00", "10-19 07:00", "10-26 08:00", "11-02 08:00"]
    assert starts(weekly, datetime(2026, 10, 19, 7, 0, tzinfo=UTC), 1) == ["10-19 07:00"]
    assert starts(weekly, datetime(2026, 10, 19, 7, 1, tzinfo=UTC), 1) == []


@pytest.mark.parametrize(
    ("day", "minute", "utc"),
    [
        (date(2026, 3, 29), 150, "01:30"),  # 02:30 is not there that night: half past three
        (date(2026, 10, 25), 150, "00:30"),  # 02:30 is there twice: the first
        (date(2026, 10, 25), 240, "03:00"),
    ],
)
def test_times_that_are_not_there_or_twice(day: date, minute: int, utc: str) -> None:
    assert f"{moment(day, minute, BERLIN):%H:%M}" == utc
    single = Timing(day, minute, 30)
    assert len(starts(single, datetime(2026, 1, 1, tzinfo=UTC), 364)) == 1


@settings(deadline=None)
@given(
    st.dates(date(2025, 1, 1), date(2027, 1, 1)), st.integers(0, 1439), st.booleans(),
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)), st.integers(0, 40),
    st.sampled_from([BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Pacific/Apia"), UTC, None]),
)  # fmt: skip
def test_windows_one_after_the_other_lose_and_double_nothing(day, minute, weekly, start, days, zone) -> None:  # type: ignore[no-untyped-def]
    timing, since = Timing(day, minute, 45, weekly), start.replace(tzinfo=UTC)
    middle, until = since + timedelta(days=days / 2), since + timedelta(days=days)
    whole = list(occurrences(timing, since, until, zone))
    assert whole == [*occurrences(timing, since, middle, zone), *occurrences(timing, middle, until, zone)]
    assert len({each.day for each in whole}) == len(whole)
    assert all(since <= each.starts_at < until for each in whole)
