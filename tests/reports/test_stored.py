"""Reports of sessions in a database: numbers against the samples themselves, erasure, the job at a session's end."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import text

from engage.cli.report_job import ReportJob
from engage.cli.stored_lesson import Lesson, store
from engage.core.types import EMOTIONS, Mode
from engage.errors import RequestError
from engage.reports.compose import compose
from engage.reports.content import Report
from engage.reports.gather import gather, shown_mode
from engage.storage.database import Database
from engage.storage.rollups import Rollups
from tests.databases import School, SetClock

SECONDS = 300


@pytest.fixture
def lesson(school: School, database: Database, clock: SetClock) -> School:
    """Return the small school after a session of five minutes."""
    students = tuple(student.id for student in school.students)
    store(database, school.session, Lesson(students[:2], SECONDS))
    clock.advance(120)
    school.classroom.add_marker(school.session.id, school.teacher.id, "Group work")
    clock.advance(SECONDS - 120)
    school.classroom.end_session(school.session.id)
    return school


def made(school: School, database: Database, mode: Mode = Mode.FULL) -> Report:
    session = school.session
    return compose(gather(school.queries, Rollups(database), session.id, mode, session.started_at))


def test_numbers_are_those_of_the_samples(lesson: School, database: Database) -> None:
    report = made(lesson, database)
    scored = lesson.queries.samples_since(lesson.session.id, 0)
    values = [one.score.value for one in scored if one.score.value is not None]
    assert report.tally.mean == pytest.approx(np.mean(values))
    assert report.tally.spread == pytest.approx(np.std(values))
    assert report.coverage == pytest.approx(len(values) / (SECONDS * 3))
    ada, ben, chi = report.students
    of_ada = [one for one in scored if one.sample.student_id == ada.student_id]
    shares = np.array([one.sample.expression for one in of_ada if one.sample.expression is not None])
    assert ada.tally.expression == pytest.approx(shares.mean(axis=0)) and len(shares[0]) == len(EMOTIONS)
    assert ada.shares.away == pytest.approx(sum(one.sample.face_share == 0 for one in of_ada) / SECONDS)
    assert chi.shares.no_data == 1.0 and chi.tally.mean is None
    assert dict(ben.tally.gestures) == {"nod": 2}
    assert [marker.text for marker in report.markers] == ["Group work"]


def test_the_session_before_is_compared_with(lesson: School, database: Database, clock: SetClock) -> None:
    first = made(lesson, database)
    clock.advance(86400)
    session = lesson.classroom.start_session(lesson.course.id, lesson.teacher.id)
    store(database, session, Lesson((lesson.students[0].id,), 60))
    later = made(dataclasses.replace(lesson, session=session), database)
    assert later.comparison is not None and first.comparison is None
    assert later.comparison.mean == pytest.approx(first.tally.mean)
    assert made(lesson, database).comparison is None


def test_an_erased_student_is_in_no_number_any_more(lesson: School, database: Database) -> None:
    before = made(lesson, database)
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM students WHERE id = :id"), {"id": lesson.students[0].id})
    after = made(lesson, database)
    assert [student.name for student in after.students] == ["Ben", "Chi"]
    ben = next(student for student in before.students if student.name == "Ben")
    assert after.tally.mean == pytest.approx(ben.tally.mean)
    assert "Ada" not in repr(after)


def test_presence_samples_give_a_report_without_scores(school: School, database: Database, clock: SetClock) -> None:
    store(database, school.session, Lesson((school.students[0].id,), 60, Mode.PRESENCE))
    clock.advance(60)
    school.classroom.end_session(school.session.id)
    report = made(school, database, Mode.PRESENCE)
    assert report.tally.mean is None and report.students[0].shares.attentive > 0.2
    assert made(school, database, Mode.FULL).tally.mean is None


def test_a_session_that_does_not_exist(school: School, database: Database) -> None:
    with pytest.raises(RequestError, match="no session 99"):
        gather(school.queries, Rollups(database), 99, Mode.FULL, school.session.started_at)


def test_what_may_be_shown(school: School) -> None:
    drawn = dataclasses.replace(school.session, demo=True)
    assert shown_mode(drawn, None) is Mode.FULL
    assert shown_mode(school.session, None) is Mode.PRESENCE
    assert shown_mode(school.session, Mode.ATTENTION) is Mode.ATTENTION


def test_the_job_counts_a_session_up_when_it_ends(school: School, database: Database, clock: SetClock) -> None:
    rollups = Rollups(database)
    job = ReportJob(school.queries, rollups, clock)
    store(database, school.session, Lesson((school.students[0].id,), 61))
    job()
    assert rollups.session_minutes(school.session.id) == [], "it still runs"
    clock.advance(timedelta(minutes=2).total_seconds())
    school.classroom.end_session(school.session.id)
    job()
    assert len(rollups.session_minutes(school.session.id)) == 2
    job()  # no second time, and nothing to do
