"""What people say about a stretch of a session: students of themselves, teachers of their students."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.errors import RequestError
from engage.storage import audit, roster
from engage.storage.database import Database
from engage.storage.enrolling import require
from engage.storage.entries import possible
from engage.storage.records import FeedbackKind, FeedbackRecord
from engage.storage.tables import ClassSession, Feedback

CHECK_IN_SPAN = timedelta(minutes=1)
"""What a check-in speaks of: the time just before it. No second one within it."""
LONGEST_CORRECTION = timedelta(minutes=15)
LEVELS = range(1, 6)


class FeedbackBook:
    """Each method is one transaction and leaves a line in the audit log.

    RequestError, with a line for the page, where something asked for does not exist or may not be; StorageError where
    the database fails. Who may say what is decided by the caller.
    """

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def check_in(self, session_id: int, student_id: int, value: int, user_id: int | None = None) -> FeedbackRecord:
        """Store how engaged a student says they are, 1 (not at all) to 5, for the minute up to now."""
        if value not in LEVELS:
            raise RequestError(f"How engaged you are is a number from {LEVELS[0]} to {LEVELS[-1]}.")
        now = self._clock.now()
        with self._database.write() as session:
            lesson = _lesson_of(session, session_id, student_id)
            if lesson.ended_at is not None:
                raise RequestError("This session has ended.")
            recent = Feedback.kind == FeedbackKind.CHECK_IN.value, Feedback.until_at > now - CHECK_IN_SPAN
            if session.scalar(select(Feedback.id).where(_about(session_id, student_id), *recent).limit(1)) is not None:
                raise RequestError("You have just checked in; once a minute is enough.")
            stretch = max(lesson.started_at, now - CHECK_IN_SPAN), now
            return self._add(session, lesson, student_id, (FeedbackKind.CHECK_IN, value, user_id), stretch)

    def correct(
        self,
        session_id: int,
        student_id: int,
        engaged: bool,
        stretch: tuple[datetime, datetime],
        user_id: int | None = None,
    ) -> FeedbackRecord:
        """Store that a student was engaged, or was not, from the first to the second time of ``stretch``."""
        start, end = stretch
        with self._database.write() as session:
            lesson = _lesson_of(session, session_id, student_id)
            last = lesson.ended_at or self._clock.now()
            if not start <= end <= start + LONGEST_CORRECTION:
                longest = LONGEST_CORRECTION // timedelta(minutes=1)
                raise RequestError(f"Give a stretch that ends after it begins, of at most {longest} minutes.")
            start, end = max(start, lesson.started_at), min(end, last)
            if end <= start:
                raise RequestError("Give a stretch that lies within the session.")
            what = FeedbackKind.CORRECTION, int(engaged), user_id
            return self._add(session, lesson, student_id, what, (start, end))

    def withdraw(self, session_id: int, correction_id: int, user_id: int) -> None:
        """Take back a correction; RequestError where it is not there, or not of this user. The audit log keeps it."""
        with self._database.write() as session:
            row = session.get(Feedback, correction_id) if possible(correction_id) else None
            if row is None or (row.session_id, row.kind) != (session_id, FeedbackKind.CORRECTION.value):
                raise RequestError("This correction is not there; perhaps it was withdrawn already.")
            if row.user_id != user_id:
                raise RequestError("Only whoever made a correction can withdraw it.")
            details = {"session": session_id, "student": row.student_id, "value": row.value}
            now = self._clock.now()
            audit.record(session, now, user_id, audit.Action("withdraw_correction", "feedback", row.id, details))
            session.delete(row)

    def of_session(self, session_id: int, kind: FeedbackKind, student_id: int | None = None) -> list[FeedbackRecord]:
        """Return what was said in a session (about one student), in order of time."""
        here = [Feedback.session_id == session_id, Feedback.kind == kind.value]
        if student_id is not None:
            here.append(Feedback.student_id == student_id)
        return self._read(*here)

    def all(self) -> list[FeedbackRecord]:
        """Return all feedback there is, in order of time: what the scorer is fitted to."""
        return self._read()

    def _read(self, *conditions: ColumnElement[bool]) -> list[FeedbackRecord]:
        query = select(Feedback).where(*conditions).order_by(Feedback.from_at, Feedback.id)
        with self._database.read() as session:
            return [feedback_record(row) for row in session.scalars(query)]

    def _add(
        self,
        session: Session,
        lesson: ClassSession,
        student_id: int,
        what: tuple[FeedbackKind, int, int | None],
        stretch: tuple[datetime, datetime],
    ) -> FeedbackRecord:
        kind, value, user_id = what
        now = self._clock.now()
        row = Feedback(
            session_id=lesson.id,
            student_id=student_id,
            user_id=user_id,
            kind=kind.value,
            value=value,
            from_at=stretch[0],
            until_at=stretch[1],
            created_at=now,
        )
        session.add(row)
        session.flush()
        details = {"session": lesson.id, "student": student_id}
        audit.record(session, now, user_id, audit.Action(kind.value, "feedback", row.id, details))
        return feedback_record(row)


def _about(session_id: int, student_id: int) -> ColumnElement[bool]:
    return (Feedback.session_id == session_id) & (Feedback.student_id == student_id)


def _lesson_of(session: Session, session_id: int, student_id: int) -> ClassSession:
    lesson = require(session, ClassSession, session_id, "session")
    if student_id not in {entry.student_id for entry in roster.of_session(session, session_id)}:
        raise RequestError("This student is not in this session.")
    return lesson


def feedback_record(row: Feedback) -> FeedbackRecord:
    """Return what a person said."""
    return FeedbackRecord(
        id=row.id,
        session_id=row.session_id,
        student_id=row.student_id,
        user_id=row.user_id,
        kind=FeedbackKind(row.kind),
        value=row.value,
        from_at=row.from_at,
        until_at=row.until_at,
        created_at=row.created_at,
    )
