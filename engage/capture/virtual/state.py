"""What a virtual student does at one moment, and what is true of it."""

from __future__ import annotations

from dataclasses import dataclass

from engage.core.types import EMOTIONS

NEUTRAL = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""The intensities of a face at rest."""


@dataclass(frozen=True, slots=True)
class FaceState:
    """One moment of a virtual student, in the signs and units of DESIGN.md section 8.

    The head turns by roll about its own axis first, then pitch, then yaw, so that yaw and pitch alone say where the
    nose points: ``(cos p sin y, sin p, cos p cos y)`` with x to the image's right, y up, z to the camera. Gaze is
    relative to the head. ``x`` and ``y`` shift the head from its usual place, in shares of the picture's height, x to
    the right and y down; ``scale`` 1 is the usual distance, more is nearer.
    """

    expression: tuple[float, ...] = NEUTRAL
    """Intensity of each FER+ emotion, each 0-1; they may blend, and what is missing to 1 is neutral."""
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    left_eye_open: float = 1.0
    """1 is the eye at rest, 0 closed; expressions widen and narrow it further."""
    right_eye_open: float = 1.0
    mouth_open: float = 0.0
    """Jaw opening of speech or a yawn, 0-1, on top of the expression's."""
    brow: float = 0.0
    """Brows raised (> 0, up to 1) or lowered (< 0) on top of the expression's."""
    present: bool = True
    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    light: float = 1.0
    """Illumination of the room: 1 is a lit room, .12 a dark one, 0 a covered lens."""


@dataclass(frozen=True, slots=True)
class FaceTruth:
    """What holds at one moment of a script: the state, what it shows, and what an observer should conclude."""

    state: FaceState
    emotion: str
    """Name of the strongest emotion (FER+)."""
    left_eye_open: float
    """As drawn: the state's lids, narrowed by the expression; 1 at rest and wider."""
    right_eye_open: float
    mouth_open: float
    smile: float
    brow: float
    present: bool
    attentive: bool
    """Head and eyes within 20 degrees of what is to be looked at, or lowered to take notes; and awake."""
    drowsy: bool


def emotion(name: str, intensity: float = 1.0) -> tuple[float, ...]:
    """Return the intensities of one FER+ emotion at ``intensity`` 0-1; ValueError for a name that is not one."""
    if name not in EMOTIONS:
        raise ValueError(f"no emotion {name!r} among {', '.join(EMOTIONS)}")
    index = EMOTIONS.index(name)
    rest = [0.0] * len(EMOTIONS)
    rest[index] = intensity
    if index:
        rest[0] = 1.0 - intensity
    return tuple(rest)
