"""Participation G: what stored gestures of the last minute say (DESIGN.md section 5). Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from engage.core.gestures.kinds import SETTLED_S, GestureKind
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import GestureEvent

COUNTED = frozenset({GestureKind.NOD, GestureKind.RAISED_HAND, GestureKind.SPEAKING})


class Participation:
    """Gathers one student's gestures in any order; the same gestures give the same G exactly.

    A gesture counts from ``SETTLED_S`` after its end on, when it is known for certain: only so can a stored session
    be scored again to the last bit.
    """

    def __init__(self, settings: ScoringSettings) -> None:
        self._settings = settings
        self._gestures: dict[tuple[str, float], GestureEvent] = {}

    def note(self, gesture: GestureEvent) -> None:
        """Remember a gesture; those that do not count, and repeats, change nothing."""
        if gesture.kind in COUNTED:
            self._gestures.setdefault((gesture.kind, gesture.started_at.timestamp()), gesture)

    def at(self, at: float) -> float:
        """Return G in [0, 1] at a moment (Unix seconds) that is not before the one asked for last."""
        newest = at - SETTLED_S
        oldest = newest - self._settings.participation_window_s
        self._gestures = {key: g for key, g in self._gestures.items() if g.ended_at.timestamp() > oldest}
        return min(1.0, math.fsum(self._parts(oldest, newest)))

    def _parts(self, oldest: float, newest: float) -> Iterator[float]:
        settings = self._settings
        for (kind, started_at), gesture in self._gestures.items():
            ended_at = gesture.ended_at.timestamp()
            if ended_at > newest:
                continue
            if kind == GestureKind.NOD:
                yield settings.participation_per_nod * gesture.strength
            elif kind == GestureKind.RAISED_HAND:
                yield settings.participation_per_hand * gesture.strength
            else:
                yield (ended_at - max(started_at, oldest)) / settings.participation_full_speech_s
