"""The write side of everything around the samples: courses, students, cameras, consent, sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engage.core.clock import SystemClock
from engage.core.policy import GivenBy, Jurisdiction
from engage.core.protocols import Clock
from engage.core.types import Mode
from engage.storage.database import Database
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


class Classroom:
    """Each method is one transaction and leaves a line in the audit log.

    RequestError, with a line for the page, where something asked for does not exist or may not be; StorageError where
    the database fails.
    """

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def save_setup(self, jurisdiction: Jurisdiction, mode: Mode, user_id: int | None) -> SetupRecord:
        """Store the administrator's answer, replacing an earlier one. The mode is stored as asked, not capped."""
        raise NotImplementedError

    def setup(self) -> SetupRecord | None:
        """Return the administrator's answer, or None before there is one."""
        raise NotImplementedError

    def create_course(self, title: str, teacher_id: int | None, demo: bool = False) -> CourseRecord:
        """Return a new course with ``teacher_id`` as its teacher."""
        raise NotImplementedError

    def create_student(self, course_id: int, student: NewStudent, user_id: int | None = None) -> StudentRecord:
        """Return a new student, enrolled in the course. ``user_id`` is who did it, for the audit log."""
        raise NotImplementedError

    def add_source(
        self, address: str, *, student_id: int | None = None, course_id: int | None = None, user_id: int | None = None
    ) -> SourceRecord:
        """Give a student (or a course) a camera, which replaces the one in use.

        ``address`` is a camera number, rtsp/http(s) address, file path, ``virtual:...``, ``browser:...`` or
        ``window:...``; a user name and password in it are stored in a column of their own.
        """
        raise NotImplementedError

    def record_consent(
        self,
        student_id: int,
        granted: bool,
        given_by: GivenBy,
        recorded_by: int | None,
        notice_version: str | None = None,
    ) -> None:
        """Store an answer, Yes or No (also for a withdrawal). The newest answer holds; earlier ones stay on record."""
        raise NotImplementedError

    def archive_student(self, student_id: int, user_id: int | None = None) -> None:
        """Take a student out of all courses' lists and captures; nothing is deleted."""
        raise NotImplementedError

    def archive_course(self, course_id: int, user_id: int | None = None) -> None:
        """Take a course out of the lists; RequestError while a session runs. Nothing is deleted."""
        raise NotImplementedError

    def start_session(self, course_id: int, user_id: int | None, title: str | None = None) -> SessionRecord:
        """Start a lesson and return it; RequestError where one of this course is running already."""
        raise NotImplementedError

    def end_session(self, session_id: int, user_id: int | None = None) -> SessionRecord:
        """End a lesson and return it; ending one that has ended changes nothing."""
        raise NotImplementedError

    def set_paused(self, session_id: int, student_id: int | None, paused: bool, user_id: int | None = None) -> None:
        """Pause or resume one student, or the class where ``student_id`` is None. A repeat changes nothing."""
        raise NotImplementedError

    def add_marker(self, session_id: int, user_id: int | None, text: str, at: datetime | None = None) -> MarkerRecord:
        """Put a note on the timeline at ``at`` (now where left out)."""
        raise NotImplementedError

    def ensure_demo(self, members: Sequence[DemoMember]) -> int:
        """Make the virtual class consist of ``members`` and return its course's id. Idempotent.

        Members are told apart by address. One course, however often and from however many processes it is asked for.
        """
        raise NotImplementedError
