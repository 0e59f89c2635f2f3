"""What the API answers about a lesson as it goes on: seconds, gestures, alerts, the parts of a score, feedback."""

from __future__ import annotations

from pydantic import Field

from dashboard.api_answers import Shape
from engage.core.rules import RuleName
from engage.core.types import Reason, SourceState
from engage.core.updates import AlertState


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
