"""Head pose from the five landmarks of a detector.

A rigid face of five points is fitted to the landmarks (Perspective-n-Point, Levenberg-Marquardt), seen from a camera
that looks straight at it, so that 0, 0, 0 is a face turned to the camera wherever in the picture it is.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from engage.core.types import HeadPose

Floats = NDArray[np.float64]

FACE_POINTS = np.array([[-31, -32, 0], [31, -32, 0], [0, 2, -32], [-25, 32, -3], [25, 32, -3]], np.float64)
"""Right eye, left eye, nose tip, mouth corners of an adult face in mm; x to the image's right, y down, z away."""
DISTANCE = 5.0
"""Distance of the camera, in the face's own size (see ``_normalised``): about half a metre before a webcam."""


def pose_from_landmarks(landmarks: NDArray[np.float32]) -> HeadPose:
    """Return the head pose in degrees (DESIGN.md section 8) from five landmarks in YuNet's order.

    ``landmarks`` is ``(5, 2)`` in pixels, all finite and not all in one point. The head is thought to turn by roll
    about its own axis first, then pitch, then yaw.
    """
    points, size = _normalised(np.asarray(landmarks, np.float64))
    if points.shape != (5, 2) or not math.isfinite(size) or size <= 0:
        raise ValueError("a head pose needs five different landmarks")
    camera = np.array([[DISTANCE, 0, 0], [0, DISTANCE, 0], [0, 0, 1]])
    start_turn, start_place = np.zeros((3, 1)), np.array([[0.0], [0.0], [DISTANCE]])
    _, turn, _ = cv2.solvePnP(
        _MODEL, points, camera, None, start_turn, start_place, useExtrinsicGuess=True, flags=cv2.SOLVEPNP_ITERATIVE
    )
    return _angles(np.asarray(cv2.Rodrigues(turn)[0], np.float64))


def _normalised(points: Floats) -> tuple[Floats, float]:
    """Return ``points`` about their mean and in units of their size (root of the summed squares), and that size."""
    centred = points - points.mean(axis=0)
    size = float(np.sqrt((centred**2).sum()))
    return centred / (size or 1.0), size


_MODEL, _ = _normalised(FACE_POINTS)


def _angles(turn: Floats) -> HeadPose:
    """Return yaw, pitch and roll of a rotation ``turn`` in camera axes (x right, y down, z away)."""
    forward = -turn[:, 2]
    yaw = math.atan2(forward[0], -forward[2])
    pitch = math.asin(min(max(-forward[1], -1.0), 1.0))
    # What is left of the head's own x axis after yaw and pitch are taken back; y up, towards the camera.
    right = turn[:, 0] * (1, -1, -1)
    x = math.cos(yaw) * right[0] - math.sin(yaw) * right[2]
    ahead = math.sin(yaw) * right[0] + math.cos(yaw) * right[2]
    y = math.cos(pitch) * right[1] - math.sin(pitch) * ahead
    return HeadPose(math.degrees(yaw), math.degrees(pitch), math.degrees(math.atan2(y, x)))
