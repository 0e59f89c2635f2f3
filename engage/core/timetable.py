"""When lessons are: on the school's clock, so that a lesson at nine is at nine in summer and in winter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

WEEK = timedelta(days=7)
DAY_MINUTES = 24 * 60


class RunState(StrEnum):
    """What became of a planned lesson on one day."""

    STARTED = "started"
    FAILED = "failed"
    """It could not start; the reason stands beside it."""
    MISSED = "missed"
    """The program was not running."""
    SKIPPED = "skipped"
    """Somebody said that it does not take place."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Once on ``day``, or every week from then on, ``last_day`` included; ``minute`` counts from midnight."""

    day: date
    minute: int
    length_min: int
    weekly: bool = False
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One lesson: the school's day it belongs to, and the moments (aware UTC) it starts and ends."""

    day: date
    starts_at: datetime
    ends_at: datetime


def moment(day: date, minute: int, zone: tzinfo | None) -> datetime:
    """Return the moment, aware UTC, when the clock of ``zone`` (None: this machine's) shows that minute of the day.

    Where the clocks are put forward over it, it is as long after the change as it would have been after the old time;
    where they are put back over it, it is the first of the two (RFC 5545, section 3.3.5).
    """
    wall = datetime.combine(day, time(minute // 60, minute % 60))
    return (wall.astimezone() if zone is None else wall.replace(tzinfo=zone)).astimezone(UTC)


def occurrences(timing: Timing, since: datetime, until: datetime, zone: tzinfo | None) -> Iterator[Occurrence]:
    """Yield the lessons that start in ``since <= start < until``, the earliest first."""
    day = timing.day
    if timing.weekly:
        earliest = since.astimezone(zone).date() - timedelta(days=1)
        day += WEEK * max(0, -((day - earliest) // WEEK))
    while True:
        starts_at = moment(day, timing.minute, zone)
        if starts_at >= until or (timing.last_day is not None and day > timing.last_day):
            return
        if starts_at >= since:
            yield Occurrence(day, starts_at, starts_at + timedelta(minutes=timing.length_min))
        if not timing.weekly:
            return
        day += WEEK
