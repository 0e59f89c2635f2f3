"""The names of gestures as stored, and the frame rate each needs."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class GestureKind(StrEnum):
    """What ``GestureEvent.kind`` may say."""

    NOD = "nod"
    SHAKE = "shake"
    SPEAKING = "speaking"
    """Speaking-like movement of the mouth, while facing the front; no sound is heard."""
    YAWN = "yawn"
    BLINK = "blink"
    """Counted, never stored: there are fifteen a minute."""
    DROWSY = "drowsy"
    LOOKING_AWAY = "looking_away"
    HEAD_DOWN = "head_down"
    LEFT_SEAT = "left_seat"
    LEANING_IN = "leaning_in"
    RAISED_HAND = "raised_hand"
    HAND_TO_FACE = "hand_to_face"
    CALIBRATION = "calibration"
    """Not made by the student: the stretch in which they were asked to look at their screen."""


MIN_RATE_FPS: Mapping[GestureKind, float] = {
    GestureKind.NOD: 5.0,
    GestureKind.SHAKE: 5.0,
    GestureKind.SPEAKING: 5.0,
    GestureKind.BLINK: 12.0,
}
"""Frames a second under which a gesture is not read at all: heads nod at up to 2.4 Hz, a blink lasts 150 ms."""

SETTLED_S = 1.0
"""A gesture is known at most this long after its end: whoever counts gestures up to a moment leaves out this much."""


def too_slow_for(rate_fps: float) -> frozenset[GestureKind]:
    """Return the gestures that are not read at this rate; a tenth below the minimum is still taken."""
    return frozenset(kind for kind, least_fps in MIN_RATE_FPS.items() if rate_fps < 0.9 * least_fps)
