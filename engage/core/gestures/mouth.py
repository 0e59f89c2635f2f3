"""Yawns, and movements of the mouth that look like speech."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engage.core.gestures.kinds import GestureKind
from engage.core.gestures.oscillation import FRONT_DEG
from engage.core.gestures.reading import Reading, Recent
from engage.core.gestures.spells import Found, Spell, SpellLimits

WIDE = 0.4
"""Mouth opening from which it may be a yawn."""
GAPING = 0.5
"""What a yawn reaches; the network reads a jaw that is all open as .58 (mean of six virtual students)."""
NARROWED = 0.65
"""Lids come down in a yawn, on average at least so far; in surprise, which opens the mouth too, they go up."""
YAWN_S = 1.5

SPEECH_WINDOW_S = 1.6
SYLLABLE_S = 0.2
"""A syllable: moments this far apart show the mouth in different shapes (four to six syllables a second)."""
SPEECH_LEAST = 0.05
"""The network's readings of a still mouth jitter by .01, of a speaking one it shows about half the movement."""
SPEECH_FULL = 0.12
LEAST_TRIPLES = 5


class Yawns:
    """Recognises yawns: the mouth wide open for long while the lids come down."""

    def __init__(self) -> None:
        self._spell = Spell(GestureKind.YAWN, SpellLimits(YAWN_S, bridge_s=0.4))
        self._widest = 0.0
        self._lids: list[float] = []

    def update(self, now: Reading) -> list[Found]:
        """Take the newest reading; return the yawn that ended with it."""
        mouth = now.mouth or 0.0
        found = self._true(self._spell.update(now.at, mouth > WIDE, mouth))
        if not self._spell.on:
            self._widest, self._lids = 0.0, []
        elif mouth > WIDE:
            self._widest = max(self._widest, mouth)
            if now.lids is not None:
                self._lids.append(now.lids)
        return found

    def finish(self) -> list[Found]:
        """End what is under way and return it."""
        return self._true(self._spell.finish())

    def _true(self, found: list[Found]) -> list[Found]:
        narrowed = not self._lids or sum(self._lids) / len(self._lids) <= NARROWED
        return found if narrowed and self._widest >= GAPING else []


class Speech:
    """Recognises mouths that move as in speech, while facing the front; given out in pieces of five seconds."""

    def __init__(self) -> None:
        self._spell = Spell(GestureKind.SPEAKING, SpellLimits(1.0, bridge_s=0.8, longest_s=5.0))

    def update(self, recent: Recent, now: Reading) -> list[Found]:
        """Take the newest reading, already in ``recent``; return what ended with it."""
        facing = now.aside_deg is not None and abs(now.aside_deg) <= FRONT_DEG
        much = 0.0
        if facing and recent.readable(GestureKind.SPEAKING):
            much = liveliness([(r.at, r.mouth) for r in recent.last(SPEECH_WINDOW_S) if r.mouth is not None])
        return self._spell.update(now.at, much >= SPEECH_LEAST, much / SPEECH_FULL)

    def finish(self) -> list[Found]:
        """End what is under way and return it."""
        return self._spell.finish()


def liveliness(mouths: Sequence[tuple[float, float]]) -> float:
    """Return how much a mouth (time in seconds, opening 0-1) moves from syllable to syllable.

    Root mean square of the distance from the middle of the moments a syllable before and after, so that a mouth that
    opens slowly, as in a smile or a yawn, does not count; 0 where there are too few moments.
    """
    total, n, before, after = 0.0, 0, 0, 0
    for at, mouth in mouths:
        while before + 1 < len(mouths) and mouths[before + 1][0] <= at - SYLLABLE_S + 0.02:
            before += 1
        while after < len(mouths) and mouths[after][0] < at + SYLLABLE_S - 0.02:
            after += 1
        if after == len(mouths):
            break
        if mouths[before][0] <= at - SYLLABLE_S + 0.02:
            total += (mouth - (mouths[before][1] + mouths[after][1]) / 2) ** 2
            n += 1
    return math.sqrt(total / n) if n >= LEAST_TRIPLES else 0.0
