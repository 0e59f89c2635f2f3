"""Students into courses, cameras to students; in the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engage.core.addresses import redact
from engage.errors import RequestError
from engage.storage.entities import kind_of
from engage.storage.entries import TEXT_LENGTH, given, optional, possible
from engage.storage.records import NewStudent, SourceKind
from engage.storage.tables import Base, Course, Enrolment, Source, Student

Row = TypeVar("Row", bound=Base)


def require(session: Session, table: type[Row], row_id: int, name: str) -> Row:
    """Return the row, locked for this transaction; RequestError where there is none."""
    row = session.get(table, row_id, with_for_update=True) if possible(row_id) else None
    if row is None:
        raise RequestError(f"There is no such {name}.")
    return row


def require_open(session: Session, course_id: int) -> Course:
    """Return the course, locked for this transaction; RequestError where there is none, or it is archived."""
    course = require(session, Course, course_id, "course")
    if course.archived_at is not None:
        raise RequestError("This course is archived. Bring it back to change it.")
    return course


def require_enrolled(session: Session, course_id: int, student_id: int) -> None:
    """Raise RequestError unless the student is in the course."""
    enrolment = session.get(Enrolment, (course_id, student_id)) if possible(student_id) else None
    if enrolment is None or enrolment.ended_at is not None:
        raise RequestError("This student is not in this course.")


def add_student(session: Session, course_id: int, new: NewStudent, now: datetime) -> Student:
    """Return a new student of the course, without a seat."""
    require_open(session, course_id)
    student = Student(
        name=given(new.name, "a name"),
        external_id=optional(new.external_id, "a student number"),
        minor=new.minor,
        virtual=new.virtual,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(student)
    except IntegrityError:
        raise RequestError("There is a student with this number already.") from None
    session.add(Enrolment(course_id=course_id, student_id=student.id, enrolled_at=now))
    session.flush()
    return student


def give_student_source(session: Session, student_id: int, address: str, now: datetime) -> Source:
    """Return a student's new camera; the one in use before is switched off."""
    student = require(session, Student, student_id, "student")
    source = _source(address, now)
    if student.virtual and source.kind != SourceKind.VIRTUAL:
        raise RequestError("A drawn student takes an address such as virtual:1; make a student for a real camera.")
    source.student_id = student_id
    session.execute(update(Source).where(Source.student_id == student_id, Source.enabled).values(enabled=False))
    session.add(source)
    session.flush()
    return source


def give_course_source(session: Session, course_id: int, address: str, now: datetime) -> Source:
    """Return a course's new camera; the one in use before is switched off."""
    require(session, Course, course_id, "course")
    source = _source(address, now)
    source.course_id = course_id
    session.execute(update(Source).where(Source.course_id == course_id, Source.enabled).values(enabled=False))
    session.add(source)
    session.flush()
    return source


def enabled_source(session: Session, student_id: int) -> Source | None:
    """Return the camera a student has in use."""
    return session.scalar(select(Source).where(Source.student_id == student_id, Source.enabled))


def _source(address: str, now: datetime) -> Source:
    address = given(address, "a camera's address", TEXT_LENGTH)
    shown = redact(address)
    return Source(
        kind=kind_of(address).value,
        address=shown,
        credentials=None if shown == address else address,
        enabled=True,
        created_at=now,
    )
