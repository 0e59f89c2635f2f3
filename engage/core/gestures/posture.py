"""Where a student is and looks: away, down, out of the seat, leaning in; and drowsy."""

from __future__ import annotations

import math

from engage.core.gestures.eyes import Perclos
from engage.core.gestures.kinds import GestureKind
from engage.core.gestures.reading import LONGEST_GAP_S, Reading
from engage.core.gestures.spells import Found, Spell, SpellLimits

AWAY_FROM_DEG = 25.0
AWAY_UNTIL_DEG = 20.0
"""Once away, a student is back only within this."""
DOWN_FROM_DEG = 15.0
LASTING_S = 3.0
"""From when on a posture counts."""
LOST_COUNTS_FOR_S = 20.0
"""A face lost while turned away counts as turned away for this long (DESIGN.md section 5); one lost while lowered as
lowered: over notes, detectors lose a face for seconds."""
SEAT_LEFT_S = 5.0
DROWSY_FROM = 0.15
DROWSY_UNTIL = 0.08
CLOSURE_S = 3.0
LEAN_FROM = 1.08
"""Size of the face over its usual one."""
SIZE_MEMORY_S = 90.0
"""Time constant of the usual size of a face."""
SIZE_SMOOTHING_S = 0.6


class Sight:
    """Recognises looking away, the head down and a left seat; one at a time."""

    def __init__(self) -> None:
        self._away = Spell(GestureKind.LOOKING_AWAY, SpellLimits(LASTING_S))
        self._down = Spell(GestureKind.HEAD_DOWN, SpellLimits(LASTING_S))
        self._left = Spell(GestureKind.LEFT_SEAT, SpellLimits(SEAT_LEFT_S))
        self._known = False
        self._away_seen: float | None = None
        self._down_seen: float | None = None
        self._offset_deg = 0.0

    def update(self, now: Reading) -> list[Found]:
        """Take the newest reading; return what ended with it."""
        self._known = self._known or now.seen
        away = self._is_away(now)
        aside = abs(now.aside_deg or 0.0)
        down = not away and self._is_down(now)
        gone = self._known and not now.seen and not now.dark and not away and not down
        self._offset_deg = aside if now.seen else self._offset_deg
        return [
            *self._away.update(now.at, away, self._offset_deg / 60.0),
            *self._down.update(now.at, down, (now.down_deg or 0.0) / 45.0),
            *self._left.update(now.at, gone),
        ]

    def finish(self) -> list[Found]:
        """End what is under way and return it."""
        return [*self._away.finish(), *self._down.finish(), *self._left.finish()]

    def _is_away(self, now: Reading) -> bool:
        if not now.seen:
            return _still_counts(now, self._away_seen)
        limit = AWAY_UNTIL_DEG if self._away.on else AWAY_FROM_DEG
        away = now.aside_deg is not None and abs(now.aside_deg) > limit
        self._away_seen = now.at if away else None
        return away

    def _is_down(self, now: Reading) -> bool:
        if not now.seen:
            return _still_counts(now, self._down_seen)
        down = now.down_deg is not None and now.down_deg > DOWN_FROM_DEG
        self._down_seen = now.at if down else None
        return down


def _still_counts(now: Reading, last_seen: float | None) -> bool:
    """Return whether a face that is lost since ``last_seen`` (Unix seconds) is still taken for as it was then."""
    return last_seen is not None and not now.dark and now.at - last_seen <= LOST_COUNTS_FOR_S


class Drowsiness:
    """Recognises drowsy stretches: PERCLOS above .15, or lids closed for 3 s."""

    def __init__(self) -> None:
        self.perclos = Perclos()
        self._spell = Spell(GestureKind.DROWSY, SpellLimits(1.0))

    def update(self, now: Reading, duration_s: float) -> list[Found]:
        """Take the newest reading; return what ended with it."""
        self.perclos.add(now.at, duration_s, now.lids)
        share = self.perclos.share() or 0.0
        limit = DROWSY_UNTIL if self._spell.on else DROWSY_FROM
        holds = now.seen and (share > limit or self.perclos.closed_for_s >= CLOSURE_S)
        return self._spell.update(now.at, holds, share / (2 * DROWSY_FROM))

    def finish(self) -> list[Found]:
        """End what is under way and return it."""
        return self._spell.finish()


class Leaning:
    """Recognises leaning in: a face clearly larger than it usually is."""

    def __init__(self) -> None:
        self._spell = Spell(GestureKind.LEANING_IN, SpellLimits(LASTING_S))
        self._usual_px: float | None = None
        self._size_px = 0.0
        self._learned_s = 0.0

    def update(self, now: Reading, duration_s: float) -> list[Found]:
        """Take the newest reading; return what ended with it."""
        if now.size_px is None:
            return self._spell.update(now.at, False)
        if self._usual_px is None:
            self._usual_px = self._size_px = now.size_px
        duration_s = min(duration_s, LONGEST_GAP_S)
        self._size_px += (1.0 - math.exp(-duration_s / SIZE_SMOOTHING_S)) * (now.size_px - self._size_px)
        ratio = self._size_px / self._usual_px
        leaning = ratio > LEAN_FROM
        # The first seconds are a plain mean; a lean hardly moves what is usual.
        self._learned_s += duration_s
        memory_s = min(max(self._learned_s, 1.0), SIZE_MEMORY_S) * (4.0 if leaning else 1.0)
        self._usual_px += min(1.0, duration_s / memory_s) * (now.size_px - self._usual_px)
        return self._spell.update(now.at, leaning, (ratio - 1.0) / (4 * (LEAN_FROM - 1.0)))

    def finish(self) -> list[Found]:
        """End what is under way and return it."""
        return self._spell.finish()
