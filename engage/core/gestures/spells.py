"""States that last: from the first moment they hold to the last, short breaks bridged, long ones cut in pieces."""

from __future__ import annotations

from dataclasses import dataclass

from engage.core.gestures.kinds import GestureKind
from engage.core.gestures.reading import LONGEST_GAP_S


@dataclass(frozen=True, slots=True)
class Found:
    """A gesture of somebody: from ``start`` to ``end`` (Unix seconds), strength 0-1."""

    kind: GestureKind
    start: float
    end: float
    strength: float


@dataclass(frozen=True, slots=True)
class SpellLimits:
    """From when on a spell counts, which break it outlives, and where it is cut; in seconds.

    A cut spell goes on as the next one: what is stored is never older than ``longest_s``.
    """

    least_s: float
    bridge_s: float = 0.8
    longest_s: float = 60.0


class Spell:
    """Follows one state of one student.

    A spell that a frame does not continue is given out by the first frame ``bridge_s`` past its end, or by any frame
    after a gap: nothing that ended longer ago is ever still to come.
    """

    def __init__(self, kind: GestureKind, limits: SpellLimits) -> None:
        self.kind = kind
        self._limits = limits
        self._start: float | None = None
        self._end = 0.0
        self._seen = 0.0
        self._strengths: list[float] = []

    @property
    def on(self) -> bool:
        """Return whether a spell is under way, however short."""
        return self._start is not None

    def update(self, at: float, holds: bool, strength: float = 1.0) -> list[Found]:
        """Take one frame; return the spell that is over with it, if it lasted."""
        found: list[Found] = []
        gap = self._start is not None and at - self._seen > LONGEST_GAP_S
        if self._start is not None and (gap or (not holds and at - self._end >= self._limits.bridge_s)):
            found = self.finish()
        self._seen = at
        if not holds:
            return found
        if self._start is None:
            self._start = at
        self._end = at
        self._strengths.append(strength)
        if at - self._start >= self._limits.longest_s:
            found += self.finish()
            self._start = at
        return found

    def finish(self) -> list[Found]:
        """End what is under way and return it, if it lasted."""
        start, strengths = self._start, self._strengths
        self._start, self._strengths = None, []
        if start is None or not strengths or self._end - start < self._limits.least_s:
            return []
        mean = sum(strengths) / len(strengths)
        return [Found(self.kind, start, self._end, min(max(mean, 0.0), 1.0))]
