"""Which readings may be stored: the last gate, after capture's own.

A worker that is told to stop may have a second under way, and what waits while the database is down is written late. So
what counts is what was in force when a reading was captured, whenever it arrives here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from engage.core.policy import Consent, answer_at, valid
from engage.core.types import GestureEvent, Sample, ScoredSample
from engage.storage.database import Database
from engage.storage.entities import consent_of
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


class Admission:
    """Asks the database at each call: three short queries, however many readings."""

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
        with self._database.read() as session:
            answers = _answers(session, students)
            persons = select(Student.id, Student.virtual, Student.minor).where(Student.id.in_(students))
            people = {row.id: _Person(row.virtual, row.minor, answers[row.id]) for row in session.execute(persons)}
            times = select(ClassSession.id, ClassSession.started_at, ClassSession.ended_at)
            rows = session.execute(times.where(ClassSession.id.in_(sessions)))
            lessons = {number: _Lesson(started_at, ended_at) for number, started_at, ended_at in rows}
            columns = Pause.session_id, Pause.student_id, Pause.paused_at, Pause.resumed_at
            for row in session.execute(select(*columns).where(Pause.session_id.in_(sessions))):
                lessons[row.session_id].pauses.append((row.student_id, row.paused_at, row.resumed_at))
        return people, lessons


def _answers(session: Session, students: set[int]) -> defaultdict[int, list[Consent]]:
    newest = ConsentAnswer.answered_at.desc(), ConsentAnswer.id.desc()
    query = select(ConsentAnswer).where(ConsentAnswer.student_id.in_(students)).order_by(*newest)
    found: defaultdict[int, list[Consent]] = defaultdict(list)
    for row in session.scalars(query):
        answer = consent_of(row)
        if answer is not None:
            found[row.student_id].append(answer)
    return found


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
