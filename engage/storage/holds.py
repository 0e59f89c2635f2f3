"""Legal holds: what is kept although its time is over, until somebody releases it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.errors import RequestError
from engage.storage import audit, enrolling
from engage.storage.database import Database
from engage.storage.entries import TEXT_LENGTH, given, possible
from engage.storage.tables import (
    Alert,
    AttendanceRow,
    Base,
    ClassSession,
    Course,
    Enrolment,
    Feedback,
    GestureRow,
    Hold,
    SampleRow,
    SessionRollup,
    Student,
)


class HeldKind(StrEnum):
    """What a legal hold can be on."""

    COURSE = "course"
    SESSION = "session"
    STUDENT = "student"


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """A legal hold. ``ask`` says whom a student asks about it; ``reason`` is for those who place holds."""

    id: int
    kind: HeldKind
    object_id: int
    reason: str
    ask: str
    placed_at: datetime
    released_at: datetime | None


NOBODY_NAMED = "the administrator of this program at your school"
TABLES: dict[HeldKind, type[Base]] = {
    HeldKind.COURSE: Course,
    HeldKind.SESSION: ClassSession,
    HeldKind.STUDENT: Student,
}
COLUMNS: dict[HeldKind, InstrumentedAttribute[int | None]] = {
    HeldKind.COURSE: Hold.course_id,
    HeldKind.SESSION: Hold.session_id,
    HeldKind.STUDENT: Hold.student_id,
}
OF_A_STUDENT = (SampleRow, GestureRow, SessionRollup, AttendanceRow, Feedback, Alert)
"""Where a session holds something of a student."""


class Holds:
    """Places and releases; RequestError with one line, StorageError where the database fails. All of it is audited."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def place(self, kind: HeldKind, object_id: int, reason: str, ask: str, user_id: int | None = None) -> HoldRecord:
        """Keep a course, session or student from being reduced or erased, from now on until released."""
        now = self._clock.now()
        reason, ask = given(reason, "a reason", TEXT_LENGTH), given(ask, "whom to ask")
        with self._database.write() as session:
            enrolling.require(session, TABLES[kind], object_id, kind.value)
            row = Hold(reason=reason, ask=ask, placed_at=now, placed_by=user_id)
            setattr(row, COLUMNS[kind].key, object_id)
            session.add(row)
            session.flush()
            audit.record(session, now, user_id, audit.Action("place_hold", kind.value, object_id, {"hold": row.id}))
            return _record(row)

    def release(self, hold_id: int, user_id: int | None = None) -> HoldRecord:
        """End a hold: what it kept is reduced and erased again as its time is over."""
        now = self._clock.now()
        with self._database.write() as session:
            row = session.get(Hold, hold_id, with_for_update=True) if possible(hold_id) else None
            if row is None:
                raise RequestError(f"There is no legal hold {hold_id}; 'engage hold list' shows them.")
            if row.released_at is not None:
                raise RequestError(f"The legal hold {hold_id} was released already.")
            row.released_at, row.released_by = now, user_id
            session.flush()
            record = _record(row)
            action = audit.Action("release_hold", record.kind.value, record.object_id, {"hold": hold_id})
            audit.record(session, now, user_id, action)
            return record

    def listed(self, released_too: bool = False) -> list[HoldRecord]:
        """Return the holds, the oldest first."""
        query = select(Hold).order_by(Hold.id)
        with self._database.read() as session:
            return [_record(row) for row in session.scalars(query if released_too else query.where(active()))]

    def on_student(self, student_id: int) -> HoldRecord | None:
        """Return a hold that keeps a student from being erased, or None."""
        with self._database.read() as session:
            return keeping(session, student_id)


def active() -> ColumnElement[bool]:
    """Return the condition that a hold was not released."""
    return Hold.released_at.is_(None)


def session_held(session: Session, lesson: ClassSession) -> bool:
    """Return whether all of a session is held: itself, or its course."""
    on = or_(Hold.session_id == lesson.id, Hold.course_id == lesson.course_id)
    return session.scalar(select(Hold.id).where(active(), on).limit(1)) is not None


def students_held(session: Session) -> list[int]:
    """Return the students with a hold of their own."""
    query = select(Hold.student_id).where(active(), Hold.student_id.is_not(None)).distinct()
    return sorted(student_id for student_id in session.scalars(query) if student_id is not None)


def keeping(session: Session, student_id: int) -> HoldRecord | None:
    """Return a hold on the student, on a course they were in, or on a session that holds something of them."""
    courses = select(Enrolment.course_id).where(Enrolment.student_id == student_id)
    theirs: Sequence[ColumnElement[bool]] = [
        exists().where(table.session_id == Hold.session_id, table.student_id == student_id) for table in OF_A_STUDENT
    ]
    concerned = or_(Hold.student_id == student_id, Hold.course_id.in_(courses), *theirs)
    row = session.scalar(select(Hold).where(active(), concerned).order_by(Hold.id).limit(1))
    return None if row is None else _record(row)


def _record(row: Hold) -> HoldRecord:
    kind, object_id = next(
        (kind, value) for kind, column in COLUMNS.items() if (value := getattr(row, column.key)) is not None
    )
    return HoldRecord(row.id, kind, object_id, row.reason, row.ask, row.placed_at, row.released_at)
