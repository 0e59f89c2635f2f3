"""Sessions by the timetable: started once, ended in time, and said where they could not start."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from engage.core.timetable import RunState, Timing
from engage.errors import RequestError
from engage.storage.database import Database
from engage.storage.timetable import Timetable
from tests.databases import START

if TYPE_CHECKING:
    from tests.databases import School, SetClock

ZONE = ZoneInfo("Europe/London")  # as UTC in November
TODAY = START.date()
TEN = Timing(TODAY, 600, 45, weekly=True)


@pytest.fixture
def timetable(database: Database, clock: SetClock, school: School) -> Timetable:
    school.classroom.end_session(school.session.id)
    return Timetable(database, ZONE, clock)


def at(hour: int, minute: int = 0, days: int = 0) -> datetime:
    return START.replace(hour=hour, minute=minute) + timedelta(days=days)


def states(timetable: Timetable, school: School) -> list[tuple[date, RunState, str | None]]:
    return [(run.day, run.state, run.problem) for run in timetable.past_runs(school.course.id)]


def test_a_lesson_starts_and_ends_by_itself_every_week(timetable: Timetable, school: School, clock: SetClock) -> None:
    assert timetable.add(school.course.id, [(TEN, "Waves"), (TEN, None)], school.teacher.id) == 1
    assert timetable.start_due(True) == []
    clock.time = at(10)
    (started,) = timetable.start_due(True)
    assert timetable.start_due(True) == []
    session = school.queries.session(started)
    assert session is not None and session.planned is not None
    assert (session.title, session.started_by, session.planned.ends_at) == ("Waves", None, at(10, 45))
    clock.time = at(10, 44)
    assert timetable.end_due() == []
    clock.time = at(10, 45)
    assert timetable.end_due() == [started] and timetable.end_due() == []
    clock.time = at(10, 1, days=7)
    assert len(timetable.start_due(True)) == 1
    assert [state for _, state, _ in states(timetable, school)] == [RunState.STARTED, RunState.STARTED]


def test_of_many_processes_one_starts_it(timetable: Timetable, school: School, clock: SetClock, url: str) -> None:
    timetable.add(school.course.id, [(TEN, None)], None)
    clock.time = at(10)
    start, started = threading.Barrier(3), []

    def run() -> None:
        own = Database(url)
        start.wait()
        started.extend(Timetable(own, ZONE, clock).start_due(True))
        own.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 1 and len(school.queries.running_sessions()) == 1


def test_what_cannot_start_says_why(timetable: Timetable, school: School, clock: SetClock) -> None:
    empty = school.classroom.create_course("Empty", school.teacher.id).id
    for course in (school.course.id, empty):
        timetable.add(course, [(TEN, None)], None)
    by_hand = school.classroom.start_session(school.course.id, school.teacher.id)
    clock.time = at(10)
    assert timetable.start_due(True) == []
    assert states(timetable, school) == [(TODAY, RunState.FAILED, "A session of this course is running already.")]
    assert "nobody in this course" in (timetable.past_runs(empty)[0].problem or "")
    clock.time = at(11)
    assert timetable.end_due() == []  # what a person started, a person ends
    school.classroom.end_session(by_hand.id)
    clock.time = at(10, days=7)
    assert timetable.start_due(False) == []
    assert "administrator has not yet said" in (states(timetable, school)[0][2] or "")


def test_a_machine_that_was_off_starts_late_or_not(timetable: Timetable, school: School, clock: SetClock) -> None:
    timetable.add(school.course.id, [(TEN, None)], None)
    clock.time = at(10, 9)
    (started,) = timetable.start_due(True)
    assert school.queries.session(started).planned.ends_at == at(10, 45)  # type: ignore[union-attr] # by schedule
    school.classroom.end_session(started)
    clock.time = at(10, 11, days=7)
    assert timetable.start_due(True) == []
    assert states(timetable, school)[0][1] is RunState.MISSED
    clock.time = at(9, days=30)
    assert timetable.start_due(True) == [] and len(states(timetable, school)) == 0


def test_a_lesson_of_earlier_today_does_not_start_when_written_down(
    timetable: Timetable, school: School, clock: SetClock
) -> None:
    clock.time = at(10, 5)
    timetable.add(school.course.id, [(TEN, None)], None)
    assert timetable.start_due(True) == [] and states(timetable, school) == []


def test_skipped_removed_and_archived_lessons_do_not_start(
    timetable: Timetable, school: School, clock: SetClock
) -> None:
    course = school.course.id
    timetable.add(course, [(TEN, None), (Timing(TODAY, 700, 45), None)], None)
    ten, single = (each.id for each in timetable.lessons(course))
    timetable.set_skipped(course, ten, TODAY, True, school.teacher.id)
    timetable.remove(course, single, school.teacher.id)
    assert [(each.occurrence.day, each.skipped) for each in timetable.upcoming(course, 8)] == [
        (TODAY, True), (TODAY + timedelta(days=7), False)
    ]  # fmt: skip
    clock.time = at(10)
    assert timetable.start_due(True) == []
    clock.time = at(9, days=7)
    next_day = TODAY + timedelta(days=7)
    timetable.set_skipped(course, ten, next_day, True, None)
    timetable.set_skipped(course, ten, next_day, False, None)
    with pytest.raises(RequestError, match="no such lesson"):
        timetable.set_skipped(course, ten, TODAY, True, None)
    school.classroom.archive_course(course)
    clock.time = at(10, days=7)
    assert timetable.start_due(True) == []
    with pytest.raises(RequestError, match="archived"):
        timetable.remove(course, ten, None)


def test_prolonging(timetable: Timetable, school: School, clock: SetClock) -> None:
    timetable.add(school.course.id, [(TEN, None)], None)
    clock.time = at(10)
    (started,) = timetable.start_due(True)
    timetable.prolong(started, 10, school.teacher.id)
    clock.time = at(10, 50)
    assert timetable.end_due() == []
    timetable.prolong(started, None, school.teacher.id)
    clock.time = at(12)
    assert timetable.end_due() == []
    with pytest.raises(RequestError, match="12 hours"):
        timetable.prolong(started, 11 * 60, None)
    school.classroom.end_session(started)
    with pytest.raises(RequestError, match="by itself"):
        timetable.prolong(started, 10, None)


@pytest.mark.parametrize(
    ("timing", "words"),
    [
        (Timing(TODAY, 600, 4), "5 to 600"),
        (Timing(TODAY, 1440, 45), "time of day"),
        (Timing(TODAY, 600, 45, True, TODAY - timedelta(days=1)), "last day"),
    ],
)
def test_an_impossible_lesson_is_refused(timetable: Timetable, school: School, timing: Timing, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        timetable.add(school.course.id, [(timing, None)], None)
    assert timetable.lessons(school.course.id) == []
