"""Head pose from a detector's five landmarks and box.

Three proportions of the face, each nearly linear in one angle. Mean absolute errors against MediaPipe's FaceLandmarker
on 584 validation pictures of FER+ / 299 faces of clips, and against the truth of 260 virtual students at 640 x 480
(head turned up to 40, nodded up to 28, tilted up to 18 degrees; YuNet at 320 px):

- yaw 3.9 / 3.3 / 3.6 degrees (correlation .92 / .92 / .98),
- pitch 10.2 / 4.5 / 5.1 degrees (.57 / .57 / .88): coarse, with a constant part (9.6 on FER+, below 1 on the others)
  that differs from face to face; a student's own baseline takes it out,
- roll 3.8 / 4.3 / 4.4 degrees (.84 / .93 / .80).

Fitting a rigid face of five points (``cv2.solvePnP``) to the same landmarks gave 4.0 / 3.5 / 3.8, 6.6 / 6.0 / 8.1 and
3.8 / 4.5 / 4.1, with a third to a half of every nod lost: YuNet places landmarks towards those of an upright mean face,
the more so the smaller the face is when it looks at it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engage.core.types import Box, HeadPose

YAW_DEG = 130.0
"""Degrees per nose tip beside the face's axis, in diagonals of the rectangle between eyes and mouth."""
PITCH_DEG = 200.0
"""Degrees per nose tip above its usual height, in heights of the box."""
LEVEL_NOSE = 0.59
"""Where the nose tip of a level head stands: share of the box's height from its top."""
ROLL_GAIN = 1.1
"""The landmarks' tilt falls short of the head's by this factor."""
UTMOST_DEG = 90.0


def pose_from_landmarks(landmarks: NDArray[np.float32], box: Box) -> HeadPose:
    """Return the head pose in degrees, signs as in DESIGN.md section 8; 0, 0, 0 is at the camera.

    ``landmarks`` is ``(5, 2)`` in YuNet's order and, like ``box``, in pixels. Since only proportions count, a face at
    the picture's edge that looks at the camera has pose 0 too. Raises ValueError for landmarks that are not finite or
    fall together, and for a box without height.
    """
    points = np.asarray(landmarks, np.float64)
    if points.shape != (5, 2) or not np.isfinite(points).all() or not box.h > 0:
        raise ValueError("a head pose needs five landmarks and a box")
    # Plain numbers: arrays of five points would take eight times as long.
    (rx, ry), (lx, ly), (nose_x, nose_y), (rmx, rmy), (lmx, lmy) = points.tolist()
    up_x, up_y = (rx + lx - rmx - lmx) / 2, (ry + ly - rmy - lmy) / 2
    diagonal = math.hypot(lx - rx, ly - ry, up_x, up_y)
    if diagonal == 0:
        raise ValueError("a head pose needs five different landmarks")
    # Image y points down: the eye line of a head tilted to the subject's right (the picture's left) falls to the left.
    roll = (math.atan2(ry + rmy - ly - lmy, lx + lmx - rx - rmx) + math.atan2(-up_x, -up_y)) / 2
    from_axis_x, from_axis_y = nose_x - (rx + lx + rmx + lmx) / 4, nose_y - (ry + ly + rmy + lmy) / 4
    aside = (from_axis_x * math.cos(roll) - from_axis_y * math.sin(roll)) / diagonal
    return HeadPose(
        yaw_deg=_limited(YAW_DEG * aside),
        pitch_deg=_limited(PITCH_DEG * (LEVEL_NOSE - (nose_y - box.y) / box.h)),
        roll_deg=_limited(ROLL_GAIN * math.degrees(roll)),
    )


def _limited(angle_deg: float) -> float:
    return min(max(angle_deg, -UTMOST_DEG), UTMOST_DEG)
