"""How many frames a second a source should give: what was agreed, and what the system turns out to bear. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

LEAST_FPS = 2.0
"""Below this many looks a second a score says little, so that no source is slowed down past it."""

SETTLE_S = 4.0
"""After a change nothing is judged for so long: what was queued before it has to leave first."""
LATE_IN_A_ROW = 2
"""One late second is an accident, two are load."""
DROPPED_SHARE = 0.02
SLOWER, FASTER = 0.75, 1.15
FRESH_FOR_S = 3.0
"""Results must come in good time for so long before more is tried."""
PROBE_AFTER_S, PROBE_LONGEST_S = 60.0, 960.0
"""What proved too much is not tried again before; twice as long after each failure."""
ROOM = 0.9
"""Share of the processors that may be busy after a step up, whoever keeps them busy."""
TYPICAL = 0.9
"""The quantile of ages that counts: one slow camera does not slow down a class."""


class RateLimits(Protocol):
    """The part of the section ``capture`` of the settings that bounds rates."""

    @property
    def rate_fps(self) -> float:
        """Return the rate in a class of ordinary size."""

    @property
    def crowded_rate_fps(self) -> float:
        """Return the rate from ``crowded_from`` students on."""

    @property
    def crowded_from(self) -> int:
        """Return the number of students that makes a crowd."""

    @property
    def lowest_rate_fps(self) -> float:
        """Return the rate below which gestures and scores suffer."""

    @property
    def frames_per_core_s(self) -> float:
        """Return what one core is trusted with before it was seen at work."""

    @property
    def late_after_s(self) -> float:
        """Return the age of a frame's signals past which they are late."""


def agreed_fps(limits: RateLimits, n_sources: int) -> float:
    """Return the frames a second each of ``n_sources`` is looked at where the machine bears it."""
    return limits.rate_fps if n_sources < limits.crowded_from else limits.crowded_rate_fps


def shared_fps(limits: RateLimits, n_sources: int, total_fps: float) -> float:
    """Return each source's rate where ``total_fps`` frames a second can be borne: as agreed at most, never too few."""
    agreed = agreed_fps(limits, n_sources)
    lowest = min(agreed, max(LEAST_FPS, limits.lowest_rate_fps))
    return min(agreed, max(total_fps / max(1, n_sources), lowest))


def agreed_rate_fps(limits: RateLimits, n_sources: int, cores: int) -> float:
    """Return the frames a second each of ``n_sources`` is looked at: as agreed, or what ``cores`` are trusted with."""
    return shared_fps(limits, n_sources, cores * limits.frames_per_core_s)


def typical(ages_s: Sequence[float]) -> float | None:
    """Return the age that nine in ten do not exceed, None of none."""
    ordered = sorted(ages_s)
    return ordered[min(len(ordered) - 1, math.floor(TYPICAL * len(ordered)))] if ordered else None


@dataclass(frozen=True, slots=True)
class Observed:
    """What one second showed."""

    n_sources: int
    age_s: float | None
    """How old frames typically were when their signals had come all the way; None where none came."""
    dropped_share: float = 0.0
    """Of the frames: those too old or too many to be read."""
    busy: float | None = None
    """Share of the processors at work, 0-1, by whatever; None where that is not known."""


@dataclass(slots=True)
class Tempo:
    """Frames a second of all sources together, as the system proves to bear them; a rate for each follows from it.

    It begins with what so many cores are trusted with. Where results are late or dropped it falls by a quarter, and
    remembers what was too much; while they come in good time, and processors have room, it climbs by a seventh. What
    was too much is tried again after a minute, where that fails after two, and so on, so that a rate at its limit does
    not sway. Times are monotonic seconds.
    """

    limits: RateLimits
    cores: int
    total_fps: float = field(init=False)
    _n_sources: int = 0
    _late: int = 0
    _fresh_since_s: float | None = None
    _quiet_until_s: float = float("-inf")
    _too_much_fps: float = math.inf
    _probe_at_s: float = float("-inf")
    _probe_after_s: float = PROBE_AFTER_S
    _probing: bool = False

    def __post_init__(self) -> None:
        """Trust the cores as far as the settings do."""
        self.total_fps = self.cores * self.limits.frames_per_core_s

    def rate_fps(self) -> float:
        """Return the frames a second each source should give now."""
        return shared_fps(self.limits, self._n_sources, self.total_fps)

    def agreed_fps(self) -> float:
        """Return what each would give if the machine bore it."""
        return agreed_fps(self.limits, self._n_sources)

    def count(self, n_sources: int) -> None:
        """Say how many sources share the machine."""
        self._n_sources = n_sources

    def observe(self, seen: Observed, now_s: float) -> None:
        """Take in one second; call it about once in that time."""
        if seen.n_sources > self._n_sources:  # who begins is late at first, whatever the load
            self._wait(now_s)
        self.count(seen.n_sources)
        if now_s < self._quiet_until_s or not seen.n_sources:
            return
        late = seen.dropped_share > DROPPED_SHARE or (seen.age_s or 0.0) > self.limits.late_after_s
        fresh = not seen.dropped_share and seen.age_s is not None and seen.age_s < self.limits.late_after_s / 2
        self._late = self._late + 1 if late else 0
        if not fresh:
            self._fresh_since_s = None
        elif self._fresh_since_s is None:
            self._fresh_since_s = now_s
        if self._late >= LATE_IN_A_ROW:
            self._slow_down(now_s)
        elif self._fresh_since_s is not None and now_s - self._fresh_since_s >= FRESH_FOR_S:
            self._try_more(seen.busy, now_s)

    def _slow_down(self, now_s: float) -> None:
        used = self.rate_fps() * self._n_sources
        self.total_fps = used * SLOWER
        if self._probing:
            self._probe_after_s = min(2 * self._probe_after_s, PROBE_LONGEST_S)
        self._too_much_fps, self._probing = used, False
        self._probe_at_s = now_s + self._probe_after_s
        self._wait(now_s)

    def _try_more(self, busy: float | None, now_s: float) -> None:
        used, most = self.rate_fps() * self._n_sources, self.agreed_fps() * self._n_sources
        if used >= most:
            self._probe_after_s, self._probing = PROBE_AFTER_S, False
            return
        more = min(max(used, self.total_fps) * FASTER, most)
        if more > 0.9 * self._too_much_fps and now_s < self._probe_at_s:
            return
        if busy is not None and busy * more / used > ROOM:
            return
        if more > 0.9 * self._too_much_fps:
            self._too_much_fps, self._probing = math.inf, True
        self.total_fps = more
        self._wait(now_s)

    def _wait(self, now_s: float) -> None:
        self._quiet_until_s = now_s + SETTLE_S
        self._late, self._fresh_since_s = 0, None
