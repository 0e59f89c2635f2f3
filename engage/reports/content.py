"""What a session report shows, as numbers: every page and file is written from these records and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from engage.core.tally import Tally
from engage.core.types import Mode
from engage.reports.language import ENGLISH, Language
from engage.storage.records import MarkerRecord, RosterEntry, SessionRecord

MINUTE_S = 60
COMPARED_SESSIONS = 10
"""How many earlier sessions a report is compared with, at most."""


COMPARED_FROM_S = 300.0
"""An earlier session is compared with only where it holds scores for this much student time."""


@dataclass(frozen=True, slots=True)
class PastSession:
    """An earlier session of the course, and what all its students' time came to."""

    session: SessionRecord
    tally: Tally

    @property
    def comparable(self) -> bool:
        """Return whether it holds enough to be compared with."""
        return self.tally.scored_s >= COMPARED_FROM_S


@dataclass(frozen=True, slots=True)
class Material:
    """All a report is computed from. ``minutes`` holds, per student, the tally of each minute (Unix seconds // 60)."""

    session: SessionRecord
    mode: Mode
    """What may be shown: no more than policy allows now."""
    roster: Sequence[RosterEntry]
    minutes: Mapping[int, Mapping[int, Tally]]
    markers: Sequence[MarkerRecord]
    earlier: Sequence[PastSession]
    """The newest first."""
    now: datetime


class Cell(StrEnum):
    """What one student's minute says where it has no score."""

    SCORED = "scored"
    SEEN = "seen"
    AWAY = "away"
    NONE = "no data"


@dataclass(frozen=True, slots=True)
class ClassMinute:
    """The class in one minute: mean and quartiles of the students' means, and how much of their time they cover.

    ``coverage`` and ``present`` are shares, 0-1, of the time all students could have been seen in this minute.
    """

    minute: int
    length_s: float
    mean: float | None
    low_quartile: float | None
    high_quartile: float | None
    n_scored: int
    coverage: float
    present: float

    @property
    def starts_at(self) -> datetime:
        """Return its first moment, aware UTC."""
        return datetime.fromtimestamp(self.minute * MINUTE_S, UTC)


@dataclass(frozen=True, slots=True)
class Point:
    """A minute of one student with its mean score, and the marker it fell on."""

    minute: int
    score: float
    marker: str | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some minutes of the class, ``until`` not included, with their mean and the marker they fell on."""

    minute: int
    until: int
    mean: float
    marker: str | None


@dataclass(frozen=True, slots=True)
class Shares:
    """How a student's time divides; the five add up to 1. In mode ``presence``, attentive means: a face was there."""

    attentive: float
    away: float
    drowsy: float
    unclear: float
    """A camera looked, but it was too dark, or where the student looked could not be told."""
    no_data: float
    """No camera looked."""


@dataclass(frozen=True, slots=True)
class StudentPart:
    """One student of the report. ``low`` and ``high`` bound the score by its confidence."""

    student_id: int
    name: str
    seat: str | None
    tally: Tally
    shares: Shares
    low: float | None
    high: float | None
    minutes: tuple[float | None, ...]
    """The mean score of each minute of the report, None where there is none."""
    cells: tuple[Cell, ...]
    lowest: Point | None
    highest: Point | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """This session beside earlier ones: the change is against the mean of their means."""

    change: float
    mean: float
    lowest: float
    highest: float
    n_sessions: int


@dataclass(frozen=True, slots=True)
class Report:
    """One session. Times are aware UTC; ``zone`` is where people read them (None: where this program runs)."""

    session: SessionRecord
    mode: Mode
    made_at: datetime
    zone: tzinfo | None
    length_s: float
    tally: Tally
    coverage: float
    present: float
    minutes: tuple[ClassMinute, ...]
    markers: tuple[MarkerRecord, ...]
    students: tuple[StudentPart, ...]
    best: Stretch | None
    weakest: Stretch | None
    comparison: Comparison | None
    earlier: tuple[PastSession, ...]
    summary: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    language: Language = ENGLISH
    """What its words are in."""

    @property
    def title(self) -> str:
        """Return what the session is called."""
        return self.session.title or self.session.course_title

    @property
    def empty(self) -> bool:
        """Return whether nobody was looked at."""
        return self.tally.observed_s <= 0
