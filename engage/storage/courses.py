"""Courses and the people in them over time: renamed, archived and brought back; nothing is deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.errors import RequestError
from engage.storage import seating
from engage.storage.changes import changing
from engage.storage.database import Database
from engage.storage.enrolling import require, require_enrolled, require_open
from engage.storage.entries import given, optional, possible
from engage.storage.records import CourseRecord, Role
from engage.storage.selects import course_record, courses
from engage.storage.tables import Course, CourseStaff, Enrolment, Student, User


@dataclass(frozen=True, slots=True)
class StudentDetails:
    """What the school knows of a student in a course."""

    name: str
    minor: bool
    external_id: str | None = None
    seat: str | None = None


@dataclass(frozen=True, slots=True)
class FormerStudent:
    """Somebody who was in a course, and since when no longer."""

    student_id: int
    name: str
    left_at: datetime


class Courses:
    """Each method is one transaction; RequestError, with a line for the page, where something may not be."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database, self._clock = database, clock or SystemClock()

    def archived_for(self, user_id: int) -> list[CourseRecord]:
        """Return the archived courses a user may see, by title."""
        with self._database.read() as session:
            user = session.get(User, user_id) if possible(user_id) else None
            if user is None or not user.active or user.role == Role.STUDENT:
                return []
            query = courses().where(Course.archived_at.is_not(None)).order_by(Course.title, Course.id)
            if user.role != Role.ADMIN:
                mine = select(CourseStaff.course_id).where(CourseStaff.user_id == user_id)
                query = query.where(Course.id.in_(mine))
            return [course_record(*row) for row in session.execute(query)]

    def rename(self, course_id: int, title: str, user_id: int | None) -> None:
        """Give a course another title."""
        with changing(self._database, self._clock, user_id) as change:
            require_open(change.session, course_id).title = given(title, "a title")
            change.record("rename_course", "course", course_id)

    def bring_back(self, course_id: int, user_id: int | None) -> None:
        """Put an archived course back into the lists; one that is there stays as it is."""
        with changing(self._database, self._clock, user_id) as change:
            course = require(change.session, Course, course_id, "course")
            if course.archived_at is not None:
                course.archived_at = None
                change.record("bring_back_course", "course", course_id)

    def change_student(self, course_id: int, student_id: int, details: StudentDetails, user_id: int | None) -> None:
        """Store what the school knows of a student now."""
        with changing(self._database, self._clock, user_id) as change:
            require_open(change.session, course_id)
            require_enrolled(change.session, course_id, student_id)
            set_details(change.session, course_id, student_id, details)
            change.record("change_student", "student", student_id, course=course_id, minor=details.minor)

    def remove_student(self, course_id: int, student_id: int, user_id: int | None) -> None:
        """End a student's time in a course; what was recorded is kept, and other courses are not touched."""
        with changing(self._database, self._clock, user_id) as change:
            require_open(change.session, course_id)
            require_enrolled(change.session, course_id, student_id)
            seating.place(change.session, course_id, {student_id: None})
            change.session.get_one(Enrolment, (course_id, student_id)).ended_at = change.now
            change.record("remove_student", "student", student_id, course=course_id)

    def bring_back_student(self, course_id: int, student_id: int, user_id: int | None) -> None:
        """Put a student back into a course they were in."""
        with changing(self._database, self._clock, user_id) as change:
            require_open(change.session, course_id)
            restore(change.session, course_id, student_id)
            change.record("bring_back_student", "student", student_id, course=course_id)

    def former_students(self, course_id: int) -> list[FormerStudent]:
        """Return who was in a course and is no longer, by name."""
        query = (
            select(Student.id, Student.name, Enrolment.ended_at, Student.archived_at)
            .join(Enrolment, Enrolment.student_id == Student.id)
            .where(
                Enrolment.course_id == course_id, or_(Enrolment.ended_at.is_not(None), Student.archived_at.is_not(None))
            )
            .order_by(Student.name, Student.id)
        )
        with self._database.read() as session:
            return [
                FormerStudent(student_id, name, min(at for at in (ended_at, archived_at) if at is not None))
                for student_id, name, ended_at, archived_at in session.execute(query)
            ]


def set_details(session: Session, course_id: int, student_id: int, details: StudentDetails) -> None:
    """Store what is known of an enrolled student, in the caller's transaction."""
    student = session.get_one(Student, student_id)
    try:
        with session.begin_nested():
            student.name = given(details.name, "a name")
            student.external_id = optional(details.external_id, "a student number")
            student.minor = details.minor
    except IntegrityError:
        raise RequestError("There is a student with this number already.") from None
    seated = session.get_one(Enrolment, (course_id, student_id)).seat
    if details.seat != seated:
        seating.place(session, course_id, {student_id: details.seat})


def restore(session: Session, course_id: int, student_id: int) -> None:
    """Put a former student back, in the caller's transaction; their old seat may be another's, so they have none."""
    enrolment = session.get(Enrolment, (course_id, student_id)) if possible(student_id) else None
    if enrolment is None:
        raise RequestError("This student was never in this course.")
    enrolment.ended_at = None
    enrolment.seat = None
    session.get_one(Student, student_id).archived_at = None
