"""What is read from faces: arrays over a batch, one face, one frame. Order, signs and units as in ``core.types``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from engage.core.types import Box, Mode, Origin


@dataclass(frozen=True, slots=True)
class SignalArrays:
    """What is read from ``N`` crops at once: arrays of length ``N``, float32; signs and units as in FaceSignals."""

    expression: NDArray[np.float32] | None
    """``(N, 8)`` probabilities in FER+ order, or None where they were not asked for and so not computed."""
    yaw_deg: NDArray[np.float32]
    pitch_deg: NDArray[np.float32]
    roll_deg: NDArray[np.float32]
    gaze_x: NDArray[np.float32]
    gaze_y: NDArray[np.float32]
    left_eye_open: NDArray[np.float32]
    right_eye_open: NDArray[np.float32]
    mouth_open: NDArray[np.float32]
    smile: NDArray[np.float32]
    brow: NDArray[np.float32]
    face_score: NDArray[np.float32]
    """0-1: is this a well framed face."""
    box_shift: NDArray[np.float32]
    """``(N, 3)``: dx, dy, log scale from the crop to the one its face should have (``vision.crops.apply_shift``)."""


@dataclass(frozen=True, slots=True)
class FaceSignals:
    """What is read from one face at one moment. A signal that was not, or may not be, read is None."""

    track_id: int
    box: Box
    confidence: float
    expression: tuple[float, ...] | None = None
    """Eight probabilities in FER+ order."""
    yaw_deg: float | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None
    gaze_x: float | None = None
    gaze_y: float | None = None
    left_eye_open: float | None = None
    right_eye_open: float | None = None
    mouth_open: float | None = None
    smile: float | None = None
    brow: float | None = None
    face_score: float | None = None
    box_shift: tuple[float, float, float] | None = None
    hands: tuple[str, ...] = ()
    """Kinds of hand gestures seen; read in the frame, not by the network."""


@dataclass(frozen=True, slots=True)
class FrameSignals:
    """The signals of one frame, in the same order of frames per source as they were captured."""

    origin: Origin
    mode: Mode
    seq: int
    captured_at: datetime
    monotonic_s: float
    brightness: float
    faces: tuple[FaceSignals, ...] = ()
