"""Sessions started, ended and paused; in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engage.errors import RequestError
from engage.storage.enrolling import require, require_open
from engage.storage.entries import given
from engage.storage.records import CourseRecord, SessionState
from engage.storage.selects import running
from engage.storage.tables import ClassSession, Pause


def running_id(session: Session, course_id: int) -> int | None:
    """Return the running session of a course."""
    return session.scalar(select(ClassSession.id).where(ClassSession.course_id == course_id, running(ClassSession)))


def require_startable(course: CourseRecord, answered: bool) -> None:
    """Raise RequestError, saying why, where no session of the course may start.

    ``answered``: whether it is said where the school is and what may be computed.
    """
    if course.n_students == 0:
        raise RequestError("There is nobody in this course yet; add a student first.")
    if not course.demo and not answered:
        raise RequestError(
            "The administrator has not yet said where the school is and what may be computed; no session can start."
        )


def start(session: Session, course_id: int, title: str | None, now: datetime) -> ClassSession:
    """Return a new running session, named after the course where ``title`` is empty."""
    course = require_open(session, course_id)
    lesson = ClassSession(
        course_id=course_id,
        title=given(title or course.title, "a title"),
        started_at=now,
        state=SessionState.RUNNING.value,
    )
    try:
        with session.begin_nested():
            session.add(lesson)
    except IntegrityError:
        raise RequestError("A session of this course is running already.") from None
    return lesson


def end(session: Session, session_id: int, now: datetime) -> bool:
    """End a session and its pauses; return whether it was running."""
    lesson = require(session, ClassSession, session_id, "session")
    if lesson.state == SessionState.ENDED:
        return False
    lesson.state, lesson.ended_at = SessionState.ENDED.value, max(now, lesson.started_at)
    session.execute(
        update(Pause)
        .where(Pause.session_id == session_id, Pause.resumed_at.is_(None))
        .values(resumed_at=lesson.ended_at)
    )
    return True


def pause(session: Session, lesson: ClassSession, student_id: int | None, now: datetime, user_id: int | None) -> bool:
    """Pause a student, or the class; return whether that is new. RequestError once the session has ended."""
    if lesson.state == SessionState.ENDED:
        raise RequestError("This session has ended.")
    if _open(session, lesson, student_id) is not None:
        return False
    session.add(Pause(session_id=lesson.id, student_id=student_id, paused_at=now, paused_by=user_id))
    session.flush()
    return True


def resume(session: Session, lesson: ClassSession, student_id: int | None, now: datetime) -> bool:
    """Resume a student, or the class; return whether there was a pause."""
    row = _open(session, lesson, student_id)
    if row is None:
        return False
    row.resumed_at = now
    return True


def _open(session: Session, lesson: ClassSession, student_id: int | None) -> Pause | None:
    whom = Pause.student_id.is_(None) if student_id is None else Pause.student_id == student_id
    return session.scalar(select(Pause).where(Pause.session_id == lesson.id, Pause.resumed_at.is_(None), whom))
