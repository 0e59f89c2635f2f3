"""What the API answers about accounts, courses and lessons. Times are Unix seconds; null is "no data", never a zero."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from engage.core.types import Mode
from engage.storage.records import Role, SessionState


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
