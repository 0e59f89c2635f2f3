"""Detection in a part of a frame: where one face should be, at a fraction of the cost of the whole."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from engage.core.protocols import FaceDetector
from engage.core.types import Box, Face, Image
from engage.vision.boxes import centre

REGION_PX = 192
"""Side of the square that the detector sees of a region."""
REGION_SIDE = 2.4
"""Side of a region in heights of its face, which is seen 80 pixels high then: YuNet's landmarks need no second look,
and a head may have moved by a good half of its height."""
WORTH_WHILE = 0.7
"""A region is looked at where it has at most this share of the whole frame's pixels, as the detector would see it."""


@dataclass(frozen=True, slots=True)
class Region:
    """A square part of the frame, centred on a face."""

    left: float
    top: float
    side: float


def region_about(box: Box) -> Region:
    """Return the region in which to look for the face that was last in ``box``."""
    x, y = centre(box)
    side = REGION_SIDE * max(box.w, box.h, 1.0)
    return Region(x - side / 2, y - side / 2, side)


def is_worth_while(region: Region, image: Image, longest_px: int) -> bool:
    """Return whether looking at ``region`` is clearly cheaper than at all of ``image``, shrunk to ``longest_px``."""
    height, width = int(image.shape[0]), int(image.shape[1])
    scale = min(longest_px / max(height, width), 1.0)
    return region.side < max(height, width) and WORTH_WHILE * width * height * scale**2 >= REGION_PX**2


def detect_in(detector: FaceDetector, image: Image, region: Region) -> list[Face]:
    """Return the faces that ``detector`` finds in ``region`` of ``image``, in pixels of ``image``.

    Faces that the region cuts off are left out. The region is scaled to REGION_PX; beyond the picture its edge is
    repeated. Give the detector no work but regions: a change of size costs it time.
    """
    scale = REGION_PX / region.side
    place = np.array([[scale, 0, -scale * region.left], [0, scale, -scale * region.top]])
    shown = cv2.warpAffine(image, place, (REGION_PX, REGION_PX), borderMode=cv2.BORDER_REPLICATE)
    found = detector.detect(np.asarray(shown, np.uint8))
    return [_in_frame(face, region, scale) for face in found if _is_inside(face.box)]


def _is_inside(box: Box) -> bool:
    return min(box.x, box.y) >= 1 and max(box.x + box.w, box.y + box.h) <= REGION_PX - 1


def _in_frame(face: Face, region: Region, scale: float) -> Face:
    box = face.box
    where = Box(box.x / scale + region.left, box.y / scale + region.top, box.w / scale, box.h / scale)
    return replace(face, box=where, landmarks=_moved(face.landmarks, region, scale))


def _moved(landmarks: NDArray[np.float32] | None, region: Region, scale: float) -> NDArray[np.float32] | None:
    if landmarks is None:
        return None
    return (landmarks / scale + (region.left, region.top)).astype(np.float32)
