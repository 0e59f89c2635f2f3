"""What the rules know of one student: the signals in a scored sample, the student's own last minutes, the camera."""

from __future__ import annotations

import math
import statistics
from collections import deque

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


class StudentSignals:
    """The rules of one student, fed in order of capture."""

    def __init__(self, settings: AlertSettings) -> None:
        self.holds: dict[RuleName, Hold] = {name: Hold(settings.rule(name), LIMITS[name]) for name in STUDENT_RULES}
        self.level: float | None = None
        """The unsmoothed score, without the cap of drowsiness, which has a rule of its own: what the rules look at."""
        self.usual: float | None = None
        """Median level of the student's own last minutes; it stands still while a drop is pending or firing."""
        self.seen_at = self.heard_at = -math.inf
        """Times of the newest sample, and of the newest sign of any kind."""
        self._levels: deque[tuple[float, float, float]] = deque()
        self._usual_due = 0.0
        self._closed: deque[float] = deque()
        self._here = False
        self._lost_at: float | None = None

    @property
    def drop(self) -> float | None:
        """Return how far the level lies below the student's own last minutes."""
        return None if self.level is None or self.usual is None else self.usual - self.level

    def observe(self, scored: ScoredSample) -> None:
        """Take one second; one that is not later than the last is ignored."""
        sample, score = scored.sample, scored.score
        at = sample.captured_at.timestamp()
        if at <= self.seen_at:
            return
        if self._lost_at is not None and at > self._lost_at:
            self._lost_at = None
        self.seen_at = at
        self.heard_at = max(self.heard_at, at)
        drowsy = score.terms.get("drowsy", 0.0) > 0
        self.level = None if score.value is None else score.terms.get("raw", score.value)
        self._remember(at, sample.duration_s)
        self._track_closure(at, sample.lids_closed_share)
        negative = None if sample.expression is None else sum(sample.expression[k] for k in NEGATIVE)
        self._here = self._here or sample.face_share > 0.5
        unseen = score.reason is Reason.TOO_DARK or not self._here
        feed = {
            RuleName.LOW_ENGAGEMENT: self.level,
            RuleName.SUDDEN_DROP: self.drop,
            RuleName.AWAY: None if unseen else 1.0 - sample.face_share,
            RuleName.NEGATIVE_EXPRESSION: negative,
        }
        for name, value in feed.items():
            self.holds[name].update(at, value)
        began = self._closed[0] if self._closed else None
        still = bool(self._closed) and at - self._closed[-1] <= OPEN_S
        unread = score.value is None or sample.lids_closed_share is None
        self.holds[RuleName.DROWSY].update(at, None if unread else float(drowsy and still), began)

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
        self.holds[RuleName.CAMERA_LOST].update(at, float(self._lost_at is not None), self._lost_at)

    def _remember(self, at: float, duration_s: float) -> None:
        if self.level is not None:
            self._levels.append((at, self.level, duration_s))
        while self._levels and self._levels[0][0] <= at - USUAL_S:
            self._levels.popleft()
        if at < self._usual_due or self.holds[RuleName.SUDDEN_DROP].state is not HoldState.INACTIVE:
            return
        self._usual_due = at + USUAL_EVERY_S
        before = [(level, length) for when, level, length in self._levels if when <= at - RECENT_S]
        known_s = sum(length for _, length in before)
        self.usual = statistics.median(level for level, _ in before) if known_s >= USUAL_FROM_S else None

    def _track_closure(self, at: float, share: float | None) -> None:
        if share is not None and share >= CLOSED_SHARE:
            self._closed.append(at - 1.0)
        while self._closed and self._closed[0] <= at - PERCLOS_S:
            self._closed.popleft()
