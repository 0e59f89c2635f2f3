"""What one committed batch says to the live pages: scored samples, sources, gestures, alerts, and the rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from engage.core.types import GestureEvent, ScoredSample, SourceStatus


class AlertState(StrEnum):
    """Where an alert stands. What has not held for long enough yet is pending, and nobody hears of it."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """A rule that began to fire for a student, or for the class (``student_id`` None), or ceased to.

    ``started_at`` is the capture time at which it began to fire; with session, student and rule it names the firing.
    ``details`` holds the numbers behind it: ``since`` (Unix seconds) is when its cause began. ``id`` is 0 until stored.
    """

    session_id: int
    student_id: int | None
    rule: str
    state: AlertState
    started_at: datetime
    ended_at: datetime | None = None
    details: Mapping[str, float | str] = field(default_factory=dict)
    id: int = 0
    acknowledged_at: datetime | None = None
    snoozed_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """Frames a second that each source is asked for now, and would be if the machine bore it."""

    asked_fps: float
    agreed_fps: float


@dataclass(frozen=True, slots=True)
class LiveUpdate:
    """What one committed batch says to the live pages of one session."""

    session_id: int
    committed_at: datetime
    samples: tuple[ScoredSample, ...] = ()
    statuses: tuple[SourceStatus, ...] = ()
    gestures: tuple[GestureEvent, ...] = ()
    alerts: tuple[AlertEvent, ...] = ()
    rate: Rate | None = None
