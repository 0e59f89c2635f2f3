"""Statements that more than one query uses."""

from __future__ import annotations

from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from engage.core.seats import Grid
from engage.storage.records import CourseRecord, PlannedEnd, SessionRecord, SessionState
from engage.storage.tables import (
    ClassSession,
    ConsentAnswer,
    Course,
    Enrolment,
    LessonRun,
    Pause,
    SampleRow,
    ScoreRow,
    SeatingPlan,
    Student,
)

Column = InstrumentedAttribute[Any]
AnySelect: TypeAlias = "Select[*tuple[Any, ...]]"


def running(session: type[ClassSession]) -> ColumnElement[bool]:
    """Return the condition that a session runs."""
    return session.state == SessionState.RUNNING.value


def paused(session_id: Column, student_id: Column | None = None) -> ColumnElement[bool]:
    """Return the condition that the class is paused or, where one is given, this student."""
    whom: ColumnElement[bool] = Pause.student_id.is_(None)
    if student_id is not None:
        whom = or_(whom, Pause.student_id == student_id)
    return exists().where(Pause.session_id == session_id, Pause.resumed_at.is_(None), whom)


def newest_consent(student_id: Column) -> ColumnElement[bool]:
    """Return the condition that picks the newest row of ``ConsentAnswer`` of a student."""
    other = aliased(ConsentAnswer)
    newest = (
        select(other.id)
        .where(other.student_id == student_id)
        .order_by(other.answered_at.desc(), other.id.desc())
        .limit(1)
        .correlate_except(other)
    )
    return ConsentAnswer.id == newest.scalar_subquery()


def same_sample() -> ColumnElement[bool]:
    """Return the condition that a row of ``ScoreRow`` belongs to a row of ``SampleRow``."""
    return and_(
        ScoreRow.session_id == SampleRow.session_id,
        ScoreRow.student_id == SampleRow.student_id,
        ScoreRow.second == SampleRow.second,
    )


def newest_score() -> ColumnElement[bool]:
    """Return the condition that a row of ``ScoreRow`` is of its sample's newest scoring version."""
    other = aliased(ScoreRow)
    return ~exists().where(
        other.session_id == ScoreRow.session_id,
        other.student_id == ScoreRow.student_id,
        other.second == ScoreRow.second,
        other.scoring_version_id > ScoreRow.scoring_version_id,
    )


def courses() -> AnySelect:
    """Return courses with their number of students and running session, for ``course_record``."""
    n_students = (
        select(func.count())
        .select_from(Enrolment)
        .join(Student, Student.id == Enrolment.student_id)
        .where(Enrolment.course_id == Course.id, Enrolment.ended_at.is_(None), Student.archived_at.is_(None))
        .correlate(Course)
    )
    return select(Course, n_students.scalar_subquery(), ClassSession.id).outerjoin(
        ClassSession, and_(ClassSession.course_id == Course.id, running(ClassSession))
    )


def course_record(course: Course, n_students: int, running_session_id: int | None) -> CourseRecord:
    """Return a course from a row of ``courses``."""
    return CourseRecord(course.id, course.title, course.demo, n_students, running_session_id, course.archived_at)


def sessions() -> AnySelect:
    """Return sessions with their course, its room, their plan, and whether the class is paused: ``session_record``."""
    return (
        select(ClassSession, Course, paused(ClassSession.id), SeatingPlan, LessonRun)
        .join(Course, Course.id == ClassSession.course_id)
        .outerjoin(SeatingPlan, SeatingPlan.course_id == ClassSession.course_id)
        .outerjoin(LessonRun, LessonRun.session_id == ClassSession.id)
    )


def session_record(
    row: ClassSession, course: Course, is_paused: bool, room: SeatingPlan | None, run: LessonRun | None
) -> SessionRecord:
    """Return a session from a row of ``sessions``."""
    return SessionRecord(
        id=row.id,
        course_id=row.course_id,
        course_title=course.title,
        title=row.title,
        started_at=row.started_at,
        ended_at=row.ended_at,
        started_by=row.started_by,
        state=SessionState(row.state),
        paused=bool(is_paused),
        demo=course.demo,
        grid=Grid(room.n_rows, room.n_columns) if room is not None else Grid(),
        planned=PlannedEnd(run.ends_at) if run is not None else None,
        reduced_at=row.reduced_at,
    )
