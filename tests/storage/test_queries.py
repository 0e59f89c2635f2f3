"""The read side: who may see what, what is planned, the live page's catch-up, the timeline."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from engage.core.policy import GivenBy, Jurisdiction, decide
from engage.core.types import Mode, Origin, Reason, Sample, Score, ScoredSample, SourceState, SourceStatus
from engage.errors import RequestError
from engage.storage.database import Database
from engage.storage.records import ClassSecond, NewStudent, Role
from engage.storage.store import SqlStore

if TYPE_CHECKING:
    from tests.databases import School, SetClock

FIRST = 1_795_338_000


def scored(school: School, student: int, second: int, value: float | None, late_s: float = 0.0) -> ScoredSample:
    captured_at = school.session.started_at + timedelta(seconds=second - FIRST + late_s)
    sample = Sample(school.session.id, student, second, captured_at, 5, 1.0, 1.0, 0.9, 0.5)
    return ScoredSample(sample, Score(value, 0.5, None if value is not None else Reason.AWAY), "default-1")


def test_who_may_see_what(school: School) -> None:
    queries, course, session = school.queries, school.course.id, school.session.id
    pupil = school.accounts.create_user("pupil@example.org", "Pupil", "hash", Role.STUDENT)
    expected = {
        school.admin.id: True,
        school.teacher.id: True,
        school.other_teacher.id: False,
        pupil.id: False,
        99: False,
    }
    for user_id, may in expected.items():
        assert queries.may_see_course(user_id, course) is may
        assert queries.may_see_session(user_id, session) is may
        assert [c.id for c in queries.courses_for(user_id)] == ([course] if may else [])
    assert not queries.may_see_course(school.admin.id, 99)
    assert not queries.may_see_session(school.admin.id, 99)


def test_what_an_address_bar_may_hold_is_just_not_there(school: School) -> None:
    queries = school.queries
    for number in (0, -1, 2**31, 2**63, 10**30):
        assert queries.course(number) is None
        assert queries.session(number) is None
        assert not queries.may_see_course(school.admin.id, number)
        assert not queries.may_see_session(school.admin.id, number)
        assert school.accounts.user(number) is None
        with pytest.raises(RequestError):
            school.classroom.end_session(number)
        with pytest.raises(RequestError):
            school.classroom.set_paused(school.session.id, number, True)
        assert queries.samples_since(school.session.id, number, number) == []
        assert queries.timeline(school.session.id, number) == []


def test_a_switched_off_account_sees_nothing(school: School, database: Database) -> None:
    with database.write() as session:
        session.connection().exec_driver_sql("UPDATE users SET active = (1 = 0)")
    for user in (school.admin, school.teacher):
        assert not school.queries.may_see_course(user.id, school.course.id)
        assert school.queries.courses_for(user.id) == []


def test_a_course_tells_its_students_and_its_running_session(school: School) -> None:
    course = school.queries.course(school.course.id)
    assert (course.title, course.n_students, course.running_session_id) == ("Physics", 3, school.session.id)
    assert school.queries.course(99) is None
    assert school.queries.session(99) is None
    assert school.queries.roster(99) == []


def test_the_plan_tells_the_gate_all_it_needs(school: School) -> None:
    plan = school.queries.capture_plan()
    allowed = {p.origin.student_id: decide(Jurisdiction.US, Mode.FULL, p.subject).allowed for p in plan}
    ada, ben, chi = (student.id for student in school.students)
    assert allowed == {ada: True, ben: True, chi: False}
    school.classroom.record_consent(chi, True, GivenBy.STUDENT, None)
    assert not decide(Jurisdiction.US, Mode.FULL, school.queries.capture_plan()[2].subject).allowed
    school.classroom.record_consent(chi, True, GivenBy.GUARDIAN, school.teacher.id)
    assert decide(Jurisdiction.US, Mode.FULL, school.queries.capture_plan()[2].subject).allowed
    assert {p.origin.session_id for p in plan} == {school.session.id}


def test_the_plan_is_one_query(school: School, database: Database) -> None:
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    school.queries.capture_plan()
    assert len([text for text in statements if text.startswith("SELECT")]) == 1


def test_the_roster_says_who_was_there(school: School, clock: SetClock) -> None:
    entry = school.queries.roster(school.session.id)[0]
    assert (entry.name, entry.seat, entry.source_address, entry.minor) == ("Ada", "A1", str(entry.student_id), False)
    clock.advance(60)
    school.classroom.end_session(school.session.id)
    clock.advance(60)
    school.classroom.create_student(school.course.id, NewStudent("Late", minor=False))
    assert [e.name for e in school.queries.roster(school.session.id)] == ["Ada", "Ben", "Chi"]
    assert [e.name for e in school.queries.students(school.course.id)] == ["Ada", "Ben", "Chi", "Late"]


def test_samples_come_in_order_of_capture_within_the_seconds_asked_for(school: School, database: Database) -> None:
    ada, ben, _ = (student.id for student in school.students)
    rows = [scored(school, student, FIRST + k, 5.0) for k in range(10) for student in (ada, ben)]
    SqlStore(database).write(list(reversed(rows)))
    assert school.queries.samples_since(school.session.id, FIRST + 2, FIRST + 4) == rows[4:8]
    assert school.queries.samples_since(school.session.id, FIRST + 8) == rows[16:]
    assert school.queries.samples_since(school.session.id, 0, limit=3) == rows[:3]
    assert school.queries.samples_since(school.session.id + 1, 0) == []
    assert school.queries.student_samples(school.session.id, ben) == [
        row.sample for row in rows if row.sample.student_id == ben
    ]


def test_the_newest_state_of_each_source_is_by_time_not_by_row(school: School, database: Database) -> None:
    ada, ben, _ = (student.id for student in school.students)
    start = school.session.started_at

    def state(student: int, state: SourceState, seconds: float) -> SourceStatus:
        return SourceStatus(Origin(school.session.id, student, student), state, start + timedelta(seconds=seconds), "")

    live, lost, other = (
        state(ada, SourceState.LIVE, 5),
        state(ada, SourceState.LOST, 2),
        state(ben, SourceState.ENDED, 1),
    )
    SqlStore(database).write([], [], [live, lost, other])  # the older one was written last
    assert school.queries.latest_statuses(school.session.id) == [live, other]


def test_the_timeline_covers_seconds_without_a_score(school: School, database: Database) -> None:
    ada, ben, chi = (student.id for student in school.students)
    rows = [
        scored(school, ada, FIRST, 2.0),
        scored(school, ben, FIRST, 4.0),
        scored(school, chi, FIRST, None),
        scored(school, ada, FIRST + 1, None),
        scored(school, ada, FIRST + 3, 6.0),
    ]
    SqlStore(database).write(rows)
    assert school.queries.timeline(school.session.id) == [
        ClassSecond(FIRST, 3.0, 2.5, 3.5, 2, 3),
        ClassSecond(FIRST + 1, None, None, None, 0, 3),
        ClassSecond(FIRST + 3, 6.0, 6.0, 6.0, 1, 3),
    ]
    assert [c.second for c in school.queries.timeline(school.session.id, FIRST + 1)] == [FIRST + 1, FIRST + 3]
    assert school.queries.timeline(99) == []


VALUES = st.one_of(st.none(), st.floats(0.0, 10.0))


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@given(table=st.lists(st.lists(VALUES, min_size=1, max_size=6), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_timeline_is_numpys_mean_and_quartiles(
    school: School, database: Database, table: list[list[float | None]]
) -> None:
    while len(school.queries.students(school.course.id)) < 6:
        school.classroom.create_student(school.course.id, NewStudent("More", minor=False))
    students = [entry.student_id for entry in school.queries.students(school.course.id)]
    with database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM samples")
    rows = [
        scored(school, student, FIRST + k, value)
        for k, values in enumerate(table)
        for student, value in zip(students, values, strict=False)
    ]
    SqlStore(database).write(rows)
    timeline = school.queries.timeline(school.session.id)
    assert len(timeline) == len(table)
    for second, values in zip(timeline, table, strict=True):
        there = [value for value in values if value is not None]
        assert (second.n_scored, second.n_students) == (len(there), 6)
        if there:
            expected = [np.mean(there), *np.quantile(there, [0.25, 0.75])]
            assert [second.mean, second.low_quartile, second.high_quartile] == pytest.approx(expected, abs=1e-9)
        else:
            assert (second.mean, second.low_quartile, second.high_quartile) == (None, None, None)
