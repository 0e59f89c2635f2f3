"""The links and PINs that students join with: one of each for a student of a course.

They arrive hashed; how is not this module's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.errors import RequestError
from engage.storage import audit, enrolling
from engage.storage.database import Database
from engage.storage.tables import Course, Enrolment, JoinKey, Student


@dataclass(frozen=True, slots=True)
class KeyHashes:
    """What is stored of one student's link and PIN."""

    token_hash: str
    pin_hash: str


@dataclass(frozen=True, slots=True)
class JoinKeyRecord:
    """A key that would be taken now: its course runs on, and its student is in it."""

    id: int
    course_id: int
    student_id: int


class JoinKeys:
    """Each method is one transaction; what changes something leaves a line in the audit log.

    RequestError, with a line for the page, where something asked for does not exist or may not be; StorageError where
    the database fails.
    """

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def issue(self, course_id: int, keys: Mapping[int, KeyHashes], user_id: int | None) -> None:
        """Give students of a course new links and PINs; those they had stop working, and their devices stop."""
        now = self._clock.now()
        with self._database.write() as session:
            enrolling.require(session, Course, course_id, "course")
            for student_id in keys:
                enrolling.require_enrolled(session, course_id, student_id)
            _remove(session, course_id, list(keys))
            rows = [
                JoinKey(
                    course_id=course_id,
                    student_id=student_id,
                    token_hash=key.token_hash,
                    pin_hash=key.pin_hash,
                    made_by=user_id,
                    created_at=now,
                )
                for student_id, key in keys.items()
            ]
            try:
                with session.begin_nested():
                    session.add_all(rows)
            except IntegrityError:
                raise RequestError("Two students would have had the same PIN. Try again.") from None
            action = audit.Action("issue_join_keys", "course", course_id, {"students": sorted(keys)})
            audit.record(session, now, user_id, action)

    def revoke(self, course_id: int, student_id: int | None, user_id: int | None) -> int:
        """Make a student's link and PIN stop working, or (None) all of a course; return how many there were."""
        with self._database.write() as session:
            here = JoinKey.course_id == course_id
            found = list(session.scalars(select(JoinKey.student_id).where(here)))
            students = [each for each in found if student_id in (None, each)]
            if students:
                _remove(session, course_id, students)
                action = audit.Action("revoke_join_keys", "course", course_id, {"students": sorted(students)})
                audit.record(session, self._clock.now(), user_id, action)
            return len(students)

    def issued(self, course_id: int) -> dict[int, datetime]:
        """Return since when each student of a course has a link and a PIN."""
        with self._database.read() as session:
            query = select(JoinKey.student_id, JoinKey.created_at).where(JoinKey.course_id == course_id)
            return {row.student_id: row.created_at for row in session.execute(query)}

    def by_token(self, token_hash: str) -> JoinKeyRecord | None:
        """Return the key behind a personal link."""
        with self._database.read() as session:
            return good_key(session, session.scalar(select(JoinKey).where(JoinKey.token_hash == token_hash)))

    def by_pin(self, course_id: int, pin_hash: str) -> JoinKeyRecord | None:
        """Return the key behind a PIN in a course."""
        with self._database.read() as session:
            here = JoinKey.course_id == course_id, JoinKey.pin_hash == pin_hash
            return good_key(session, session.scalar(select(JoinKey).where(*here)))

    def key(self, key_id: int) -> JoinKeyRecord | None:
        """Return a key that is still good."""
        with self._database.read() as session:
            return good_key(session, session.get(JoinKey, key_id))

    def note_refusal(self, session_id: int) -> None:
        """Leave a line in the audit log that somebody tried a wrong PIN."""
        audit.note(self._database, self._clock.now(), None, audit.Action("join_refused", "class_session", session_id))


def good_key(session: Session, row: JoinKey | None) -> JoinKeyRecord | None:
    """Return the key, unless its course or student is archived, or the student has left the course."""
    if row is None:
        return None
    course, student = session.get_one(Course, row.course_id), session.get_one(Student, row.student_id)
    enrolment = session.get(Enrolment, (row.course_id, row.student_id))
    if course.archived_at or student.archived_at or enrolment is None or enrolment.ended_at is not None:
        return None
    return JoinKeyRecord(row.id, row.course_id, row.student_id)


def _remove(session: Session, course_id: int, student_ids: list[int]) -> None:
    session.execute(delete(JoinKey).where(JoinKey.course_id == course_id, JoinKey.student_id.in_(student_ids)))
