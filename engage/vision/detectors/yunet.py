"""YuNet: a small convolutional detector with five landmarks.

Wu et al. 2023, "YuNet: A Tiny Millisecond-level Face Detector", through OpenCV's FaceDetectorYN.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engage.core.types import Box, Face, Image
from engage.errors import ModelError
from engage.vision.boxes import centre, overlap
from engage.vision.detectors.options import DetectorOptions
from engage.vision.images import bgr, checked, shrunk

OVERLAP = 0.3
"""Intersection over union from which two boxes are one face."""
AT_MOST = 200
"""Faces per frame."""
SMALL_PX = 160
"""Pictures with a longer side below this are enlarged twice: on the 48-pixel pictures of FER+ 98 % of the faces are
found then, and 89 % without."""

SEEN_SMALL_PX = 80
"""Faces seen lower than this are looked at again, since YuNet's landmarks come near an upright mean face's then: on
270 faces of clips the second look raised the correlation of yaw, pitch and roll with MediaPipe's from .88, .19 and .63
to .93, .53 and .94."""
TOO_SMALL_PX = 24
"""Faces lower than this in the frame have nothing more to show, and pictures smaller than this no face."""
REGION_PX = 192
REGION_SIDE = 1.6
"""Side of the region of the second look: in pixels, and in heights of the face."""
SAME_FACE = 0.4
"""Overlap from which the second look has found the same face."""
LEAST_PX = 64
"""Sides of what the network gets, black being added. With 32 OpenCV 4.14 reads beyond its coarsest map: an empty
gray picture of 32 x 300 then had faces in it in a third of the looks, by what lay in memory."""

Rows = NDArray[np.float32]
"""``(N, 15)``: x, y, width, height, five landmarks (x, y), confidence."""


class YuNet:
    """Finds faces and their five landmarks. Used by one thread: OpenCV keeps the frame's size inside.

    ``path`` is the model file. Raises ModelError when it cannot be loaded.
    """

    def __init__(self, path: Path, options: DetectorOptions | None = None) -> None:
        """Load the network."""
        self.name = "yunet"
        self._options = options or DetectorOptions()
        self._size = (320, 320)
        self._network = _load(path, self._size, self._options.min_confidence)
        self._close = _load(path, (REGION_PX, REGION_PX), self._options.min_confidence)

    def detect(self, image: Image) -> list[Face]:
        """Return the faces in ``image``, most confident first, with landmarks (see FaceDetector)."""
        if min(checked(image).shape[:2]) < TOO_SMALL_PX:
            return []
        small, factor = shrunk(image, self._options.longest_px)
        if max(small.shape[:2]) < SMALL_PX:
            small, factor = np.asarray(cv2.resize(small, None, fx=2, fy=2), np.uint8), factor * 2
        small = _roomy(small)
        size = (small.shape[1], small.shape[0])
        if size != self._size:
            self._network.setInputSize(size)
            self._size = size
        faces = _faces(self._network, small, factor, (0.0, 0.0))
        faces = [face for face in faces if face.box.h >= self._options.min_face_px]
        largest_first = sorted(range(len(faces)), key=lambda index: -faces[index].box.h)
        unclear = [index for index in largest_first if TOO_SMALL_PX <= faces[index].box.h < SEEN_SMALL_PX / factor]
        for index in unclear[: self._options.second_looks]:
            faces[index] = self._look_again(image, faces[index])
        return faces

    def _look_again(self, image: Image, face: Face) -> Face:
        """Return ``face`` with the box and landmarks that YuNet finds when it sees it larger, if it finds it."""
        scale = REGION_PX / (REGION_SIDE * face.box.h)
        left, top = (middle - REGION_PX / scale / 2 for middle in centre(face.box))
        place = np.array([[scale, 0, -scale * left], [0, scale, -scale * top]])
        region = cv2.warpAffine(image, place, (REGION_PX, REGION_PX), borderMode=cv2.BORDER_REPLICATE)
        found = _faces(self._close, np.asarray(region, np.uint8), scale, (left, top))
        best = max(found, key=lambda other: overlap(face.box, other.box), default=None)
        if best is None or overlap(face.box, best.box) < SAME_FACE:
            return face
        return replace(best, confidence=face.confidence)


def _load(path: Path, size: tuple[int, int], min_confidence: float) -> cv2.FaceDetectorYN:
    try:
        return cv2.FaceDetectorYN.create(str(path), "", size, min_confidence, OVERLAP, AT_MOST)
    except cv2.error as error:
        raise ModelError(f"{path} cannot be loaded as a YuNet model ({error.err or error}).") from None


def _roomy(image: Image) -> Image:
    """Return the picture with black added on the right and below, where a side is below LEAST_PX."""
    below, right = (max(0, LEAST_PX - side) for side in image.shape[:2])
    if not below and not right:
        return image
    return np.asarray(cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT), np.uint8)


def _faces(network: cv2.FaceDetectorYN, image: Image, factor: float, origin: tuple[float, float]) -> list[Face]:
    """Return the faces of a picture that shows the frame ``factor`` times as large from ``origin`` on."""
    found = network.detect(bgr(image))[1]
    if found is None:
        return []
    rows: Rows = np.array(found, np.float32)
    rows = rows[np.argsort(-rows[:, 14], kind="stable")]
    sizes = rows[:, 2:4] / factor
    corners = rows[:, :2] / factor + origin
    landmarks = (rows[:, 4:14].reshape(-1, 5, 2) / factor + origin).astype(np.float32)
    return [
        Face(Box(float(x), float(y), float(w), float(h)), min(float(confidence), 1.0), points)
        for (x, y), (w, h), confidence, points in zip(corners, sizes, rows[:, 14], landmarks, strict=True)
        if w > 0 and h > 0
    ]
