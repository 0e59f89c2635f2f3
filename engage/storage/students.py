"""One student across sessions and courses: who may see it, what there is, and its end."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.policy import Consent
from engage.core.protocols import Clock
from engage.core.risk import Attendance
from engage.errors import RequestError
from engage.storage import audit, counting, enrolling
from engage.storage.database import Database
from engage.storage.entities import consent_of, student_record
from engage.storage.entries import possible
from engage.storage.erasures import Erased, ErasureList
from engage.storage.feedback import feedback_record
from engage.storage.holds import keeping
from engage.storage.records import FeedbackKind, FeedbackRecord, Role, StudentRecord, StudentSession
from engage.storage.tables import (
    AttendanceRow,
    ClassSession,
    ConsentAnswer,
    Course,
    CourseStaff,
    Enrolment,
    Feedback,
    Hold,
    SampleRow,
    ScoreRow,
    SessionRollup,
    Source,
    Student,
    User,
)


class Students:
    """Reads and erases; StorageError where the database fails."""

    def __init__(self, database: Database, clock: Clock | None = None, erasures: ErasureList | None = None) -> None:
        """Use ``database``; who is erased is noted in ``erasures``, for restored backups; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()
        self._erasures = erasures

    def may_see(self, user_id: int, student_id: int) -> bool:
        """Return whether the user is active, and an administrator, a teacher of the student, or the student."""
        if not possible(student_id):
            return False
        with self._database.read() as session:
            user = _active(session, user_id)
            if user is None or session.get(Student, student_id) is None:
                return False
            if user.role == Role.STUDENT:
                return user.student_id == student_id
            taught = and_(CourseStaff.course_id == Enrolment.course_id, CourseStaff.user_id == user_id)
            teaches = exists().where(Enrolment.student_id == student_id).where(taught)
            return user.role == Role.ADMIN or bool(session.scalar(select(teaches)))

    def may_erase(self, user_id: int, student_id: int) -> bool:
        """Return whether the user is an active administrator, or the student."""
        with self._database.read() as session:
            user = _active(session, user_id)
            return user is not None and (user.role == Role.ADMIN or user.student_id == student_id)

    def student(self, student_id: int) -> StudentRecord | None:
        """Return a student, archived or not."""
        with self._database.read() as session:
            row = session.get(Student, student_id) if possible(student_id) else None
            return None if row is None else student_record(row)

    def courses(self, student_id: int) -> list[tuple[int, str]]:
        """Return id and title of the courses a student is in, by title."""
        query = (
            select(Course.id, Course.title)
            .join(Enrolment, Enrolment.course_id == Course.id)
            .where(Enrolment.student_id == student_id, Enrolment.ended_at.is_(None), Course.archived_at.is_(None))
            .order_by(Course.title, Course.id)
        )
        with self._database.read() as session:
            return [(course_id, title) for course_id, title in session.execute(query)]

    def sessions(self, student_id: int) -> list[StudentSession]:
        """Return every session held while the student was enrolled, in order of time; one query.

        ``tally`` is None where no camera looked at them: refused, paused, off, or not there, which are not told apart.
        """
        mine = and_(Enrolment.course_id == ClassSession.course_id, Enrolment.student_id == student_id)
        while_enrolled = and_(
            or_(ClassSession.ended_at.is_(None), Enrolment.enrolled_at <= ClassSession.ended_at),
            or_(Enrolment.ended_at.is_(None), Enrolment.ended_at > ClassSession.started_at),
        )
        rolled = and_(SessionRollup.session_id == ClassSession.id, SessionRollup.student_id == student_id)
        marked = and_(AttendanceRow.session_id == ClassSession.id, AttendanceRow.student_id == student_id)
        query = (
            select(
                ClassSession.id,
                ClassSession.course_id,
                Course.title,
                ClassSession.title,
                ClassSession.started_at,
                ClassSession.ended_at,
                AttendanceRow.state,
                *counting.tally_columns(SessionRollup),
            )
            .join(Course, Course.id == ClassSession.course_id)
            .join(Enrolment, mine)
            .outerjoin(SessionRollup, rolled)
            .outerjoin(AttendanceRow, marked)
            .where(while_enrolled)
            .order_by(ClassSession.started_at, ClassSession.id)
        )
        with self._database.read() as session:
            return [_session(row) for row in session.execute(query)]

    def consents(self, student_id: int) -> list[Consent]:
        """Return every answer to the consent question, the newest first; the first holds."""
        newest = ConsentAnswer.answered_at.desc(), ConsentAnswer.id.desc()
        query = select(ConsentAnswer).where(ConsentAnswer.student_id == student_id).order_by(*newest)
        with self._database.read() as session:
            return [found for row in session.scalars(query) if (found := consent_of(row)) is not None]

    def feedback(self, student_id: int, with_check_ins: bool) -> list[FeedbackRecord]:
        """Return what people said of stretches of the student's sessions, the newest first; check-ins where asked."""
        kinds = [kind.value for kind in FeedbackKind if with_check_ins or kind is not FeedbackKind.CHECK_IN]
        query = (
            select(Feedback)
            .where(Feedback.student_id == student_id, Feedback.kind.in_(kinds))
            .order_by(Feedback.from_at.desc(), Feedback.id.desc())
        )
        with self._database.read() as session:
            return [feedback_record(row) for row in session.scalars(query)]

    def record_export(self, student_id: int, user_id: int) -> None:
        """Leave a line in the audit log that all of a student's data was handed out, and to whom."""
        with self._database.write() as session:
            enrolling.require(session, Student, student_id, "student")
            audit.record(session, self._clock.now(), user_id, audit.Action("export_student", "student", student_id))

    def erase(self, student_id: int, typed_name: str, user_id: int | None) -> None:
        """Delete a student with all that is theirs, their account included; RequestError unless the name is typed.

        A legal hold on anything of theirs refuses it, and says whom to ask.
        What remains is a line of the audit log with their number. Their camera is let go first; the many rows go
        session by session, so that nobody else's samples wait. Interrupted half-way, it is called again.
        """
        with self._database.read() as session:
            student = enrolling.require(session, Student, student_id, "student")
            if _folded(typed_name) != _folded(student.name):
                raise RequestError("Nothing was erased: the name that was typed is not the student's.")
        self._erase(student_id, user_id, {}, holds_count=True)

    def erase_again(self, student_id: int, user_id: int | None, details: dict[str, Any]) -> None:
        """Do what ``erase`` does without a name: for who was erased before, and came back with a backup.

        A hold that came back too was released before then, and keeps nothing. ``details`` go into the audit log.
        """
        self._erase(student_id, user_id, details, holds_count=False)

    def _erase(self, student_id: int, user_id: int | None, details: dict[str, Any], holds_count: bool) -> None:
        now = self._clock.now()
        with self._database.write() as session:
            student = enrolling.require(session, Student, student_id, "student")
            if holds_count:
                _require_free(session, student_id)
            student.archived_at = student.archived_at or now
            session.execute(update(Source).where(Source.student_id == student_id).values(enabled=False))
            seen = select(SampleRow.session_id).where(SampleRow.student_id == student_id).distinct()
            sessions = session.scalars(seen).all()
        for session_id in sessions:
            with self._database.overwrite() as session:
                for table in (ScoreRow, SampleRow):
                    session.execute(delete(table).where(table.session_id == session_id, table.student_id == student_id))
        with self._database.overwrite() as session:
            if holds_count:
                _require_free(session, student_id)
            session.execute(delete(Hold).where(Hold.student_id == student_id))
            session.execute(delete(Student).where(Student.id == student_id))
            action = audit.Action("erase_student", "student", student_id, {"sessions": len(sessions), **details})
            audit.record(session, now, user_id, action)
            if self._erasures is not None:
                self._erasures.append(Erased(student_id, self._clock.now(), audit.origin(session) or ""))


def _active(session: Session, user_id: int) -> User | None:
    user = session.get(User, user_id)
    return user if user is not None and user.active else None


def _require_free(session: Session, student_id: int) -> None:
    """Raise RequestError where a legal hold keeps something of the student."""
    hold = keeping(session, student_id)
    if hold is not None:
        raise RequestError(f"Nothing was erased: a legal hold keeps this student's data for now. Ask {hold.ask}.")


def _folded(name: str) -> str:
    """Return a name as it is compared: however its characters are composed, and whatever its blanks."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def _session(row: Sequence[Any]) -> StudentSession:
    session_id, course_id, course_title, title, started_at, ended_at, attendance, *sums = row
    return StudentSession(
        session_id=session_id,
        course_id=course_id,
        course_title=course_title,
        title=title,
        started_at=started_at,
        ended_at=ended_at,
        attendance=None if attendance is None else Attendance(attendance),
        tally=None if sums[0] is None else counting.tally(sums),
    )
