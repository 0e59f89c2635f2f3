"""The states of one alert: inactive, pending, firing; one signal in, in order of time."""

from __future__ import annotations

import math
from collections import deque
from enum import StrEnum

from engage.core.rules.settings import Limits, RuleSettings

HOLE_S = 10.0
"""A pending alert is forgotten when nothing was known for this long,"""
NO_DATA_ENDS_S = 30.0
"""and a firing one is resolved: no data is not low."""
LONGEST_STEP_S = 2.0
"""A value stands for the time since the one before it, but never for more than this."""
MOST_BACKDATING = 0.6
"""Share of the hold time that the cause may lie before the condition: the rest has to be seen."""


class HoldState(StrEnum):
    """Where an alert stands."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


class Hold:
    """Follows one rule for one student or class.

    The condition sets in beyond the threshold and ends only back at the clear threshold (hysteresis). It fires once it
    has held for the hold time, counted from its cause, and the mean over that time lies beyond the threshold too:
    a value that hovers there fires once, one that touched it once never.
    """

    def __init__(self, settings: RuleSettings, limits: Limits, stirring: set[Hold] | None = None) -> None:
        """Follow by ``settings``; it is in ``stirring`` while pending or firing."""
        self.state = HoldState.INACTIVE
        self.since = 0.0
        """When the cause began, while pending or firing."""
        self.fired_at = 0.0
        self.cool_until = -math.inf
        self._settings = settings
        self._limits = limits
        self._enabled, self._threshold, self._above = settings.enabled, settings.threshold, limits.above
        self._stirring = set() if stirring is None else stirring
        self._held: deque[tuple[float, float, float]] = deque()
        """Time, value and weight over the last hold time, since the condition set in."""
        self._mean: float | None = None
        """Of what is held, once it was asked for."""
        self._last = -math.inf
        self._known = self._known_since = -math.inf
        self._good_since: float | None = None

    @property
    def mean(self) -> float | None:
        """Return the mean of the values held, weighted by time."""
        if self._mean is None:
            total = weighted = 0.0
            for _, value, weight in self._held:
                total += weight
                weighted += value * weight
            self._mean = weighted / total if total > 0 else None
        return self._mean

    def nearly(self, at: float, within_s: float) -> bool:
        """Return whether it fires, or would within ``within_s`` seconds if all stays as it is."""
        if self.state is HoldState.PENDING:
            return self._due(at + within_s) and self._beyond_on_average()
        return self.state is HoldState.FIRING

    def update(self, at: float, value: float | None, cause: float | None = None) -> None:
        """Take the value at ``at`` (seconds), None where nothing is known; an earlier ``at`` than the last is ignored.

        ``cause`` is when the cause of a bad value began, where the signal knows it.
        """
        if at <= self._last or not self._enabled:
            return
        last, self._last = self._last, at
        if self.state is not HoldState.INACTIVE:
            self._end_without_data(at)
        if value is None:
            return
        if at - self._known > HOLE_S:
            self._known_since = at
        self._known = at
        if self.state is HoldState.INACTIVE:  # as nearly always, so as little as possible is done up to here
            if value > self._threshold if self._above else value < self._threshold:
                self._begin(at, cause)
                self._hold(at, value, last)
            return
        step = self._hold(at, value, last)
        good = not self._bad(value, self._settings.clear)
        self._good_since = (self._good_since if self._good_since is not None else at - step) if good else None
        good_s = 0.0 if self._good_since is None else at - self._good_since
        if self.state is HoldState.PENDING:
            self._pend(at, good_s)
        elif (good_s >= self._settings.clear_s and good) or at - self.fired_at >= self._limits.longest_s:
            self.end(at)

    def end(self, at: float) -> None:
        """Become inactive; after having fired, stay silent for the cool-down."""
        if self.state is HoldState.FIRING:
            self.cool_until = at + self._settings.cool_down_s
        self.state = HoldState.INACTIVE
        self._stirring.discard(self)
        self._held.clear()
        self._mean = None

    def _hold(self, at: float, value: float, last: float) -> float:
        """Hold a value for the mean; return the time it stands for, in seconds."""
        step = min(at - last, LONGEST_STEP_S) if last > -math.inf else 1.0
        self._held.append((at, value, step))
        while self._held[0][0] <= at - self._settings.hold_s:
            self._held.popleft()
        self._mean = None
        return step

    def _begin(self, at: float, cause: float | None) -> None:
        earliest = max(at - MOST_BACKDATING * self._settings.hold_s, self._known_since)
        self.since = max(at - self._limits.lag_s if cause is None else cause, earliest)
        self.state, self._good_since = HoldState.PENDING, None
        self._stirring.add(self)

    def _pend(self, at: float, good_s: float) -> None:
        if good_s > self._limits.grace_s:
            self.end(at)
        elif good_s == 0.0 and self._due(at) and self._beyond_on_average():
            self.state, self.fired_at = HoldState.FIRING, at

    def _end_without_data(self, at: float) -> None:
        patience_s = NO_DATA_ENDS_S if self.state is HoldState.FIRING else HOLE_S
        if self.state is not HoldState.INACTIVE and at - self._known > patience_s:
            self.end(at)

    def _due(self, at: float) -> bool:
        return at - self.since >= self._settings.hold_s and at >= self.cool_until

    def _bad(self, value: float, threshold: float) -> bool:
        return value > threshold if self._above else value < threshold

    def _beyond_on_average(self) -> bool:
        mean = self.mean
        return mean is not None and self._bad(mean, self._settings.threshold)
