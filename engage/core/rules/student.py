"""What the rules know of one student: the signals in a scored sample, the student's own last minutes, the camera."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engage.core.rules.hold import Hold, HoldState
from engage.core.rules.settings import LIMITS, AlertSettings, RuleName
from engage.core.types import EMOTIONS, Reason, ScoredSample, SourceState, SourceStatus

NEGATIVE = tuple(EMOTIONS.index(name) for name in ("sadness", "anger", "disgust", "fear", "contempt"))
STUDENT_RULES: tuple[RuleName, ...] = tuple(name for name in RuleName if name is not RuleName.CLASS_DIP)

USUAL_S = 300.0
"""A student is compared with their own last five minutes,"""
RECENT_S = 30.0
"""but for the last half minute, which is what is compared."""
USUAL_FROM_S = 120.0
"""So much must be known of these minutes."""
USUAL_EVERY_S = 10.0
STALE_S = 10.0
"""Without a sample for this long nothing is known."""
CLOSED_SHARE = 0.6
"""Share of a second with closed lids from which it may be where drowsiness began."""
PERCLOS_S = 60.0
OPEN_S = 7.0
"""Whose eyes have been open for this long is awake again, though the last minute still counts as drowsy."""


class Reading(NamedTuple):
    """One second of one student, as far as the rules look at it."""

    student_id: int
    at: float
    """Capture, in Unix seconds."""
    duration_s: float
    face_share: float
    level: float | None
    """The unsmoothed score, without the cap of drowsiness, which has a rule of its own."""
    drowsy: bool
    too_dark: bool
    negative: float | None
    """Share of negative expressions."""
    lids_closed_share: float | None


def reading_of(scored: ScoredSample) -> Reading:
    """Return what the rules look at in a scored sample."""
    sample, score = scored.sample, scored.score
    return Reading(
        sample.student_id,
        sample.captured_at.timestamp(),
        sample.duration_s,
        sample.face_share,
        level_of(score.value, score.terms),
        score.terms.get("drowsy", 0.0) > 0,
        score.reason is Reason.TOO_DARK,
        None if sample.expression is None else sum(sample.expression[k] for k in NEGATIVE),
        sample.lids_closed_share,
    )


def level_of(value: float | None, terms: Mapping[str, float]) -> float | None:
    """Return the level that the rules look at, from a score and its terms; None where there is no score."""
    return None if value is None else terms.get("raw", value)


class StudentSignals:
    """The rules of one student, fed in order of capture.

    ``stirring`` takes up, by rule, the holds that are pending or firing; many students' rules may share it.
    """

    def __init__(self, settings: AlertSettings, stirring: Mapping[RuleName, set[Hold]] | None = None) -> None:
        self.holds: dict[RuleName, Hold] = {
            name: Hold(settings.rule(name), LIMITS[name], None if stirring is None else stirring[name])
            for name in STUDENT_RULES
        }
        self._low = self.holds[RuleName.LOW_ENGAGEMENT]
        self._drop = self.holds[RuleName.SUDDEN_DROP]
        self._away = self.holds[RuleName.AWAY]
        self._negative = self.holds[RuleName.NEGATIVE_EXPRESSION]
        self._drowsy = self.holds[RuleName.DROWSY]
        self._lost = self.holds[RuleName.CAMERA_LOST]
        self.level: float | None = None
        """That of the newest reading; None where it is too old."""
        self.usual: float | None = None
        """Median level of the student's own last minutes; it stands still while a drop is pending or firing."""
        self.seen_at = self.heard_at = -math.inf
        """Times of the newest sample, and of the newest sign of any kind."""
        self._recent: deque[tuple[float, float, float]] = deque()
        """Time, level and duration of the newest readings;"""
        self._before: deque[tuple[float, float]] = deque()
        self._known_s: deque[float] = deque()
        """time and level, and duration, of those before: the student's own last minutes,"""
        self._sorted: list[float] = []
        """and their levels in order: every few seconds the median is asked for."""
        self._usual_due = 0.0
        self._closed: deque[float] = deque()
        self._here = False
        self._lost_at: float | None = None

    @property
    def drop(self) -> float | None:
        """Return how far the level lies below the student's own last minutes."""
        return None if self.level is None or self.usual is None else self.usual - self.level

    def observe(self, reading: Reading) -> None:
        """Take one second; one that is not later than the last is ignored."""
        at = reading.at
        if at <= self.seen_at:
            return
        if self._lost_at is not None and at > self._lost_at:
            self._lost_at = None
        self.seen_at = at
        self.heard_at = max(self.heard_at, at)
        self.level = reading.level
        self._remember(at, reading.duration_s)
        self._track_closure(at, reading.lids_closed_share)
        self._here = self._here or reading.face_share > 0.5
        unseen = reading.too_dark or not self._here
        level, usual = self.level, self.usual
        self._low.update(at, level)
        self._drop.update(at, None if level is None or usual is None else usual - level)
        self._away.update(at, None if unseen else 1.0 - reading.face_share)
        self._negative.update(at, reading.negative)
        began = self._closed[0] if self._closed else None
        still = bool(self._closed) and at - self._closed[-1] <= OPEN_S
        unread = reading.level is None or reading.lids_closed_share is None
        self._drowsy.update(at, None if unread else float(reading.drowsy and still), began)

    def note(self, status: SourceStatus) -> None:
        """Take a change of the camera's state."""
        at = status.at.timestamp()
        self.heard_at = max(self.heard_at, at)
        self._lost_at = at if status.state is SourceState.LOST and at >= self.seen_at else None

    def advance(self, at: float) -> None:
        """Say that time has reached ``at``: what was not heard of for long is unknown, a lost camera stays lost."""
        if at - self.seen_at > STALE_S:
            self.level = None
            for name, hold in self.holds.items():
                if name is not RuleName.CAMERA_LOST:
                    hold.update(at, None)
        self._lost.update(at, float(self._lost_at is not None), self._lost_at)

    def _remember(self, at: float, duration_s: float) -> None:
        if self.level is not None:
            self._recent.append((at, self.level, duration_s))
        if at < self._usual_due or self._drop.state is not HoldState.INACTIVE:
            return
        self._usual_due = at + USUAL_EVERY_S
        while self._recent and self._recent[0][0] <= at - RECENT_S:
            when, level, length_s = self._recent.popleft()
            self._before.append((when, level))
            self._known_s.append(length_s)
            insort(self._sorted, level)
        while self._before and self._before[0][0] <= at - USUAL_S:
            del self._sorted[bisect_left(self._sorted, self._before.popleft()[1])]
            self._known_s.popleft()
        self.usual = _median(self._sorted) if sum(self._known_s) >= USUAL_FROM_S else None

    def _track_closure(self, at: float, share: float | None) -> None:
        if share is not None and share >= CLOSED_SHARE:
            self._closed.append(at - 1.0)
        while self._closed and self._closed[0] <= at - PERCLOS_S:
            self._closed.popleft()


def _median(ordered: Sequence[float]) -> float:
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
