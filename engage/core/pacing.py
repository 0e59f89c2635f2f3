"""How many frames a second a source should give: what was agreed, what the machine bears, what the queue says. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

LEAST_FPS = 1.0
"""A student who shares their picture is looked at once a second at least, however busy the machine is."""

TOO_OLD_S = 1.0
"""Older than this, on top of the time between two frames, results are late: the source should slow down."""
FRESH_S = 0.5
SLOWER, FASTER_FPS = 0.7, 0.5
STEP_S = 1.0
"""The rate changes once in this time at most, so that the effect of a change shows before the next."""


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
        """Return what one core is trusted with."""


def agreed_rate_fps(limits: RateLimits, n_sources: int, cores: int) -> float:
    """Return the frames a second each of ``n_sources`` is looked at: as agreed, or what ``cores`` can bear."""
    agreed = limits.rate_fps if n_sources < limits.crowded_from else limits.crowded_rate_fps
    bearable = cores * limits.frames_per_core_s / max(1, n_sources)
    return min(agreed, max(bearable, limits.lowest_rate_fps))


@dataclass(slots=True)
class Pacer:
    """The rate one pushing browser is asked for, between LEAST_FPS and what is agreed.

    ``hear`` is told how old results were when they came back; while they are late the rate falls by a third a second,
    and while they are fresh it climbs by half a frame. Times are monotonic seconds.
    """

    rate_fps: float
    _changed_s: float = float("-inf")

    def hear(self, age_s: float, now_s: float) -> None:
        """Take in how old the newest frame of a result was when it was published."""
        if now_s - self._changed_s < STEP_S:
            return
        late_s = age_s - 1.0 / self.rate_fps  # a sample is closed by the next frame, which is that much later
        if late_s > TOO_OLD_S:
            self.rate_fps *= SLOWER
        elif late_s < FRESH_S:
            self.rate_fps += FASTER_FPS
        else:
            return
        self._changed_s = now_s

    def ask(self, agreed_fps: float) -> float:
        """Return the frames a second to ask for now, where ``agreed_fps`` is the most."""
        self.rate_fps = max(LEAST_FPS, min(self.rate_fps, agreed_fps))
        return self.rate_fps
