"""Lessons from a calendar file (iCalendar, RFC 5545): its events as lesson times, each with what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import recurring_ical_events
from icalendar import Calendar, Component, Event

from engage.core.timetable import Timing, moment
from engage.storage.timetable import LONGEST_MIN, SHORTEST_MIN

LARGEST_BYTES = 512 * 1024
MOST_EVENTS = 500
MOST_REPEATED = 40
"""Each a year of days at most, expanded while a page waits."""
MOST_LESSONS = 400
AHEAD = timedelta(days=366)
OLDEST_RULE = timedelta(days=10 * 366)
COARSE = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
FINE = ("BYHOUR", "BYMINUTE", "BYSECOND")
"""Parts of a rule that could make one event a million."""


@dataclass(frozen=True, slots=True)
class FoundLesson:
    """One lesson of the file, at the school's time."""

    timing: Timing
    title: str | None


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """The lessons to come, the earliest first, and what was left out, in words."""

    lessons: tuple[FoundLesson, ...] = ()
    problems: tuple[str, ...] = ()


def read_calendar(data: bytes, now: datetime, zone: tzinfo | None) -> CalendarFile:
    """Return the lessons of the coming year in a calendar file, each single, at the school's time."""
    events = _events(data)
    if isinstance(events, str):
        return CalendarFile(problems=(events,))
    lessons: dict[Timing, str | None] = {}
    problems: dict[str, None] = {}
    for title, found in _occurrences(events, now):
        timing = found if isinstance(found, str) else _timing(*found, zone)
        if isinstance(timing, Timing) and not SHORTEST_MIN <= timing.length_min <= LONGEST_MIN:
            timing = f"A lesson is {SHORTEST_MIN} to {LONGEST_MIN} minutes long."
        if isinstance(timing, str):
            problems.setdefault(f"{title}: {timing}" if title else timing)
        elif moment(timing.day, timing.minute, zone) > now:
            lessons.setdefault(timing, title or None)
    ordered = sorted(lessons.items(), key=lambda each: (each[0].day, each[0].minute))
    if len(ordered) > MOST_LESSONS:
        problems.setdefault(f"Only the first {MOST_LESSONS} of {len(ordered)} lessons are taken.")
    if not ordered and not problems:
        problems.setdefault("No lesson in it lies in the coming year.")
    return CalendarFile(tuple(FoundLesson(*each) for each in ordered[:MOST_LESSONS]), tuple(problems))


def _events(data: bytes) -> list[Component] | str:
    """Return a file's events, and the zones they are in, or what is wrong with the file."""
    if len(data) > LARGEST_BYTES:
        return f"The file is larger than {LARGEST_BYTES // 1024} kB."
    try:
        calendar = Calendar.from_ical(data)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError):
        return "This is no calendar file (.ics), or it is damaged."
    events = calendar.walk("VEVENT")
    if not events:
        return "There is no event in it."
    if len(events) > MOST_EVENTS:
        return f"There are more than {MOST_EVENTS} events in it."
    if sum("RRULE" in event or "RDATE" in event for event in events) > MOST_REPEATED:
        return f"There are more than {MOST_REPEATED} repeated events in it."
    return [*calendar.walk("VTIMEZONE"), *events]


def _occurrences(events: list[Component], now: datetime) -> Iterator[tuple[str, tuple[datetime, datetime] | str]]:
    """Yield each event of the coming year with its title: when it is, or why it is no lesson."""
    usable = Calendar()
    for event in events:
        wrong = _wrong(event, now) if isinstance(event, Event) else None
        if wrong is None:
            usable.add_component(event)
        else:
            yield _title(event), wrong
    try:
        found = recurring_ical_events.of(usable, skip_bad_series=True).between(now, now + AHEAD)
    except (ValueError, TypeError, KeyError, OverflowError, ArithmeticError):
        yield "", "A repeated event cannot be understood."
        return
    for event in found:
        starts_at, ends_at = event.start, event.end
        if isinstance(starts_at, datetime) and isinstance(ends_at, datetime):
            yield _title(event), (starts_at, ends_at)


def _wrong(event: Event, now: datetime) -> str | None:
    """Return why an event is no lesson, or None."""
    try:
        starts_at, ends_at = event.start, event.end
        rules = event.get("RRULE") or []
        for rule in rules if isinstance(rules, list) else [rules]:
            every = int((rule.get("INTERVAL") or [1])[0])
            if not set(rule.get("FREQ", [])) <= COARSE or every < 1 or any(part in rule for part in FINE):
                return "It repeats in a way no lesson does."
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
        return "It has no start, or no end."
    if not isinstance(starts_at, datetime) or not isinstance(ends_at, datetime):
        return "It lasts the whole day."
    if abs(starts_at.date() - now.date()) > OLDEST_RULE:
        return "It begins too far from today."
    return None


def _timing(starts_at: datetime, ends_at: datetime, zone: tzinfo | None) -> Timing:
    """Return an event on the school's clock; times without a zone are meant as the school's."""
    if starts_at.tzinfo is None or ends_at.tzinfo is None:
        local, length = starts_at, ends_at.replace(tzinfo=None) - starts_at.replace(tzinfo=None)
    else:
        local, length = starts_at.astimezone(zone), ends_at.astimezone(UTC) - starts_at.astimezone(UTC)
    return Timing(local.date(), local.hour * 60 + local.minute, round(length.total_seconds() / 60))


def _title(event: Component) -> str:
    text = "".join(character if character.isprintable() else " " for character in str(event.get("SUMMARY", "")))
    return " ".join(text.split())[:120]
