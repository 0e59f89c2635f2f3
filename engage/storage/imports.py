"""Lists of students brought into a course: looked at first, then saved exactly as looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.core.rosters.comparison import Change, Comparison, Kind, Known, Rules, Standing, compare
from engage.core.rosters.people import Person
from engage.core.seats import Grid, seat_of
from engage.errors import RequestError
from engage.storage import changes, courses, seating
from engage.storage.database import Database
from engage.storage.enrolling import add_student, require_open
from engage.storage.records import NewStudent, Role
from engage.storage.tables import Course, Enrolment, SeatingPlan, Student, User


class CourseChangedError(RequestError):
    """The course is no longer what it was when the list was looked at."""


class Imports:
    """What a list would change, and the change itself. RequestError, with a line for the page, where it may not be."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database, self._clock = database, clock or SystemClock()

    def preview(self, course_id: int, people: Sequence[Person], minor: bool, user_id: int) -> Comparison:
        """Return what the list would change; ``minor`` holds for new students where the list does not say."""
        with self._database.read() as session:
            if session.get(Course, course_id) is None:
                raise RequestError("There is no such course.")
            return _compared(session, course_id, people, minor, user_id)

    def save(self, course_id: int, people: Sequence[Person], minor: bool, digest: str, user_id: int) -> Comparison:
        """Make the changes of the preview with this ``digest``; CourseChangedError where they are others by now."""
        with changes.changing(self._database, self._clock, user_id) as change:
            require_open(change.session, course_id)
            found = _compared(change.session, course_id, people, minor, user_id)
            if found.digest() != digest:
                raise CourseChangedError("The course has changed since you looked; here is what the list changes now.")
            ids = _make(change.session, course_id, found, change.now)
            change.record("import_students", "course", course_id, **{kind.name.lower(): ids[kind] for kind in Kind})
            return found


def _compared(session: Session, course_id: int, people: Sequence[Person], minor: bool, user_id: int) -> Comparison:
    user = session.get_one(User, user_id)
    room = session.get(SeatingPlan, course_id)
    grid = Grid(room.n_rows, room.n_columns) if room is not None else Grid()
    rules = Rules(minor, may_join=user.role == Role.ADMIN, grid=grid)
    return compare(people, _known(session, course_id, people), rules)


def _known(session: Session, course_id: int, people: Sequence[Person]) -> list[Known]:
    """Return the students of the course, present and former, and those elsewhere whose numbers the list has."""
    mine = select(Student, Enrolment).join(Enrolment, Enrolment.student_id == Student.id)
    mine = mine.where(Enrolment.course_id == course_id).order_by(Student.id)
    known = []
    for student, enrolment in session.execute(mine):
        here = enrolment.ended_at is None and student.archived_at is None
        known.append(_record(student, Standing.HERE if here else Standing.FORMER, enrolment.seat))
    met = {each.student_id for each in known}
    numbers = sorted({person.number for person in people if person.number is not None})
    for start in range(0, len(numbers), 500):  # SQLite takes some thousand parameters
        others = select(Student).where(Student.external_id.in_(numbers[start : start + 500])).order_by(Student.id)
        known += [_record(row, Standing.ELSEWHERE, None) for row in session.scalars(others) if row.id not in met]
    return known


def _record(student: Student, standing: Standing, seat: str | None) -> Known:
    return Known(student.id, standing, student.name, student.external_id, seat, student.minor)


def _make(session: Session, course_id: int, found: Comparison, now: datetime) -> dict[Kind, list[int]]:
    """Make the changes and return whom they concern."""
    ids: dict[Kind, list[int]] = {kind: [] for kind in Kind}
    before = {place.student_id: place.seat for place in seating.plan_of(session, course_id).places}
    moves: dict[int, str | None] = {}
    for change in found.changes:
        if change.kind is Kind.SAME:
            continue
        student_id = _make_one(session, course_id, change, now)
        ids[change.kind].append(student_id)
        seat = seat_of(change.seat)
        if seat != before.get(student_id):
            moves[student_id] = seat.name if seat else None
    seating.place(session, course_id, moves)
    return ids


def _make_one(session: Session, course_id: int, change: Change, now: datetime) -> int:
    if change.student_id is None:
        new = NewStudent(change.name, change.minor, external_id=change.number)
        return add_student(session, course_id, new, now).id
    if change.kind is Kind.JOINS:
        session.get_one(Student, change.student_id).archived_at = None
        session.add(Enrolment(course_id=course_id, student_id=change.student_id, enrolled_at=now))
        session.flush()
        return change.student_id
    if change.kind is Kind.BACK:
        courses.restore(session, course_id, change.student_id)
    seated = session.get_one(Enrolment, (course_id, change.student_id)).seat
    details = courses.StudentDetails(change.name, change.minor, change.number, seated)
    courses.set_details(session, course_id, change.student_id, details)
    return change.student_id
