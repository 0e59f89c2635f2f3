"""What the database hands out: frozen records, never ORM objects. Times are aware UTC, ids are row ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from engage.core.policy import Consent, Jurisdiction, Subject
from engage.core.risk import Attendance, Ground, Level
from engage.core.seats import Grid
from engage.core.tally import Tally
from engage.core.types import Mode, Origin


class Role(StrEnum):
    """What a user may do in the whole program."""

    ADMIN = "admin"
    TEACHER = "teacher"
    STUDENT = "student"


class SessionState(StrEnum):
    """Where a class session stands."""

    RUNNING = "running"
    ENDED = "ended"


class SourceKind(StrEnum):
    """What stands behind a source's address."""

    CAMERA = "camera"
    STREAM = "stream"
    FILE = "file"
    VIRTUAL = "virtual"
    BROWSER = "browser"
    WINDOW = "window"


@dataclass(frozen=True, slots=True)
class UserRecord:
    """An account. Its password hash is only had from ``Accounts.password_hash``."""

    id: int
    email: str
    """In lower case: addresses that differ only in case are one account."""
    name: str
    role: Role
    student_id: int | None
    active: bool
    session_stamp: str | None = field(default=None, repr=False)
    """What the cookies of its sessions must carry; a new one ends them all."""
    signed_in_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SetupRecord:
    """The administrator's answer to where the school is and what may be inferred; by whom and when."""

    jurisdiction: Jurisdiction
    mode: Mode
    answered_by: int | None
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class CourseRecord:
    """A group of students."""

    id: int
    title: str
    demo: bool
    n_students: int
    running_session_id: int | None
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewStudent:
    """What a student is made from. ``minor`` has no default: someone has to know."""

    name: str
    minor: bool
    virtual: bool = False
    seat: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class StudentRecord:
    """A student, wherever enrolled."""

    id: int
    name: str
    external_id: str | None
    minor: bool
    virtual: bool
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A camera or stream of one student or one course; ``address`` is without user name and password."""

    id: int
    student_id: int | None
    course_id: int | None
    kind: SourceKind
    address: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class PlannedEnd:
    """That the schedule started a session, and when it ends by itself: None for never."""

    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One lesson of a course. ``paused`` is True while the whole class is paused."""

    id: int
    course_id: int
    course_title: str
    title: str
    started_at: datetime
    ended_at: datetime | None
    started_by: int | None
    state: SessionState
    paused: bool
    demo: bool
    grid: Grid = field(default_factory=Grid)
    """The seats of the course's room."""
    planned: PlannedEnd | None = None
    """None where a person started it."""
    reduced_at: datetime | None = None
    """When its seconds were reduced to minutes; None while they are all there."""


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """A student in a course or session: what a card needs before the first sample.

    ``source_address`` is without user name and password; it and ``source_id`` are None where there is no camera.
    ``paused`` is True for this student's own pause as for the class's.
    """

    student_id: int
    name: str
    external_id: str | None
    seat: str | None
    minor: bool
    virtual: bool
    consent: Consent | None
    source_id: int | None
    source_address: str | None
    paused: bool

    @property
    def subject(self) -> Subject:
        """Return what the gate needs to know of this student."""
        return Subject(virtual=self.virtual, minor=self.minor, consent=self.consent)


@dataclass(frozen=True, slots=True)
class PlannedSource:
    """A source of a running session that a capture worker should serve, if policy lets it.

    ``address`` is complete, with user name and password where it has them, so it is left out of ``repr``.
    """

    origin: Origin
    kind: SourceKind
    address: str = field(repr=False)
    subject: Subject
    paused: bool


@dataclass(frozen=True, slots=True)
class MarkerRecord:
    """A teacher's note on the timeline."""

    id: int
    session_id: int
    user_id: int | None
    at: datetime
    text: str


class FeedbackKind(StrEnum):
    """Who says it: a student of themselves, or a teacher of a student."""

    CHECK_IN = "check_in"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class FeedbackRecord:
    """What a person says about a stretch of a session: a check-in 1 to 5, or a correction, 1 engaged and 0 not."""

    id: int
    session_id: int
    student_id: int
    user_id: int | None
    kind: FeedbackKind
    value: int
    from_at: datetime
    until_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ClassSecond:
    """The class at one second: mean and quartiles of the scores there are, and how many of how many they cover.

    ``n_students`` is the number of students in the session, whether seen or not; the three numbers are None where
    nobody had a score.
    """

    second: int
    mean: float | None
    low_quartile: float | None
    high_quartile: float | None
    n_scored: int
    n_students: int


@dataclass(frozen=True, slots=True)
class MinuteRollup:
    """What one minute (Unix seconds // 60) of a session came to for one student."""

    student_id: int
    minute: int
    tally: Tally


@dataclass(frozen=True, slots=True)
class SessionRollup:
    """What one session came to for one student."""

    session_id: int
    student_id: int
    tally: Tally


@dataclass(frozen=True, slots=True)
class StudentSession:
    """A session held while a student was enrolled; ``tally`` is None where no camera looked at them."""

    session_id: int
    course_id: int
    course_title: str
    title: str
    started_at: datetime
    ended_at: datetime | None
    attendance: Attendance | None
    tally: Tally | None


class FlagState(StrEnum):
    """What a person decided about a risk flag."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class FlagRecord:
    """A student who may need help, with the reasons in words, and what a person decided."""

    id: int
    student_id: int
    course_id: int | None
    level: Level
    grounds: tuple[Ground, ...]
    state: FlagState
    raised_at: datetime
    decided_at: datetime | None
    decided_by: int | None
    note: str | None


@dataclass(frozen=True, slots=True)
class DemoMember:
    """A drawn student of the virtual class: name, source address and seat."""

    name: str
    address: str
    seat: str | None = None
