"""What the API answers about students across lessons: attendance, flags, standing, and a lesson's report."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from dashboard.api_answers import CourseName, Shape
from engage.core.policy import GivenBy
from engage.core.risk import Attendance, Level, Standing
from engage.core.types import Mode
from engage.storage.records import FlagState


class AttendanceMark(Shape):
    """What a person marked; null: not marked."""

    student: int
    state: Attendance | None


class AttendanceMarks(Shape):
    """Who was there."""

    session: int
    attendance: list[AttendanceMark]


class Ground(Shape):
    """A reason of a flag."""

    code: str
    text: str


class Flag(Shape):
    """That a person should look, with reasons, and what one decided."""

    id: int
    student: int
    course: int
    level: Level
    reasons: list[Ground]
    state: FlagState
    raised_at: float
    decided_at: float | None
    note: str | None


class Assessment(Shape):
    """What can be said of a student's sessions; numbers are null where they cannot be given."""

    student: int
    standing: Standing
    words: str
    sessions: int
    baseline: float | None
    recent: float | None
    change: float | None
    class_change: float | None
    slope: float | None


class Risk(Shape):
    """A course's flags, and what can be said of each student now."""

    course: int
    flags: list[Flag]
    students: list[Assessment]


class StudentSession(Shape):
    """A student's session."""

    session: int
    title: str
    started_at: float
    ended_at: float | None
    shared_s: float
    scored_s: float
    score: float | None
    attendance: Attendance | None


class StudentCourse(Shape):
    """A student's sessions in a course."""

    course: CourseName
    standing: Assessment | None
    sessions: list[StudentSession]


class Consent(Shape):
    """An answer to the consent question."""

    granted: bool
    given_by: GivenBy
    at: float


class Student(Shape):
    """A student across courses."""

    student: int
    name: str
    courses: list[StudentCourse]
    consents: list[Consent]
    flags: list[Flag]


class Erased(Shape):
    """Whose data is gone."""

    erased: int


class Report(BaseModel):
    """A session's report; what it holds depends on what may be inferred (the page "Report" shows the same)."""

    model_config = ConfigDict(extra="allow")

    format: Literal["engage-report/1"]
    session: dict[str, Any]
    mode: Mode
    summary: list[str]
    limits: list[str]
    students: list[dict[str, Any]]
