"""The write side of everything around the samples: courses, students, cameras, consent, sessions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.policy import GivenBy, Jurisdiction
from engage.core.protocols import Clock
from engage.core.types import Mode
from engage.errors import RequestError
from engage.storage import demo, enrolling, lessons, seating
from engage.storage.changes import Change, changing
from engage.storage.database import Database
from engage.storage.entities import SETUP_KEY, marker_record, setup_record, source_record, student_record
from engage.storage.entries import TEXT_LENGTH, given
from engage.storage.insert import insert_new
from engage.storage.records import (
    CourseRecord,
    DemoMember,
    MarkerRecord,
    NewStudent,
    SessionRecord,
    SetupRecord,
    SourceRecord,
    StudentRecord,
)
from engage.storage.selects import course_record, session_record, sessions
from engage.storage.tables import ClassSession, ConsentAnswer, Course, CourseStaff, Marker, Setting, Student, User


class Classroom:
    """Each method is one transaction and leaves a line in the audit log.

    RequestError, with a line for the page, where something asked for does not exist or may not be; StorageError where
    the database fails.
    """

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    @contextmanager
    def _change(self, user_id: int | None) -> Iterator[Change]:
        with changing(self._database, self._clock, user_id) as change:
            yield change

    def save_setup(self, jurisdiction: Jurisdiction, mode: Mode, user_id: int | None) -> SetupRecord:
        """Store the administrator's answer, replacing an earlier one. The mode is stored as asked, not capped."""
        answer = {"jurisdiction": jurisdiction.value, "mode": mode.value}
        with self._change(user_id) as change:
            new = {"key": SETUP_KEY, "value": answer, "answered_by": user_id, "answered_at": change.now}
            insert_new(change.session, Setting, [new])
            row = change.session.get_one(Setting, SETUP_KEY)
            row.value, row.answered_by, row.answered_at = answer, user_id, change.now
            change.record("save_setup", "setting", None, **answer)
            return setup_record(row)

    def setup(self) -> SetupRecord | None:
        """Return the administrator's answer, or None before there is one."""
        with self._database.read() as session:
            row = session.get(Setting, SETUP_KEY)
            return None if row is None else setup_record(row)

    def create_course(self, title: str, teacher_id: int | None, demo: bool = False) -> CourseRecord:
        """Return a new course with ``teacher_id`` as its teacher."""
        with self._change(teacher_id) as change:
            if teacher_id is not None:
                enrolling.require(change.session, User, teacher_id, "user")
            course = Course(title=given(title, "a title"), demo=demo, created_at=change.now)
            change.session.add(course)
            change.session.flush()
            if teacher_id is not None:
                change.session.add(CourseStaff(course_id=course.id, user_id=teacher_id, role="teacher"))
            change.record("create_course", "course", course.id)
            return course_record(course, 0, None)

    def create_student(self, course_id: int, student: NewStudent, user_id: int | None = None) -> StudentRecord:
        """Return a new student, enrolled in the course. ``user_id`` is who did it, for the audit log."""
        with self._change(user_id) as change:
            row = enrolling.add_student(change.session, course_id, student, change.now)
            if student.seat is not None:
                seating.place(change.session, course_id, {row.id: student.seat})
            change.record("create_student", "student", row.id, course=course_id, minor=row.minor)
            return student_record(row)

    def add_source(
        self, address: str, *, student_id: int | None = None, course_id: int | None = None, user_id: int | None = None
    ) -> SourceRecord:
        """Give a student (or a course) a camera, which replaces the one in use.

        ``address`` is a camera number, rtsp/http(s) address, file path, ``virtual:...``, ``browser:...`` or
        ``window:...``; one with a user name, password or token is kept in a column of its own. A virtual student is
        let off consent, so it takes a ``virtual:`` address only.
        """
        with self._change(user_id) as change:
            if student_id is not None and course_id is None:
                source = enrolling.give_student_source(change.session, student_id, address, change.now)
            elif course_id is not None and student_id is None:
                source = enrolling.give_course_source(change.session, course_id, address, change.now)
            else:
                raise RequestError("A camera belongs to one student or to one course.")
            owner = {"student": student_id} if student_id is not None else {"course": course_id}
            change.record("add_source", "source", source.id, kind=source.kind, **owner)
            return source_record(source)

    def record_consent(
        self,
        student_id: int,
        granted: bool,
        given_by: GivenBy,
        recorded_by: int | None,
        notice_version: str | None = None,
    ) -> None:
        """Store an answer, Yes or No (also for a withdrawal). The newest answer holds; earlier ones stay on record."""
        with self._change(recorded_by) as change:
            enrolling.require(change.session, Student, student_id, "student")
            answer = ConsentAnswer(
                student_id=student_id,
                granted=granted,
                given_by=given_by.value,
                answered_at=change.now,
                recorded_by=recorded_by,
                notice_version=notice_version,
            )
            change.session.add(answer)
            change.record("record_consent", "student", student_id, granted=granted, given_by=given_by.value)

    def archive_student(self, student_id: int, user_id: int | None = None) -> None:
        """Take a student out of all courses' lists and captures; nothing is deleted."""
        with self._change(user_id) as change:
            student = enrolling.require(change.session, Student, student_id, "student")
            if student.archived_at is None:
                student.archived_at = change.now
                change.record("archive_student", "student", student_id)

    def archive_course(self, course_id: int, user_id: int | None = None) -> None:
        """Take a course out of the lists; RequestError while a session runs. Nothing is deleted."""
        with self._change(user_id) as change:
            course = enrolling.require(change.session, Course, course_id, "course")
            if lessons.running_id(change.session, course_id) is not None:
                raise RequestError("A session of this course is running; end it first.")
            if course.archived_at is None:
                course.archived_at = change.now
                change.record("archive_course", "course", course_id)

    def start_session(self, course_id: int, user_id: int | None, title: str | None = None) -> SessionRecord:
        """Start a lesson and return it; RequestError where one of this course is running already."""
        with self._change(user_id) as change:
            lesson = lessons.start(change.session, course_id, title, change.now)
            lesson.started_by = user_id
            change.record("start_session", "class_session", lesson.id, course=course_id)
            return _session(change.session, lesson.id)

    def end_session(self, session_id: int, user_id: int | None = None) -> SessionRecord:
        """End a lesson and return it; ending one that has ended changes nothing."""
        with self._change(user_id) as change:
            if lessons.end(change.session, session_id, change.now):
                change.record("end_session", "class_session", session_id)
            return _session(change.session, session_id)

    def set_paused(self, session_id: int, student_id: int | None, paused: bool, user_id: int | None = None) -> None:
        """Pause or resume one student, or the class where ``student_id`` is None. A repeat changes nothing.

        A student's own pause outlasts the class's.
        """
        with self._change(user_id) as change:
            lesson = enrolling.require(change.session, ClassSession, session_id, "session")
            if student_id is not None:
                enrolling.require_enrolled(change.session, lesson.course_id, student_id)
            if paused:
                changed = lessons.pause(change.session, lesson, student_id, change.now, user_id)
            else:
                changed = lessons.resume(change.session, lesson, student_id, change.now)
            if changed:
                change.record("pause" if paused else "resume", "class_session", session_id, student=student_id)

    def add_marker(self, session_id: int, user_id: int | None, text: str, at: datetime | None = None) -> MarkerRecord:
        """Put a note on the timeline at ``at`` (now where left out)."""
        with self._change(user_id) as change:
            enrolling.require(change.session, ClassSession, session_id, "session")
            marker = Marker(
                session_id=session_id, user_id=user_id, at=at or change.now, text=given(text, "a note", TEXT_LENGTH)
            )
            change.session.add(marker)
            change.session.flush()
            change.record("add_marker", "marker", marker.id, session=session_id)
            return marker_record(marker)

    def ensure_demo(self, members: Sequence[DemoMember]) -> int:
        """Make the virtual class consist of ``members`` and return its course's id. Idempotent.

        Members are told apart by address. One course, however often and from however many processes it is asked for.
        """
        with self._change(None) as change:
            course_id, changed = demo.ensure(change.session, members, change.now)
            if changed:
                change.record("ensure_demo", "course", course_id, members=len(members))
            return course_id


def _session(session: Session, session_id: int) -> SessionRecord:
    session.flush()
    return session_record(*session.execute(sessions().where(ClassSession.id == session_id)).one())
