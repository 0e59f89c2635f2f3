"""Who sits where: moved by hand, one change at a time, never two on one seat."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage.core.seats import Grid, Seat, seat_of
from engage.errors import RequestError
from engage.storage.courses import Courses, StudentDetails
from engage.storage.database import Database
from engage.storage.records import NewStudent
from engage.storage.seating import Plan, PlanChangedError, Seating

if TYPE_CHECKING:
    from tests.databases import School


@settings(deadline=None)
@given(st.builds(Seat, st.integers(1, 20), st.integers(1, 20)))
def test_a_seat_is_found_by_its_name(seat: Seat) -> None:
    assert seat_of(seat.name) == seat == seat_of(f" {seat.name.lower()} ")


@settings(deadline=None)
@given(st.text(max_size=6))
def test_any_text_is_a_seat_or_none(text: str) -> None:
    seat = seat_of(text)
    assert seat is None or text.strip().upper().replace(" ", "")[0] == seat.name[0]


def seats(plan: Plan | None) -> dict[str, str | None]:
    assert plan is not None
    return {place.name: place.seat.name if place.seat else None for place in plan.places}


def test_moving_swapping_and_taking_off(school: School, database: Database) -> None:
    seating, course = Seating(database), school.course.id
    ada, ben, chi = (student.id for student in school.students)
    plan = seating.plan(course)
    assert plan is not None and plan.grid == Grid(5, 6)
    assert seats(plan) == {"Ada": "A1", "Ben": "A2", "Chi": "A3"}
    plan = seating.change(course, plan.version, {ada: "A2", ben: "A1"}, None, school.teacher.id)
    plan = seating.change(course, plan.version, {chi: None, ada: "e6"}, None, school.teacher.id)
    assert seats(plan) == {"Ada": "E6", "Ben": "A1", "Chi": None} == seats(seating.plan(course))
    assert [(entry.name, entry.seat) for entry in school.queries.students(course)] == [
        ("Ada", "E6"), ("Ben", "A1"), ("Chi", None)
    ]  # fmt: skip
    session = school.queries.session(school.session.id)
    assert session is not None and session.grid == Grid(5, 6)


@pytest.mark.parametrize(
    ("seat", "words"), [("A2", "A2 is taken"), ("F1", "no seat F1"), ("window", "is no seat"), ("A7", "no seat A7")]
)
def test_a_seat_that_cannot_be_had(school: School, database: Database, seat: str, words: str) -> None:
    seating, ada = Seating(database), school.students[0].id
    plan = seating.plan(school.course.id)
    assert plan is not None
    with pytest.raises(RequestError, match=words):
        seating.change(school.course.id, plan.version, {ada: seat}, None, None)
    assert seating.plan(school.course.id) == plan


def test_the_room_shrinks_only_around_people(school: School, database: Database) -> None:
    seating, course, chi = Seating(database), school.course.id, school.students[2].id
    version = seating.plan(course).version  # type: ignore[union-attr] # the course exists
    with pytest.raises(RequestError, match=r"move Chi \(A3\) first"):
        seating.change(course, version, {}, Grid(1, 2), None)
    plan = seating.change(course, version, {chi: None}, Grid(1, 2), None)
    assert plan.grid == Grid(1, 2)
    with pytest.raises(RequestError, match="1 to 20 rows"):
        seating.change(course, plan.version, {}, Grid(21, 2), None)


def test_of_two_changes_at_once_one_holds(school: School, database: Database, url: str) -> None:
    course, version = school.course.id, Seating(database).plan(school.course.id).version  # type: ignore[union-attr]
    start, outcomes = threading.Barrier(2), []

    def move(student: int) -> None:
        own = Database(url)
        start.wait()
        try:
            Seating(own).change(course, version, {student: "B1"}, None, None)
            outcomes.append("moved")
        except PlanChangedError:
            outcomes.append("changed elsewhere")
        own.close()

    threads = [threading.Thread(target=move, args=(student.id,)) for student in school.students[:2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["changed elsewhere", "moved"]


def test_every_other_way_to_a_seat_is_a_change_too(school: School, database: Database) -> None:
    seating, course = Seating(database), school.course.id
    version = seating.plan(course).version  # type: ignore[union-attr] # the course exists
    with pytest.raises(RequestError, match="taken"):
        school.classroom.create_student(course, NewStudent("Dan", minor=False, seat="A1"))
    details = StudentDetails("Ada", minor=False, seat="B1")
    Courses(database).change_student(course, school.students[0].id, details, school.teacher.id)
    with pytest.raises(PlanChangedError):
        seating.change(course, version, {}, None, None)
