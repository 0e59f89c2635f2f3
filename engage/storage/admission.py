"""Which readings may be stored: the last gate, after capture's own.

A worker that is told to stop may have a second under way, and what waits while the database is down is written late. So
what counts is what was in force when a reading was captured, whenever it arrives here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, select

from engage.core.policy import Consent, GivenBy, answer_at, valid
from engage.core.types import GestureEvent, Sample, ScoredSample
from engage.storage.database import Database
from engage.storage.tables import ClassSession, ConsentAnswer, Pause, Student

Reading = ScoredSample | GestureEvent


@dataclass(frozen=True, slots=True)
class _Person:
    """A student, with all answers to the consent question, the newest first."""

    virtual: bool
    minor: bool
    answers: list[Consent]


@dataclass(frozen=True, slots=True)
class _Lesson:
    """When a session began and ended, and its pauses: whose (None: all's), from when, until when (None: still)."""

    started_at: datetime
    ended_at: datetime | None
    pauses: list[tuple[int | None, datetime, datetime | None]] = field(default_factory=list)


def _people() -> Select[Any]:
    """Return the query for students with all their answers, the newest first."""
    student, answer = Student.__table__.c, ConsentAnswer.__table__.c
    return (
        select(student.id, student.virtual, student.minor, answer.granted, answer.given_by, answer.answered_at)
        .select_from(Student.__table__.outerjoin(ConsentAnswer.__table__, answer.student_id == student.id))
        .where(student.id.in_(bindparam("students", expanding=True)))
        .order_by(answer.answered_at.desc(), answer.id.desc())
    )


def _lessons() -> Select[Any]:
    """Return the query for sessions with all their pauses."""
    lesson, pause = ClassSession.__table__.c, Pause.__table__.c
    return (
        select(lesson.id, lesson.started_at, lesson.ended_at, pause.student_id, pause.paused_at, pause.resumed_at)
        .select_from(ClassSession.__table__.outerjoin(Pause.__table__, pause.session_id == lesson.id))
        .where(lesson.id.in_(bindparam("sessions", expanding=True)))
    )


_PEOPLE, _LESSONS = _people(), _lessons()
"""Made once: to make them anew costs as much as to ask."""


class Admission:
    """Asks the database at each call: two short queries, however many readings."""

    def __init__(self, database: Database) -> None:
        """Use ``database``."""
        self._database = database

    def __call__(self, readings: Sequence[Reading]) -> list[Reading]:
        """Return the readings that may be stored, in order. StorageError where the database fails.

        A reading may be stored where a Yes that counts was in force at its capture, the session ran, and neither the
        student nor the class was paused then. Drawn students need no Yes. Where the clock was set back to before the
        session began, times of capture say nothing, and the newest answer counts.
        """
        people, lessons = self._known(
            {_of(reading).student_id for reading in readings}, {_of(reading).session_id for reading in readings}
        )
        return [reading for reading in readings if _allowed(reading, people, lessons)]

    def _known(self, students: set[int], sessions: set[int]) -> tuple[dict[int, _Person], dict[int, _Lesson]]:
        people: dict[int, _Person] = {}
        lessons: dict[int, _Lesson] = {}
        with self._database.read() as session:
            connection = session.connection()
            for row in connection.execute(_PEOPLE, {"students": list(students)}):
                person = people.setdefault(row.id, _Person(row.virtual, row.minor, []))
                if row.answered_at is not None:
                    person.answers.append(Consent(row.granted, GivenBy(row.given_by), row.answered_at))
            for row in connection.execute(_LESSONS, {"sessions": list(sessions)}):
                lesson = lessons.setdefault(row.id, _Lesson(row.started_at, row.ended_at))
                if row.paused_at is not None:
                    lesson.pauses.append((row.student_id, row.paused_at, row.resumed_at))
        return people, lessons


def _allowed(reading: Reading, people: dict[int, _Person], lessons: dict[int, _Lesson]) -> bool:
    of = _of(reading)
    person, lesson = people.get(of.student_id), lessons.get(of.session_id)
    if person is None or lesson is None:
        return False
    at = of.ended_at if isinstance(of, GestureEvent) else of.captured_at
    if lesson.ended_at is not None and at > lesson.ended_at:
        return False
    for whose, start, end in lesson.pauses:
        if whose in (None, of.student_id) and start <= at and (end is None or at < end):
            return False
    if person.virtual:
        return True
    if at < lesson.started_at:
        return valid(person.answers[0] if person.answers else None, person.minor)
    return valid(answer_at(person.answers, at), person.minor)


def _of(reading: Reading) -> Sample | GestureEvent:
    return reading.sample if isinstance(reading, ScoredSample) else reading
