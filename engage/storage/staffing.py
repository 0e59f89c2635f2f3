"""Who teaches a course: its teacher, and co-teachers beside them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.errors import RequestError
from engage.storage import audit, enrolling
from engage.storage.database import Database
from engage.storage.entries import possible
from engage.storage.records import Role
from engage.storage.tables import Course, CourseStaff, User


class StaffRole(StrEnum):
    """What somebody may do in one course: a co-teacher may not archive it or change who teaches it."""

    TEACHER = "teacher"
    CO_TEACHER = "co_teacher"


@dataclass(frozen=True, slots=True)
class StaffRecord:
    """Somebody who teaches a course, or might."""

    user_id: int
    name: str
    email: str
    role: StaffRole | None
    active: bool


class Staffing:
    """Each method is one transaction; RequestError with a line for the page where something may not be."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def staff(self, course_id: int) -> list[StaffRecord]:
        """Return who teaches a course: its teacher first, then by name."""
        query = (
            select(User, CourseStaff.role)
            .join(CourseStaff, CourseStaff.user_id == User.id)
            .where(CourseStaff.course_id == course_id)
            .order_by(CourseStaff.role.desc(), User.name, User.id)
        )
        with self._database.read() as session:
            return [_record(user, StaffRole(role)) for user, role in session.execute(query)]

    def candidates(self, course_id: int) -> list[StaffRecord]:
        """Return the active administrators and teachers who do not teach a course, by name."""
        teaching = select(CourseStaff.user_id).where(CourseStaff.course_id == course_id)
        query = select(User).where(User.active, User.role != Role.STUDENT.value, User.id.not_in(teaching))
        with self._database.read() as session:
            return [_record(user, None) for user in session.scalars(query.order_by(User.name, User.id))]

    def may_lead(self, user_id: int, course_id: int) -> bool:
        """Return whether the user is an active administrator, or an active teacher (no co-teacher) of this course."""
        if not possible(course_id):
            return False
        with self._database.read() as session:
            user, post = session.get(User, user_id), session.get(CourseStaff, (course_id, user_id))
            if user is None or not user.active or user.role == Role.STUDENT:
                return False
            return user.role == Role.ADMIN or (post is not None and post.role == StaffRole.TEACHER)

    def add(self, course_id: int, user_id: int, by: int) -> str:
        """Make somebody a co-teacher and return their name; RequestError where they cannot teach, or do so already."""
        with self._database.write() as session:
            enrolling.require(session, Course, course_id, "course")
            user = session.get(User, user_id) if possible(user_id) else None
            if user is None or not user.active or user.role == Role.STUDENT:
                raise RequestError("Choose somebody with an active account of an administrator or teacher.")
            if session.get(CourseStaff, (course_id, user_id)) is not None:
                raise RequestError(f"{user.name} teaches this course already.")
            session.add(CourseStaff(course_id=course_id, user_id=user_id, role=StaffRole.CO_TEACHER.value))
            action = audit.Action("add_co_teacher", "course", course_id, {"user": user_id})
            audit.record(session, self._clock.now(), by, action)
            return user.name

    def remove(self, course_id: int, user_id: int, by: int) -> str:
        """Take a co-teacher out of a course and return their name; RequestError for anybody else."""
        with self._database.write() as session:
            post = session.get(CourseStaff, (course_id, user_id)) if possible(user_id) else None
            if post is None or post.role != StaffRole.CO_TEACHER:
                raise RequestError("There is no such co-teacher in this course.")
            session.delete(post)
            action = audit.Action("remove_co_teacher", "course", course_id, {"user": user_id})
            audit.record(session, self._clock.now(), by, action)
            return session.get_one(User, user_id).name


def _record(user: User, role: StaffRole | None) -> StaffRecord:
    return StaffRecord(user.id, user.name, user.email, role, user.active)
