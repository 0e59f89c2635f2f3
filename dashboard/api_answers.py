"""What the API answers. Times are Unix seconds; null is "no data", never a zero."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engage.core.policy import GivenBy
from engage.core.risk import Attendance, Level, Standing
from engage.core.rules import RuleName
from engage.core.types import Mode, Reason, SourceState
from engage.core.updates import AlertState
from engage.storage.records import FlagState, Role, SessionState


class Shape(BaseModel):
    """An answer with exactly these names."""

    model_config = ConfigDict(extra="forbid")


class Problem(Shape):
    """What went wrong, in one line."""

    error: str


class CourseName(Shape):
    """A course, named."""

    id: int
    title: str


class Me(Shape):
    """The account that asks."""

    id: int
    name: str
    role: Role
    student: int | None


class Course(CourseName):
    """A course."""

    demo: bool
    students: int
    running_session: int | None


class Courses(Shape):
    """The courses the account may see."""

    courses: list[Course]


class Grid(Shape):
    """The seats of a room."""

    rows: int
    columns: int


class Session(Shape):
    """One lesson of a course; ``now`` is the server's clock, for ages."""

    id: int
    course: CourseName
    title: str
    demo: bool
    state: SessionState
    paused: bool
    mode: Mode | None
    started_at: float
    ended_at: float | None
    now: float
    seats: Grid
    by_schedule: bool
    ends_at: float | None


class Sessions(Shape):
    """A course's sessions, the newest first."""

    sessions: list[Session]


class Person(Shape):
    """A student in a session or course, with what the policy allows."""

    student: int
    name: str
    seat: str | None
    camera: bool
    own_device: bool
    paused: bool
    allowed: bool
    mode: Mode | None
    reason: str | None


class Roster(Shape):
    """Students of a session."""

    roster: list[Person]


class CourseWithStudents(Course):
    """A course with its students."""

    roster: list[Person]


class Marker(Shape):
    """A note on the timeline."""

    id: int
    at: float
    text: str


class Calibration(Shape):
    """Who is asked to look at the screen, and when."""

    students: list[int]
    from_: float = Field(alias="from")
    until: float


class SessionNow(Session):
    """A session with everything but its samples."""

    roster: list[Person]
    markers: list[Marker]
    calibration: list[Calibration]
    may_correct: bool


class Doing(Shape):
    """What has lasted for a while, and since when."""

    words: str
    since: float


class Sample(Shape):
    """One student's second; ``word`` is said after "appears"."""

    student: int
    second: int
    captured_at: float
    score: float | None
    confidence: float
    reason: Reason | None
    emoji: str
    word: str
    doing: Doing | None
    too_slow_for: list[str]
    terms: dict[str, float]
    expression: dict[str, float] | None


class Status(Shape):
    """A camera's newest state."""

    student: int | None
    source: int
    state: SourceState
    at: float
    detail: str | None


class Samples(Shape):
    """Samples in order of capture."""

    session: int
    now: float
    samples: list[Sample]
    statuses: list[Status]


class ClassSecond(Shape):
    """The class at one second: mean, quartiles, and of how many."""

    second: int
    mean: float | None
    low: float | None
    high: float | None
    scored: int
    students: int


class Timeline(Shape):
    """The class second by second."""

    session: int
    now: float
    seconds: list[ClassSecond]


class StudentSecond(Shape):
    """One second of a student's timeline."""

    second: int
    score: float | None
    attention: float | None
    reason: Reason | None


class Gesture(Shape):
    """A gesture that is over."""

    student: int
    kind: str
    started_at: float
    ended_at: float
    strength: float


class StudentTimeline(Shape):
    """A student through a session; ``expression`` holds seconds by emotion."""

    session: int
    student: int
    now: float
    seconds: list[StudentSecond]
    expression: dict[str, float] | None
    gestures: list[Gesture]


class Alert(Shape):
    """An alert; ``student`` is null for one of the class."""

    id: int
    student: int | None
    rule: RuleName
    headline: str
    why: str
    state: AlertState
    since: float
    started_at: float
    ended_at: float | None
    acknowledged_at: float | None
    snoozed_until: float | None


class Alerts(Shape):
    """A session's alerts, the newest first."""

    session: int
    now: float
    alerts: list[Alert]


class Part(Shape):
    """One part of a score and its points."""

    term: str
    value: float | None
    points: float
    words: str


class Explanation(Shape):
    """What made a score, the dearest part first."""

    student: int
    second: int
    scoring: str
    value: float | None
    confidence: float
    words: str
    parts: list[Part]
    missing: list[str]


class CorrectionMade(Shape):
    """A teacher's correction; ``own`` where the account made it."""

    id: int
    student: int
    engaged: bool
    own: bool
    from_: float = Field(alias="from")
    until: float


class Corrections(Shape):
    """The corrections of a session."""

    session: int
    corrections: list[CorrectionMade]


class CheckInMade(Shape):
    """A student's check-in, 1 to 5."""

    id: int
    student: int
    value: int
    from_: float = Field(alias="from")
    until: float


class CheckIns(Shape):
    """A student's own check-ins of a session."""

    session: int
    check_ins: list[CheckInMade]


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
