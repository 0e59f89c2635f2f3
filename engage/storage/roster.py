"""Who is in a course or session, with consent and camera; and what should be captured now."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, false, or_, select
from sqlalchemy.orm import Session

from engage.core.policy import Consent, GivenBy, Subject
from engage.core.types import Origin
from engage.storage.entities import consent_of
from engage.storage.records import PlannedSource, RosterEntry, SourceKind
from engage.storage.selects import AnySelect, newest_consent, paused, running
from engage.storage.tables import ClassSession, ConsentAnswer, Enrolment, JoinDevice, Source, Student

MOST_REMEMBERED = 4096
"""Rows of the capture plan whose records are kept: a large school's lessons of an hour."""


def of_course(session: Session, course_id: int) -> list[RosterEntry]:
    """Return the present students of a course, by name."""
    here = Enrolment.course_id == course_id, Enrolment.ended_at.is_(None), Student.archived_at.is_(None)
    return [_entry(row) for row in session.execute(_people(false()).where(*here))]


def of_session(session: Session, session_id: int) -> list[RosterEntry]:
    """Return the students that were enrolled while a session ran, by name."""
    lesson = session.get(ClassSession, session_id)
    if lesson is None:
        return []
    here = [
        Enrolment.course_id == lesson.course_id,
        or_(Enrolment.ended_at.is_(None), Enrolment.ended_at > lesson.started_at),
        or_(Student.archived_at.is_(None), Student.archived_at > lesson.started_at),
    ]
    if lesson.ended_at is not None:
        here.append(Enrolment.enrolled_at <= lesson.ended_at)
    pausing = paused(ClassSession.id, Student.id)
    people = _people(pausing).join(ClassSession, ClassSession.id == session_id)
    return [_entry(row) for row in session.execute(people.where(*here))]


def subjects(session: Session, course_id: int) -> dict[int, Subject]:
    """Return what the gate needs to know of everybody who is or was in a course; drawings are virtual."""
    query = (
        select(Student, ConsentAnswer)
        .join(Enrolment, Enrolment.student_id == Student.id)
        .outerjoin(ConsentAnswer, newest_consent(Student.id))
        .where(Enrolment.course_id == course_id)
    )
    return {
        student.id: Subject(student.virtual, student.minor, consent_of(consent))
        for student, consent in session.execute(query)
    }


def planned(session: Session) -> list[PlannedSource]:
    """Return the enabled sources of all students in running sessions, browsers that have joined; one query.

    It is asked twice a second, so columns are read, not objects, and a row that is as it was gives the same record.
    """
    return [_planned_source(*row) for row in session.connection().execute(_plan())]


@cache
def _plan() -> AnySelect:
    consent = ConsentAnswer.granted, ConsentAnswer.given_by, ConsentAnswer.answered_at
    return (
        select(
            *(ClassSession.id, Source.id, Source.kind, Source.address, Source.credentials),
            *(Student.id, Student.virtual, Student.minor),
            *consent,
            paused(ClassSession.id, Student.id),
        )
        .join(Enrolment, and_(Enrolment.course_id == ClassSession.course_id, Enrolment.ended_at.is_(None)))
        .join(Student, and_(Student.id == Enrolment.student_id, Student.archived_at.is_(None)))
        .join(Source, and_(Source.student_id == Student.id, Source.enabled))
        .outerjoin(ConsentAnswer, newest_consent(Student.id))
        .where(running(ClassSession), or_(Source.kind != SourceKind.BROWSER.value, _joined()))
        .order_by(ClassSession.id, Source.id)
    )


def _joined() -> ColumnElement[bool]:
    """Return the condition that the student takes part in the session with a browser."""
    here = JoinDevice.session_id == ClassSession.id, JoinDevice.student_id == Student.id
    return exists().where(*here, JoinDevice.ended_at.is_(None))


@lru_cache(MOST_REMEMBERED)
def _planned_source(*row: Any) -> PlannedSource:
    session_id, source_id, kind, address, credentials, student_id, virtual, minor, *answer, is_paused = row
    granted, given_by, answered_at = answer
    # Only a drawing may do without consent: a virtual student with a real camera is a person like any other.
    drawn = virtual and kind == SourceKind.VIRTUAL
    consent = None if granted is None else Consent(granted, GivenBy(given_by), answered_at)
    return PlannedSource(
        origin=Origin(session_id, source_id, student_id),
        kind=SourceKind(kind),
        address=credentials or address,
        subject=Subject(virtual=drawn, minor=minor, consent=consent),
        paused=bool(is_paused),
    )


def _people(pausing: ColumnElement[bool]) -> AnySelect:
    return (
        select(Student, Enrolment.seat, ConsentAnswer, Source, pausing)
        .select_from(Enrolment)
        .join(Student, Student.id == Enrolment.student_id)
        .outerjoin(ConsentAnswer, newest_consent(Student.id))
        .outerjoin(Source, and_(Source.student_id == Student.id, Source.enabled))
        .order_by(Student.name, Student.id)
    )


def _entry(row: Row[*tuple[Any, ...]]) -> RosterEntry:
    student, seat, consent, source, is_paused = row
    return RosterEntry(
        student_id=student.id,
        name=student.name,
        external_id=student.external_id,
        seat=seat,
        minor=student.minor,
        virtual=student.virtual,
        consent=consent_of(consent),
        source_id=source.id if source else None,
        source_address=source.address if source else None,
        paused=bool(is_paused),
    )
