"""What the network answers, whatever computes it: the signals by name, and the crops it may be asked about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engage.core.signals import SignalArrays
from engage.core.types import CROP_SIZE_PX, Image

CHUNK = 32
"""Crops per pass: past 32 the speed per crop on a CPU stays level and only memory grows."""
SIGNALS = (
    "yaw_deg",
    "pitch_deg",
    "roll_deg",
    "gaze_x",
    "gaze_y",
    "left_eye_open",
    "right_eye_open",
    "mouth_open",
    "smile",
    "brow",
    "shift_x",
    "shift_y",
    "shift_scale",
    "face_score",
)
"""What the signals head answers, in order; signs and units as in DESIGN.md section 8, ``face_score`` as a logit."""
UNITS = (30.0, 30.0, 30.0, 20.0, 20.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 1.0)
"""What one unit of the head's last layer stands for, so that all outputs vary about as much."""


def require_crops(crops: Image) -> None:
    """Raise ValueError unless ``crops`` is uint8 of shape ``(N, 48, 48)``."""
    if crops.dtype != np.uint8 or crops.ndim != 3 or crops.shape[1:] != (CROP_SIZE_PX, CROP_SIZE_PX):
        raise ValueError(
            f"crops must be uint8 of shape (N, {CROP_SIZE_PX}, {CROP_SIZE_PX}), got {crops.dtype} {crops.shape}"
        )


def signal_arrays(read: NDArray[np.float32], probabilities: NDArray[np.float32] | None) -> SignalArrays:
    """Return the head's answers ``(N, 14)`` by name, each within its range."""
    column = dict(zip(SIGNALS, read.T, strict=True))
    face_score = 1 / (1 + np.exp(-np.clip(column["face_score"], -30, 30)))
    return SignalArrays(
        expression=probabilities,
        yaw_deg=column["yaw_deg"].clip(-90, 90),
        pitch_deg=column["pitch_deg"].clip(-90, 90),
        roll_deg=column["roll_deg"].clip(-180, 180),
        gaze_x=column["gaze_x"].clip(-60, 60),
        gaze_y=column["gaze_y"].clip(-60, 60),
        left_eye_open=column["left_eye_open"].clip(0, 1),
        right_eye_open=column["right_eye_open"].clip(0, 1),
        mouth_open=column["mouth_open"].clip(0, 1),
        smile=column["smile"].clip(0, 1),
        brow=column["brow"].clip(-1, 1),
        face_score=face_score.astype(np.float32),
        box_shift=np.stack([column[name] for name in SIGNALS[10:13]], axis=1).clip(-2, 2),
    )
