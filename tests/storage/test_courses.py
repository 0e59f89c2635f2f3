"""Courses renamed, archived and brought back; students changed, removed and brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engage.errors import RequestError
from engage.storage.courses import Courses, StudentDetails
from engage.storage.database import Database

if TYPE_CHECKING:
    from tests.databases import School, SetClock


@pytest.fixture
def courses(database: Database, clock: SetClock) -> Courses:
    return Courses(database, clock)


def test_an_archived_course_is_found_and_comes_back_as_it_was(school: School, courses: Courses) -> None:
    course = school.course.id
    school.classroom.end_session(school.session.id)
    school.classroom.archive_course(course, school.teacher.id)
    assert [each.id for each in courses.archived_for(school.teacher.id)] == [course]
    assert [each.id for each in courses.archived_for(school.admin.id)] == [course]
    assert courses.archived_for(school.other_teacher.id) == []
    ada = school.students[0].id
    for forbidden in (
        lambda: courses.rename(course, "Chemistry", None),
        lambda: courses.remove_student(course, ada, None),
        lambda: courses.change_student(course, ada, StudentDetails("Eve", minor=False), None),
    ):
        with pytest.raises(RequestError, match="archived"):
            forbidden()
    courses.bring_back(course, school.teacher.id)
    courses.rename(course, " Chemistry ", school.teacher.id)
    assert [each.title for each in school.queries.courses_for(school.teacher.id)] == ["Chemistry"]
    assert [entry.name for entry in school.queries.students(course)] == ["Ada", "Ben", "Chi"]
    assert courses.archived_for(school.teacher.id) == []


def test_a_student_removed_is_not_captured_and_comes_back(school: School, courses: Courses, clock: SetClock) -> None:
    course, ada = school.course.id, school.students[0].id
    clock.advance(60)
    courses.remove_student(course, ada, school.teacher.id)
    assert ada not in [plan.origin.student_id for plan in school.queries.capture_plan()]
    assert ada not in [entry.student_id for entry in school.queries.students(course)]
    assert ada in [entry.student_id for entry in school.queries.roster(school.session.id)]
    assert [(each.name, each.left_at) for each in courses.former_students(course)] == [("Ada", clock.now())]
    with pytest.raises(RequestError, match="not in this course"):
        courses.remove_student(course, ada, school.teacher.id)
    courses.bring_back_student(course, ada, school.teacher.id)
    assert ada in [plan.origin.student_id for plan in school.queries.capture_plan()]
    assert courses.former_students(course) == []
    with pytest.raises(RequestError, match="never in this course"):
        courses.bring_back_student(course, 999, None)


def test_a_students_details_are_changed_whole_or_not_at_all(school: School, courses: Courses) -> None:
    course, (ada, ben, _) = school.course.id, school.students
    courses.change_student(course, ada.id, StudentDetails("Ada L.", True, "S-1", "B2"), school.teacher.id)
    entry = school.queries.students(course)[0]
    assert (entry.name, entry.minor, entry.external_id, entry.seat) == ("Ada L.", True, "S-1", "B2")
    for wrong in (
        StudentDetails("Ben", False, "S-1"),
        StudentDetails(" ", False),
        StudentDetails("B", False, seat="B2"),
    ):
        with pytest.raises(RequestError):
            courses.change_student(course, ben.id, wrong, None)
    assert school.queries.students(course)[1].name == "Ben"
