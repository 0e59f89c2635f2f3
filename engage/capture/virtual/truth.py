"""Virtual students without pictures: what a perfect network, or one with known errors, would read from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from engage.capture.virtual.script import Script
from engage.capture.virtual.state import FaceTruth
from engage.core.signals import FaceSignals, FrameSignals
from engage.core.types import Box, Mode, Origin

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""When the scripts of ``frames`` begin."""
FACE_PX = 80.0
"""Side of the box of a face at scale 1."""
DETECTED = 0.9
"""Confidence of a face in a lit room."""
_DIM_BELOW = 0.3


@dataclass(frozen=True, slots=True)
class Noise:
    """Errors of a reading. ``bias`` stays the same for one student, ``jitter`` is anew in each frame.

    Angles in degrees, openness 0-1, ``blur`` the share of the expression that becomes uniform. A dim room makes all
    of it worse by ``dim``, and the face less certain.
    """

    angle_bias: float = 0.0
    angle_jitter: float = 0.0
    openness_jitter: float = 0.0
    size_jitter: float = 0.0
    blur: float = 0.0
    dim: float = 2.0


TYPICAL = Noise(angle_bias=2.2, angle_jitter=1.2, openness_jitter=0.02, size_jitter=0.01, blur=0.15)
"""What the product's network does to virtual students, or a little more: yaw off by .5 and pitch by 4 degrees, nearly
the same from frame to frame (jitter .4 and 1.2 degrees); the mouth's opening jitters by .01, the size by .5 %."""


def frames(
    script: Script, rate_fps: float, seconds: float, noise: Noise | None = None, start_s: float = 0.0
) -> Iterator[FrameSignals]:
    """Yield what is read of ``script`` at ``rate_fps`` from ``start_s`` on; student 1 of session 1, from ``START`` on.

    While the script has its camera off there are no frames.
    """
    reader = _Reader(noise or Noise(), script.seed)
    for k in range(round(seconds * rate_fps)):
        position_s = start_s + k / rate_fps
        if not script.camera_on(position_s):
            continue
        truth = script.truth_at(position_s)
        face = reader.face(truth)
        at = START + timedelta(seconds=position_s)
        brightness = 0.45 * min(1.0, truth.state.light)
        faces = () if face is None else (face,)
        yield FrameSignals(Origin(1, 1, 1), Mode.FULL, k, at, position_s, brightness, faces)


def signals_of(truth: FaceTruth) -> FaceSignals | None:
    """Return what a perfect network reads, or None where nobody is there."""
    return _Reader(Noise(), 0).face(truth)


class _Reader:
    """Reads one student's truth with errors that follow from ``seed``."""

    def __init__(self, noise: Noise, seed: int) -> None:
        self._noise = noise
        self._rng = np.random.default_rng([seed, 0x7217])
        self._bias = noise.angle_bias * self._rng.standard_normal(5)

    def face(self, truth: FaceTruth) -> FaceSignals | None:
        if not truth.present:
            return None
        state, noise = truth.state, self._noise
        dim = state.light < _DIM_BELOW
        worse = noise.dim if dim else 1.0
        angles = np.array([state.yaw_deg, state.pitch_deg, state.roll_deg, state.gaze_x, state.gaze_y])
        angles = angles + worse * (self._bias + noise.angle_jitter * self._rng.standard_normal(5))
        opens = np.array([truth.left_eye_open, truth.right_eye_open, truth.mouth_open, truth.smile])
        opens = np.clip(opens + worse * noise.openness_jitter * self._rng.standard_normal(4), 0.0, 1.0)
        side = FACE_PX * state.scale * (1.0 + worse * noise.size_jitter * float(self._rng.standard_normal()))
        blur = min(1.0, worse * noise.blur)
        expression = (1.0 - blur) * np.array(state.expression) + blur / len(state.expression)
        yaw, pitch, roll, gaze_x, gaze_y = angles.tolist()
        left, right, mouth, smile = opens.tolist()
        return FaceSignals(
            track_id=1,
            box=Box(160 - side / 2, 120 - side / 2, side, side),
            confidence=DETECTED * (0.7 if dim else 1.0),
            expression=tuple(expression.tolist()),
            yaw_deg=yaw,
            pitch_deg=pitch,
            roll_deg=roll,
            gaze_x=gaze_x,
            gaze_y=gaze_y,
            left_eye_open=left,
            right_eye_open=right,
            mouth_open=mouth,
            smile=smile,
            brow=truth.brow,
            face_score=1.0,
        )
