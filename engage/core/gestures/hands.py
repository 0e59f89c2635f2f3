"""Where a hand is, seen from the face: raised, or at it. Pure geometry over landmarks from an optional backend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engage.core.gestures.kinds import GestureKind
from engage.core.gestures.spells import Found, Spell, SpellLimits
from engage.core.types import Box

WRIST, FINGERTIPS = 0, (4, 8, 12, 16, 20)
"""Places in the 21 landmarks of a hand (MediaPipe's order)."""
UPRIGHT = 0.35
"""How much higher than the wrist the fingertips of a raised hand are, in heights of the face."""
MARGIN = 0.15
"""How far beyond its box the face is still touched, in its sizes."""
Point = tuple[float, float]


def hand_signs(hands: Iterable[Sequence[Point]], face: Box) -> tuple[GestureKind, ...]:
    """Return what the hands in one picture do; each is 21 points in pixels, ``face`` the student's box.

    A hand is raised where it stands upright beside the face or above it, wrist no lower than the chin by half a face; a
    hand is at the face where fingertips lie on it.
    """
    signs = {sign for hand in hands if (sign := _sign(hand, face)) is not None}
    return tuple(sorted(signs))


def _sign(hand: Sequence[Point], face: Box) -> GestureKind | None:
    tips = [hand[place] for place in FINGERTIPS]
    if sum(_on(tip, face) for tip in tips) >= 2:
        return GestureKind.HAND_TO_FACE
    wrist_y = hand[WRIST][1]
    tips_y = sum(y for _, y in tips) / len(tips)
    upright = wrist_y - tips_y >= UPRIGHT * face.h
    high = wrist_y <= face.y + 1.5 * face.h and tips_y <= face.y + 0.6 * face.h
    return GestureKind.RAISED_HAND if upright and high else None


def _on(point: Point, face: Box) -> bool:
    across, down = (point[0] - face.x) / face.w, (point[1] - face.y) / face.h
    return -MARGIN <= across <= 1 + MARGIN and -MARGIN <= down <= 1 + MARGIN


class Hands:
    """Recognises raised hands and hands at the face, from the signs of each frame."""

    def __init__(self) -> None:
        self._spells = (
            Spell(GestureKind.RAISED_HAND, SpellLimits(0.8, longest_s=10.0)),
            Spell(GestureKind.HAND_TO_FACE, SpellLimits(1.5)),
        )

    def update(self, at: float, signs: Sequence[str]) -> list[Found]:
        """Take the signs of one frame; return what ended with it."""
        return [found for spell in self._spells for found in spell.update(at, spell.kind in signs)]

    def finish(self) -> list[Found]:
        """End what is under way and return it."""
        return [found for spell in self._spells for found in spell.finish()]
