"""All that the database holds of one student, table by table, as it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Select, Table, and_, select
from sqlalchemy.orm import Session

from engage.storage.database import Database
from engage.storage.tables import AuditEntry, Base, ClassSession, Course, Enrolment, Student

SECRET = frozenset(
    {"credentials", "password_hash", "token_hash", "pin_hash", "device_hash", "ticket_hash", "hash", "prev_hash"}
)
"""Columns that are keys to something, not data about the student."""
ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Belonging:
    """A student's rows of one table; ``rows`` may be asked for again, within ``belongings``."""

    name: str
    columns: tuple[str, ...]
    _session: Session
    _query: Select[Any]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows, in the order of the table's key; times are aware UTC."""
        result = self._session.connection().execution_options(yield_per=ROWS_AT_ONCE).execute(self._query)
        for row in result:
            yield tuple(row)


@contextmanager
def belongings(database: Database, student_id: int) -> Iterator[list[Belonging]]:
    """Give what there is of a student: every table with a column for a student, all in one state of the database.

    Besides, their own row, their courses and sessions by title and time, and the audit log's lines about them.
    """
    with database.read() as session:
        tables = [table for table in Base.metadata.sorted_tables if "student_id" in table.columns]
        found = [_of(session, table, _columns(table), table.c["student_id"] == student_id) for table in tables]
        own = _table(Student)
        found.insert(0, _of(session, own, _columns(own), own.c["id"] == student_id))
        found.append(_sessions(session, student_id))
        log = _table(AuditEntry)
        about = and_(log.c["object_type"] == "student", log.c["object_id"] == student_id)
        found.append(_of(session, log, _columns(log), about))
        yield found


def _sessions(session: Session, student_id: int) -> Belonging:
    lesson, course = _table(ClassSession), _table(Course)
    columns = [lesson.c["id"], lesson.c["title"], lesson.c["started_at"], lesson.c["ended_at"]]
    query = (
        select(*columns, course.c["title"].label("course"))
        .join(Course, Course.id == ClassSession.course_id)
        .join(Enrolment, and_(Enrolment.course_id == Course.id, Enrolment.student_id == student_id))
        .order_by(ClassSession.id)
    )
    return Belonging("sessions", (*(column.name for column in columns), "course"), session, query)


def _of(session: Session, table: Table, columns: list[Column[Any]], condition: Any) -> Belonging:
    query = select(*columns).where(condition).order_by(*table.primary_key.columns)
    return Belonging(table.name, tuple(column.name for column in columns), session, query)


def _columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.name not in SECRET]


def _table(entity: type[Base]) -> Table:
    return Base.metadata.tables[entity.__tablename__]
