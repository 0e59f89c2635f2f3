"""The seating plan of a course: read as a whole, changed by moves, one change at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.core.seats import MOST_COLUMNS, MOST_ROWS, Grid, Seat, seat_of
from engage.errors import RequestError
from engage.storage.changes import changing
from engage.storage.database import Database
from engage.storage.enrolling import require_open
from engage.storage.entries import possible
from engage.storage.insert import insert_new
from engage.storage.tables import Course, Enrolment, SeatingPlan, Student


class PlanChangedError(RequestError):
    """Somebody else has changed the plan since it was read."""


@dataclass(frozen=True, slots=True)
class Place:
    """A student of the plan; ``seat`` is None where they have none in this room."""

    student_id: int
    name: str
    seat: Seat | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A course's room and who sits where, by name; ``version`` is another after every change."""

    course_id: int
    grid: Grid
    version: int
    places: tuple[Place, ...]


class Seating:
    """The seating plans. RequestError, with a line for the page, where something may not be."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database, self._clock = database, clock or SystemClock()

    def plan(self, course_id: int) -> Plan | None:
        """Return a course's plan, or None where there is no such course."""
        with self._database.read() as session:
            found = possible(course_id) and session.get(Course, course_id) is not None
            return plan_of(session, course_id) if found else None

    def change(
        self, course_id: int, version: int, moves: Mapping[int, str | None], grid: Grid | None, user_id: int | None
    ) -> Plan:
        """Make ``moves`` (student to seat, None for none) in a room of ``grid`` seats, and return the new plan.

        All of it or, with an error, nothing. PlanChangedError unless ``version`` is the present one. A move to a seat
        that is taken needs the other's move along with it.
        """
        with changing(self._database, self._clock, user_id) as change:
            require_open(change.session, course_id)
            room = _room(change.session, course_id)
            if version != room.version:
                raise PlanChangedError("The plan was changed elsewhere; here it is as it stands now.")
            if grid is not None:
                _resize(change.session, room, grid, moves)
            place(change.session, course_id, moves)
            details = {"rows": room.n_rows, "columns": room.n_columns, "moved": len(moves)}
            change.record("change_seating", "course", course_id, **details)
            return plan_of(change.session, course_id)


def plan_of(session: Session, course_id: int) -> Plan:
    """Return the plan of a course that exists. Of two students on one seat the first by name has it."""
    room = session.get(SeatingPlan, course_id)
    grid = Grid(room.n_rows, room.n_columns) if room is not None else Grid()
    taken: set[Seat] = set()
    places = []
    for enrolment, name in _sitting(session, course_id):
        seat = seat_of(enrolment.seat)
        if seat is None or seat not in grid or seat in taken:
            places.append(Place(enrolment.student_id, name, None))
        else:
            taken.add(seat)
            places.append(Place(enrolment.student_id, name, seat))
    return Plan(course_id, grid, room.version if room is not None else 0, tuple(places))


def place(session: Session, course_id: int, moves: Mapping[int, str | None]) -> None:
    """Give students of a course other seats, in the caller's transaction; RequestError where one cannot be had."""
    if not moves:
        return
    room = _room(session, course_id)
    grid = Grid(room.n_rows, room.n_columns)
    before = {each.student_id: each.seat for each in plan_of(session, course_id).places}
    wanted = {student_id: _seat(name, grid) for student_id, name in moves.items()}
    if not wanted.keys() <= before.keys():
        raise RequestError("This student is not in this course.")
    holders: dict[Seat, int] = {}
    for student_id, seat in {**before, **wanted}.items():
        if seat is not None and holders.setdefault(seat, student_id) != student_id:
            raise RequestError(f"Seat {seat.name} is taken.")
    for enrolment, _ in _sitting(session, course_id):
        if enrolment.student_id in wanted:
            moved = wanted[enrolment.student_id]
            enrolment.seat = moved.name if moved else None
    room.version += 1
    session.flush()


def _room(session: Session, course_id: int) -> SeatingPlan:
    insert_new(
        session,
        SeatingPlan,
        [{"course_id": course_id, "n_rows": Grid().rows, "n_columns": Grid().columns, "version": 0}],
    )
    return session.get_one(SeatingPlan, course_id, with_for_update=True)


def _resize(session: Session, room: SeatingPlan, grid: Grid, moves: Mapping[int, str | None]) -> None:
    """Make the room as large as asked; whoever would lose a seat must be moved first."""
    if not grid.possible:
        raise RequestError(f"A plan has 1 to {MOST_ROWS} rows of 1 to {MOST_COLUMNS} seats.")
    lost = [
        each
        for each in plan_of(session, room.course_id).places
        if each.seat is not None and each.seat not in grid and each.student_id not in moves
    ]
    if lost:
        names = ", ".join(f"{each.name} ({each.seat.name})" for each in lost[:3] if each.seat)
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
        raise RequestError(f"Somebody sits there: move {names}{more} first.")
    room.n_rows, room.n_columns = grid.rows, grid.columns
    room.version += 1
    session.flush()


def _seat(name: str | None, grid: Grid) -> Seat | None:
    if name is None:
        return None
    seat = seat_of(name)
    if seat is None:
        raise RequestError(f"'{name[:20]}' is no seat; write the row's letter and the column's number, such as B3.")
    if seat not in grid:
        raise RequestError(f"There is no seat {seat.name}: the plan has {grid.rows} rows of {grid.columns} seats.")
    return seat


def _sitting(session: Session, course_id: int) -> list[tuple[Enrolment, str]]:
    query = (
        select(Enrolment, Student.name)
        .join(Student, Student.id == Enrolment.student_id)
        .where(Enrolment.course_id == course_id, Enrolment.ended_at.is_(None), Student.archived_at.is_(None))
        .order_by(Student.name, Student.id)
    )
    return [(enrolment, name) for enrolment, name in session.execute(query)]
