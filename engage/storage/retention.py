"""What is over its time: seconds reduced to minutes, old sessions erased, except for what is held.

Both go in small transactions, so that no writer waits, and whatever breaks off is taken up the next time: what is left
to do is always read from the database.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Delete, Table, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.core.retention import RetentionSettings
from engage.storage import audit, leases
from engage.storage.database import Database
from engage.storage.holds import session_held, students_held
from engage.storage.records import SessionState
from engage.storage.risk import night_of
from engage.storage.rollups import Rollups
from engage.storage.tables import (
    Base,
    ClassSession,
    Course,
    GestureRow,
    Hold,
    RiskFlag,
    RollupMark,
    SampleRow,
    ScoreRow,
)

JOB = "retention"
LEASE_S = 600.0
AT_ONCE = 2_000
"""Seconds that one transaction deletes."""
PAUSE_S = 0.01
"""Between transactions: SQLite gives the lock to whoever asks next, and writers must get their turn."""


class Step(StrEnum):
    """What is due for a session."""

    REDUCE = "reduce"
    ERASE = "erase"


@dataclass(frozen=True, slots=True)
class Due:
    """A session whose time is over. ``held`` keeps all of it; ``kept`` are students in it who are held."""

    session_id: int
    course_title: str
    ended_at: datetime
    step: Step
    samples: int
    """Seconds that go."""
    others: int
    """Other rows that go: gestures, and in the end everything of the session."""
    held: bool
    kept: int


@dataclass(frozen=True, slots=True)
class Done:
    """What a run came to: sessions reduced, erased, and held (all of it, or somebody in it), and flags erased."""

    reduced: int
    erased: int
    held: int
    flags: int


class LeaseLost(Exception):
    """Another process has taken the job over."""


class Retention:
    """Looks and deletes; StorageError where the database fails."""

    def __init__(self, database: Database, settings: RetentionSettings, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._settings = settings
        self._clock = clock or SystemClock()

    def due(self) -> list[Due]:
        """Return what is over its time now, the oldest session first. Changes nothing."""
        now = self._clock.now()
        with self._database.read() as session:
            found = []
            for step, before in self._steps(now):
                for lesson, title in session.execute(_over(step, before)):
                    found.append(_due(session, lesson, title, step))
        erased = {each.session_id for each in found if each.step is Step.ERASE}
        todo = [each for each in found if each.step is Step.ERASE or each.session_id not in erased]
        todo = [each for each in todo if each.held or each.samples + each.others > 0]
        return sorted(todo, key=lambda each: (each.ended_at, each.session_id))

    def run_nightly(self, zone: tzinfo | None) -> Done | None:
        """Do what is due, for the night that is over; None where that is done, or another process does it.

        Call it as often as you like, from as many processes as you like.
        """
        return self._run(night_of(self._clock.now(), zone))

    def run_now(self, zone: tzinfo | None) -> Done | None:
        """Do what is due, whether the night's run was done or not; None where another process is at it."""
        now = self._clock.now()
        return self._run(f"{night_of(now, zone)} {now:%Y-%m-%dT%H:%M:%S}")  # sorts before the next night

    def _run(self, period: str) -> Done | None:
        token = leases.claim(self._database, JOB, period, self._clock.now(), LEASE_S)
        if token is None:
            return None

        def go_on() -> None:
            time.sleep(PAUSE_S)
            if not leases.renew(self._database, JOB, token, self._clock.now(), LEASE_S):
                raise LeaseLost

        due = self.due()
        try:
            for each in due:
                if not each.held:
                    self._do(each, go_on)
        except LeaseLost:
            return None
        steps = [each.step for each in due if not each.held]
        now = self._clock.now()
        with self._database.overwrite() as session:
            if not leases.complete(session, JOB, period, token):
                return None
            flags = self._forget_flags(session, now)
            held = sum(each.held or each.kept > 0 for each in due)
            done = Done(steps.count(Step.REDUCE), steps.count(Step.ERASE), held, flags)
            counts = {"reduced": done.reduced, "erased": done.erased, "held": done.held, "flags": done.flags}
            days = {"samples_days": self._settings.samples_days, "erase_days": self._settings.erase_days}
            audit.record(session, now, None, audit.Action("keep_retention", "database", None, {**days, **counts}))
        return done

    def _steps(self, now: datetime) -> list[tuple[Step, datetime]]:
        limits = {Step.ERASE: self._settings.erased_before(now), Step.REDUCE: self._settings.reduced_before(now)}
        return [(step, before) for step, before in limits.items() if before is not None]

    def _do(self, due: Due, go_on: Callable[[], None]) -> None:
        Rollups(self._database).update(due.session_id)
        while self._take_some(due):
            go_on()
        if due.step is Step.ERASE:
            go_on()
            self._erase_rest(due)

    def _take_some(self, due: Due) -> bool:
        """Delete some seconds of a session, or its gestures where none is left; False where nothing is left.

        The minutes are safe first: a session is marked as reduced with the first second that goes, and a mark that a
        late writer left puts it off to the next time. A hold placed meanwhile stops it here.
        """
        with self._database.overwrite() as session:
            lesson = session.get(ClassSession, due.session_id, with_for_update=True)
            if lesson is None or lesson.state != SessionState.ENDED or session_held(session, lesson):
                return False
            if session.scalar(select(RollupMark.id).where(RollupMark.session_id == lesson.id).limit(1)) is not None:
                return False
            held = students_held(session)
            first = lesson.reduced_at is None
            lesson.reduced_at = lesson.reduced_at or self._clock.now()
            taken = _take_seconds(session, lesson.id, held)
            if taken == 0:
                _take(session, delete(GestureRow).where(*_free(GestureRow, lesson.id, held)))
            if first and due.step is Step.REDUCE:
                action = audit.Action("reduce_session", "class_session", lesson.id, {"samples": due.samples})
                audit.record(session, self._clock.now(), None, action)
            return taken > 0

    def _erase_rest(self, due: Due) -> None:
        """Delete what is left of a session; where somebody in it is held, all but theirs and the class's."""
        with self._database.overwrite() as session:
            lesson = session.get(ClassSession, due.session_id, with_for_update=True)
            if lesson is None or session_held(session, lesson):
                return
            held = students_held(session)
            kept = _kept(session, lesson.id, held)
            if kept:
                for table in _personal():
                    session.execute(delete(table).where(*_free(table, lesson.id, held)))
            else:
                session.execute(delete(Hold).where(Hold.session_id == lesson.id))  # released ones
                session.execute(delete(ClassSession).where(ClassSession.id == lesson.id))
            details = {"samples": due.samples, "kept_students": kept}
            action = audit.Action("erase_session", "class_session", due.session_id, details)
            audit.record(session, self._clock.now(), None, action)

    def _forget_flags(self, session: Session, now: datetime) -> int:
        """Erase the flags raised so long ago; return how many."""
        before = self._settings.erased_before(now)
        if before is None:
            return 0
        held = select(Hold.course_id).where(Hold.released_at.is_(None), Hold.course_id.is_not(None))
        kept = RiskFlag.student_id.in_(students_held(session)), RiskFlag.course_id.in_(held)
        free = ~func.coalesce(or_(*kept), False)
        return _take(session, delete(RiskFlag).where(RiskFlag.raised_at < before, free))


def _over(step: Step, before: datetime) -> Any:
    """Return the query of ended sessions over their time, with their course's title."""
    query = select(ClassSession, Course.title).join(Course, Course.id == ClassSession.course_id)
    query = query.where(ClassSession.state == SessionState.ENDED.value, ClassSession.ended_at < before)
    if step is Step.REDUCE:
        seconds = exists().where(SampleRow.session_id == ClassSession.id)
        query = query.where(or_(seconds, exists().where(GestureRow.session_id == ClassSession.id)))
    return query.order_by(ClassSession.ended_at, ClassSession.id)


def _due(session: Session, lesson: ClassSession, title: str, step: Step) -> Due:
    held = students_held(session)
    kept = _kept(session, lesson.id, held)
    whole = session_held(session, lesson)
    tables = [table for table in _personal() if step is Step.ERASE or table.name == GestureRow.__tablename__]
    rows = {table.name: 0 if whole else _count(session, table, lesson.id, held) for table in tables}
    if step is Step.ERASE and not whole and not kept:
        rows[ClassSession.__tablename__] = 1
    samples = 0 if whole else _count(session, SampleRow, lesson.id, held)
    others = sum(rows.values()) - rows.get(SampleRow.__tablename__, 0)
    assert lesson.ended_at is not None  # noqa: S101 (only ended sessions are asked for)
    return Due(lesson.id, title, lesson.ended_at, step, samples, others, whole or samples + others == 0, len(kept))


def _count(session: Session, table: Any, session_id: int, held: list[int]) -> int:
    return session.scalar(select(func.count()).select_from(table).where(*_free(table, session_id, held))) or 0


def _take_seconds(session: Session, session_id: int, held: list[int]) -> int:
    """Delete up to ``AT_ONCE`` samples with their scores, of students who are not held; return how many."""
    query = select(SampleRow.student_id, SampleRow.second).where(*_free(SampleRow, session_id, held))
    rows = session.execute(query.order_by(SampleRow.student_id, SampleRow.second).limit(AT_ONCE)).all()
    for student_id in {student_id for student_id, _ in rows}:
        seconds = [second for whose, second in rows if whose == student_id]
        for table in (ScoreRow, SampleRow):
            here = table.session_id == session_id, table.student_id == student_id
            session.execute(delete(table).where(*here, table.second.between(seconds[0], seconds[-1])))
    return len(rows)


def _personal() -> list[Table]:
    """Return the tables that hold something of one student in one session, dependent ones first."""
    return [
        table
        for table in reversed(Base.metadata.sorted_tables)
        if {"session_id", "student_id"} <= set(table.columns.keys()) and table.name != Hold.__tablename__
    ]


def _free(table: Any, session_id: int, held: list[int]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for rows of a session that are of a student who is not held."""
    columns = table.c if isinstance(table, Table) else table
    return columns.session_id == session_id, columns.student_id.is_not(None), columns.student_id.not_in(held)


def _kept(session: Session, session_id: int, held: list[int]) -> list[int]:
    """Return the held students of whom a session holds something."""
    found: set[int] = set()
    for table in _personal() if held else ():
        here = table.c.session_id == session_id, table.c.student_id.in_(held)
        found.update(session.scalars(select(table.c.student_id).where(*here).distinct()))
    return sorted(found)


def _take(session: Session, statement: Delete) -> int:
    done = session.execute(statement)
    return done.rowcount if isinstance(done, CursorResult) else 0
