"""What the end of the line sees of the load, and the rate that sources are asked for in answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from engage.core.meters import Meters
from engage.core.pacing import Observed, Tempo, typical
from engage.core.types import Origin, RateHint, Strain
from engage.core.updates import Rate

PERIOD_S = 1.0
REPEAT_S = 5.0
"""Hints are repeated after this, for capture workers that began anew."""
SEEN_S = 5.0
"""A source that gave nothing for so long does not share the machine."""
WORTH_TELLING = 0.02
"""A change by a smaller share is not told before the next repeat."""

Busy = Callable[[], float | None]
"""The share of this machine's processors at work since the last call, 0-1; None where that is not known."""


@dataclass(slots=True)
class Feedback:
    """Judges once a second how old frames are when they arrive and how many were lost, and hints at a rate.

    ``hint`` hands one hint to a capture worker and never waits. Where ``adapts`` is False nothing is hinted, and the
    rate is the one that the processors are trusted with.
    """

    tempo: Tempo
    hint: Callable[[RateHint], None] = lambda hint: None
    busy: Busy = lambda: None
    meters: Meters = field(default_factory=Meters)
    adapts: bool = True
    _ages_s: list[float] = field(default_factory=list)
    _seen_s: dict[Origin, float] = field(default_factory=dict)
    _frames: int = 0
    _dropped: int = 0
    _judged_s: float | None = None
    _told_s: float = float("-inf")
    _told_fps: float = 0.0
    _told: frozenset[Origin] = frozenset()

    def see(self, origin: Origin, age_s: float, now_s: float) -> None:
        """Take in a frame that has come all the way, ``age_s`` after its capture."""
        self._seen_s[origin] = now_s
        self._ages_s.append(age_s)

    def strain(self, said: Strain) -> None:
        """Take in what inference had to drop."""
        self._frames += said.frames
        self._dropped += said.dropped

    def rate(self) -> Rate | None:
        """Return what sources are asked for now; None before anything was judged."""
        return Rate(self.tempo.rate_fps(), self.tempo.agreed_fps()) if self._seen_s else None

    def judge(self, now_s: float) -> None:
        """Judge the last second, where it is over, and tell the sources where the rate is new."""
        if self._judged_s is None:
            self._judged_s = now_s
        if now_s - self._judged_s < PERIOD_S:
            return
        self._judged_s = now_s
        self._seen_s = {origin: seen_s for origin, seen_s in self._seen_s.items() if now_s - seen_s < SEEN_S}
        frames = self._frames + self._dropped
        share = self._dropped / frames if frames else 0.0
        self.meters.observe("collected_age_seconds", self._ages_s)
        seen = Observed(len(self._seen_s), typical(self._ages_s), share, self.busy())
        self.tempo.observe(seen, now_s) if self.adapts else self.tempo.count(seen.n_sources)
        self._ages_s, self._frames, self._dropped = [], 0, 0
        self._tell(now_s)

    def _tell(self, now_s: float) -> None:
        rate_fps, sources = self.tempo.rate_fps(), frozenset(self._seen_s)
        self.meters.set("sources_seen", len(sources))
        self.meters.set("rate_fps", rate_fps if sources else 0.0)
        self.meters.set("agreed_rate_fps", self.tempo.agreed_fps() if sources else 0.0)
        changed = abs(rate_fps - self._told_fps) > WORTH_TELLING * rate_fps
        repeated = changed or now_s - self._told_s >= REPEAT_S
        if not self.adapts:
            return
        for origin in sources if repeated else sources - self._told:
            self.hint(RateHint(origin, rate_fps))
        self._told = sources
        if repeated:
            self._told_s, self._told_fps = now_s, rate_fps
