"""The virtual class as a course of the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from engage.core.seats import seat_of
from engage.storage.enrolling import add_student, enabled_source, give_student_source
from engage.storage.insert import insert_new
from engage.storage.records import DemoMember, NewStudent
from engage.storage.tables import Course, Enrolment, Setting, Student

KEY = "demo_course"
"""The row of ``settings`` that names the course, and that two programs starting at once queue for."""
TITLE = "Virtual class"
PREFIX = "demo:"
"""Before a member's address, it is the student's number."""


def ensure(session: Session, members: Sequence[DemoMember], now: datetime) -> tuple[int, bool]:
    """Return the course's id, and whether anything had to be changed."""
    course, changed = _course(session, now)
    for member in members:
        changed |= _ensure_member(session, course.id, member, now)
    return course.id, _end_others(session, course.id, members, now) or changed


def _course(session: Session, now: datetime) -> tuple[Course, bool]:
    insert_new(session, Setting, [{"key": KEY, "value": {}, "answered_at": now}])
    setting = session.get_one(Setting, KEY, with_for_update=True)
    course = session.get(Course, setting.value.get("course", 0))
    if course is None:
        course = Course(title=TITLE, demo=True, created_at=now)
        session.add(course)
        session.flush()
        setting.value = {"course": course.id}
        return course, True
    was_archived = course.archived_at is not None
    course.archived_at = None
    return course, was_archived


def _ensure_member(session: Session, course_id: int, member: DemoMember, now: datetime) -> bool:
    number = PREFIX + member.address
    student = session.scalar(select(Student).where(Student.external_id == number))
    changed = student is None
    if student is None:
        new = NewStudent(member.name, minor=False, virtual=True, external_id=number)
        student = add_student(session, course_id, new, now)
    changed |= _set(student, name=member.name, archived_at=None)
    enrolment = session.get(Enrolment, (course_id, student.id))
    if enrolment is None:
        enrolment = Enrolment(course_id=course_id, student_id=student.id, enrolled_at=now)
        session.add(enrolment)
        changed = True
    seat = enrolment.seat if seat_of(enrolment.seat) else member.seat  # people may have moved them
    changed |= _set(enrolment, seat=seat, ended_at=None)
    source = enabled_source(session, student.id)
    if source is None or source.address != member.address:
        give_student_source(session, student.id, member.address, now)
        changed = True
    return changed


def _set(row: object, **values: object) -> bool:
    """Set columns that differ; return whether one did."""
    differing = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in differing.items():
        setattr(row, name, value)
    return bool(differing)


def _end_others(session: Session, course_id: int, members: Sequence[DemoMember], now: datetime) -> bool:
    """Take members out that are no longer asked for; students that people added stay."""
    numbers = [PREFIX + member.address for member in members]
    others = select(Student.id).where(Student.external_id.startswith(PREFIX), Student.external_id.not_in(numbers))
    ended = session.execute(
        update(Enrolment)
        .where(Enrolment.course_id == course_id, Enrolment.ended_at.is_(None), Enrolment.student_id.in_(others))
        .values(ended_at=now)
        .returning(Enrolment.student_id)
    )
    return ended.first() is not None
