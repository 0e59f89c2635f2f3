"""Lessons from calendar files: repeated events, zones, and files made to burst."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage.core.timetable import Timing
from engage.storage.lesson_calendar import read_calendar

NOW = datetime(2026, 10, 12, 5, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def calendar(*events: str) -> bytes:
    body = "\n".join(f"BEGIN:VEVENT\nUID:{number}\n{event}\nEND:VEVENT" for number, event in enumerate(events))
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n{body}\nEND:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def test_a_weekly_lesson_without_the_holiday_and_with_one_moved() -> None:
    data = calendar(
        "SUMMARY:Physics 9b\nDTSTART;TZID=Europe/Berlin:20261012T090000\nDTEND;TZID=Europe/Berlin:20261012T094500\n"
        "RRULE:FREQ=WEEKLY;COUNT=4\nEXDATE;TZID=Europe/Berlin:20261019T090000",
        "SUMMARY:Once\nDTSTART:20261014T060000Z\nDURATION:PT30M",
        "SUMMARY:Floating\nDTSTART:20261015T080000\nDTEND:20261015T084500",
    )
    found = read_calendar(data, NOW, BERLIN)
    assert [(lesson.timing, lesson.title) for lesson in found.lessons] == [
        (Timing(date(2026, 10, 12), 540, 45), "Physics 9b"),
        (Timing(date(2026, 10, 14), 480, 30), "Once"),
        (Timing(date(2026, 10, 15), 480, 45), "Floating"),
        (Timing(date(2026, 10, 26), 540, 45), "Physics 9b"),
        (Timing(date(2026, 11, 2), 540, 45), "Physics 9b"),
    ]
    assert found.problems == ()
    later = read_calendar(data, datetime(2026, 11, 1, tzinfo=UTC), BERLIN)
    assert [lesson.timing.day for lesson in later.lessons] == [date(2026, 11, 2)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no calendar file"),
        (b"\x89PNG", "no calendar file"),
        (calendar(), "no event"),
        (b"x" * 600_000, "larger than 512 kB"),
        (calendar(*["DTSTART:20261014T060000Z"] * 501), "more than 500"),
        (calendar(*["DTSTART:20261014T060000Z\nRRULE:FREQ=DAILY"] * 41), "more than 40 repeated"),
        (calendar("SUMMARY:Trip\nDTSTART;VALUE=DATE:20261014"), "Trip: It lasts the whole day"),
        (calendar("SUMMARY:Long\nDTSTART:20261014T060000Z\nDTEND:20261015T060000Z"), "Long: A lesson is 5 to 600"),
        (calendar("DTSTART:20261014T060000Z\nDTEND:20261014T070000Z\nRRULE:FREQ=SECONDLY"), "no lesson does"),
        (calendar("DTSTART:20261014T060000Z\nDTEND:20261014T070000Z\nRRULE:FREQ=DAILY;INTERVAL=0"), "no lesson does"),
        (calendar("DTSTART:00010101T060000Z\nDTEND:00010101T070000Z\nRRULE:FREQ=DAILY"), "too far"),
        (calendar("DTSTART:20200101T060000Z\nDTEND:20200101T070000Z"), "coming year"),
    ],
)
def test_what_is_no_lesson_is_said(data: bytes, words: str) -> None:
    found = read_calendar(data, NOW, BERLIN)
    assert found.lessons == () and len(found.problems) == 1
    assert words in found.problems[0]


@settings(deadline=None)
@given(st.text(st.sampled_from("DTSTART:;=20261014T060ZRULEFQWKYX\n,-"), max_size=60))
def test_any_event_is_read(text: str) -> None:
    found = read_calendar(calendar(f"DTSTART:20261014T060000Z\n{text}"), NOW, BERLIN)
    assert found.lessons or found.problems
