"""Lesson times of courses, and the sessions that start and end by them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.core.timetable import DAY_MINUTES, Occurrence, RunState, Timing, occurrences
from engage.errors import RequestError
from engage.storage import leases, lessons
from engage.storage.changes import Change, changing
from engage.storage.database import Database
from engage.storage.enrolling import require, require_open
from engage.storage.entries import optional
from engage.storage.selects import course_record, courses, running
from engage.storage.tables import ClassSession, Course, LessonRun, LessonTime

SHORTEST_MIN, LONGEST_MIN = 5, 600
MOST_LESSONS = 500
LATE_OK = timedelta(minutes=10)
"""How late a lesson still starts by itself; past that the program was not running when it should have."""
LOOK_BACK = timedelta(days=1)
LEASE_S = 60.0
LONGEST = timedelta(hours=12)
"""How long a session may be prolonged to."""


@dataclass(frozen=True, slots=True)
class LessonRecord:
    """A lesson time of a course."""

    id: int
    timing: Timing
    title: str | None


@dataclass(frozen=True, slots=True)
class PlannedLesson:
    """A lesson to come; ``skipped`` where somebody said that it does not take place."""

    lesson: LessonRecord
    occurrence: Occurrence
    skipped: bool


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What became of a planned lesson."""

    lesson: LessonRecord
    day: date
    state: RunState
    session_id: int | None
    problem: str | None


class Timetable:
    """Each method is one transaction; RequestError, with a line for the page, where something may not be.

    ``zone`` is that of the school, as in the settings: None is this machine's.
    """

    def __init__(self, database: Database, zone: tzinfo | None, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database, self._zone, self._clock = database, zone, clock or SystemClock()

    def lessons(self, course_id: int) -> list[LessonRecord]:
        """Return a course's lesson times that still matter: weekly ones first, then by day."""
        today = self._clock.now().astimezone(self._zone).date()
        with self._database.read() as session:
            found = [_record(row) for row in session.scalars(_present(course_id))]
        current = [each for each in found if (_last_day(each.timing) or today) >= today]
        return sorted(current, key=lambda each: (not each.timing.weekly, _weekday(each.timing), each.timing.minute))

    def upcoming(self, course_id: int, days: int = 14) -> list[PlannedLesson]:
        """Return the lessons of the next days, the earliest first."""
        now = self._clock.now()
        with self._database.read() as session:
            runs = _runs(session, course_id)
            planned = [
                PlannedLesson(_record(row), occurrence, (row.id, occurrence.day) in runs)
                for row in session.scalars(_present(course_id))
                for occurrence in occurrences(_timing(row), now, now + timedelta(days=days), self._zone)
            ]
        return sorted(planned, key=lambda each: (each.occurrence.starts_at, each.lesson.id))

    def past_runs(self, course_id: int, days: int = 14) -> list[RunRecord]:
        """Return what became of the lessons of the last days, the newest first; those to come not."""
        now = self._clock.now()
        today = now.astimezone(self._zone).date()
        query = (
            select(LessonTime, LessonRun)
            .join(LessonRun, LessonRun.lesson_id == LessonTime.id)
            .where(LessonTime.course_id == course_id, LessonRun.day > today - timedelta(days=days))
            .order_by(LessonRun.day.desc(), LessonTime.minute.desc(), LessonTime.id)
        )
        with self._database.read() as session:
            found = [
                RunRecord(_record(row), run.day, RunState(run.state), run.session_id, run.problem)
                for row, run in session.execute(query)
            ]
        return [each for each in found if each.day < today or each.state is not RunState.SKIPPED]

    def add(self, course_id: int, wanted: Iterable[tuple[Timing, str | None]], user_id: int | None) -> int:
        """Add lesson times with their titles and return how many are new: those that are there already are not."""
        with changing(self._database, self._clock, user_id) as change:
            require_open(change.session, course_id)
            there = {_timing(row) for row in change.session.scalars(_present(course_id))}
            new: dict[Timing, str | None] = {}
            for timing, title in wanted:
                if timing not in there:
                    new.setdefault(timing, title)
            if len(there) + len(new) > MOST_LESSONS:
                raise RequestError(f"A course has {MOST_LESSONS} lesson times at most.")
            for timing, title in new.items():
                change.session.add(_row(course_id, timing, title, change.now))
            if new:
                change.record("add_lesson_times", "course", course_id, n=len(new))
            return len(new)

    def remove(self, course_id: int, lesson_id: int, user_id: int | None) -> None:
        """Take a lesson time out of the timetable; what it started is kept."""
        with changing(self._database, self._clock, user_id) as change:
            self._lesson(change, course_id, lesson_id).removed_at = change.now
            change.record("remove_lesson_time", "course", course_id, lesson=lesson_id)

    def set_skipped(self, course_id: int, lesson_id: int, day: date, skipped: bool, user_id: int | None) -> None:
        """Say that a lesson to come does not take place, or does after all. A repeat changes nothing."""
        with changing(self._database, self._clock, user_id) as change:
            row = self._lesson(change, course_id, lesson_id)
            until = change.now + timedelta(days=400)
            if all(each.day != day for each in occurrences(_timing(row), change.now, until, self._zone)):
                raise RequestError("There is no such lesson to come.")
            run = change.session.get(LessonRun, (lesson_id, day))
            if skipped and run is None:
                new = LessonRun(lesson_id=lesson_id, day=day, state=RunState.SKIPPED.value, at=change.now)
                change.session.add(new)
                change.record("skip_lesson", "course", course_id, lesson=lesson_id)
            elif not skipped and run is not None and run.state == RunState.SKIPPED:
                change.session.delete(run)
                change.record("unskip_lesson", "course", course_id, lesson=lesson_id)

    def prolong(self, session_id: int, minutes: int | None, user_id: int | None) -> None:
        """Let a session end so much later than planned; None: not by itself."""
        with changing(self._database, self._clock, user_id) as change:
            lesson = require(change.session, ClassSession, session_id, "session")
            run = change.session.scalar(select(LessonRun).where(LessonRun.session_id == session_id).with_for_update())
            if run is None or lesson.ended_at is not None:
                raise RequestError("This session does not end by itself.")
            if minutes is None:
                run.ends_at = None
            else:
                run.ends_at = max(run.ends_at or change.now, change.now) + timedelta(minutes=minutes)
                if run.ends_at > lesson.started_at + LONGEST:
                    raise RequestError("A session can be prolonged to 12 hours at most.")
            change.record("prolong_session", "class_session", session_id, minutes=minutes)

    def start_due(self, answered: bool) -> list[int]:
        """Start the sessions that are due and return their ids; each once, however many processes do this.

        ``answered``: whether it is said where the school is and what may be computed. What cannot start is recorded
        with the reason; so is what is too late because the program was not running.
        """
        now, started = self._clock.now(), []
        for lesson_id, occurrence in self._due(now):
            name, period = f"lesson:{lesson_id}", occurrence.day.isoformat()
            token = leases.claim(self._database, name, period, now, LEASE_S)
            if token is None:
                continue
            with changing(self._database, self._clock, None) as change:
                if leases.complete(change.session, name, period, token):
                    session_id = _run(change, lesson_id, occurrence, answered)
                    started += [session_id] if session_id is not None else []
        return started

    def end_due(self) -> list[int]:
        """End the sessions whose planned end has come, and return their ids."""
        due = select(LessonRun.session_id).join(ClassSession, ClassSession.id == LessonRun.session_id)
        ended = []
        with changing(self._database, self._clock, None) as change:
            for session_id in change.session.scalars(due.where(running(ClassSession), LessonRun.ends_at <= change.now)):
                if session_id is not None and lessons.end(change.session, session_id, change.now):
                    change.record("end_session", "class_session", session_id)
                    ended.append(session_id)
        return ended

    def _due(self, now: datetime) -> list[tuple[int, Occurrence]]:
        """Return what should have started by now and has not been dealt with, the earliest first."""
        query = (
            select(LessonTime)
            .join(Course, Course.id == LessonTime.course_id)
            .where(LessonTime.removed_at.is_(None), Course.archived_at.is_(None))
        )
        with self._database.read() as session:
            done = {(run.lesson_id, run.day) for run in session.scalars(_recent_runs(now))}
            found = []
            for row in session.scalars(query):
                since = max(now - LOOK_BACK, row.created_at - timedelta(minutes=1))
                for occurrence in occurrences(_timing(row), since, now + timedelta(microseconds=1), self._zone):
                    if (row.id, occurrence.day) not in done:
                        found.append((row.id, occurrence))
        return sorted(found, key=lambda each: (each[1].starts_at, each[0]))

    def _lesson(self, change: Change, course_id: int, lesson_id: int) -> LessonTime:
        require_open(change.session, course_id)
        row = require(change.session, LessonTime, lesson_id, "lesson time")
        if row.course_id != course_id or row.removed_at is not None:
            raise RequestError("There is no such lesson time.")
        return row


def _run(change: Change, lesson_id: int, occurrence: Occurrence, answered: bool) -> int | None:
    """Start the session of a lesson and return its id, or record why not."""
    session = change.session
    row = session.get_one(LessonTime, lesson_id)
    if row.removed_at is not None or session.get(LessonRun, (lesson_id, occurrence.day)) is not None:
        return None
    run = LessonRun(lesson_id=lesson_id, day=occurrence.day, state=RunState.STARTED.value, at=change.now)
    if change.now > min(occurrence.starts_at + LATE_OK, occurrence.ends_at):
        run.state, run.problem = RunState.MISSED.value, "The program was not running then."
    else:
        try:
            course = course_record(*session.execute(courses().where(Course.id == row.course_id)).one())
            lessons.require_startable(course, answered)
            lesson = lessons.start(session, row.course_id, row.title, change.now)
            run.session_id, run.ends_at = lesson.id, occurrence.ends_at
            change.record("start_session", "class_session", lesson.id, course=row.course_id, lesson=lesson_id)
        except RequestError as error:
            run.state, run.problem = RunState.FAILED.value, str(error)
    session.add(run)
    session.flush()
    return run.session_id


def _row(course_id: int, timing: Timing, title: str | None, now: datetime) -> LessonTime:
    if not SHORTEST_MIN <= timing.length_min <= LONGEST_MIN:
        raise RequestError(f"A lesson is {SHORTEST_MIN} to {LONGEST_MIN} minutes long.")
    if not 0 <= timing.minute < DAY_MINUTES or not 2000 <= timing.day.year <= 2100:
        raise RequestError("Give a day and a time of day.")
    if timing.last_day is not None and timing.last_day < timing.day:
        raise RequestError("The last day is before the first.")
    return LessonTime(
        course_id=course_id, day=timing.day, minute=timing.minute, length_min=timing.length_min,
        weekly=timing.weekly, last_day=timing.last_day, title=optional(title, "a title"), created_at=now,
    )  # fmt: skip


def _present(course_id: int) -> Select[LessonTime]:
    return select(LessonTime).where(LessonTime.course_id == course_id, LessonTime.removed_at.is_(None))


def _recent_runs(now: datetime) -> Select[LessonRun]:
    return select(LessonRun).where(LessonRun.day >= now.date() - timedelta(days=3))


def _runs(session: Session, course_id: int) -> set[tuple[int, date]]:
    query = select(LessonRun).join(LessonTime, LessonTime.id == LessonRun.lesson_id)
    return {(run.lesson_id, run.day) for run in session.scalars(query.where(LessonTime.course_id == course_id))}


def _timing(row: LessonTime) -> Timing:
    return Timing(row.day, row.minute, row.length_min, row.weekly, row.last_day)


def _record(row: LessonTime) -> LessonRecord:
    return LessonRecord(row.id, _timing(row), row.title)


def _last_day(timing: Timing) -> date | None:
    return timing.last_day if timing.weekly else timing.day


def _weekday(timing: Timing) -> int:
    return timing.day.weekday() if timing.weekly else timing.day.toordinal()
