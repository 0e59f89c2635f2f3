"""YuNet: a small convolutional detector with five landmarks.

Wu et al. 2023, "YuNet: A Tiny Millisecond-level Face Detector", through OpenCV's FaceDetectorYN.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from engage.core.types import Box, Face, Image
from engage.errors import ModelError
from engage.vision.detectors.options import DetectorOptions
from engage.vision.images import bgr, checked, shrunk

OVERLAP = 0.3
"""Intersection over union from which two boxes are one face."""
AT_MOST = 200
"""Faces per frame."""
SMALL_PX = 160
"""Pictures with a longer side below this are enlarged twice: on the 48-pixel pictures of FER+ 98 % of the faces are
found then, and 89 % without."""


class YuNet:
    """Finds faces and their five landmarks. Used by one thread: OpenCV keeps the frame's size inside.

    ``path`` is the model file. Raises ModelError when it cannot be loaded.
    """

    def __init__(self, path: Path, options: DetectorOptions | None = None) -> None:
        """Load the network."""
        self.name = "yunet"
        self._options = options or DetectorOptions()
        self._size = (320, 320)
        try:
            self._network = cv2.FaceDetectorYN.create(
                str(path), "", self._size, self._options.min_confidence, OVERLAP, AT_MOST
            )
        except cv2.error as error:
            raise ModelError(f"{path} cannot be loaded as a YuNet model ({error.err or error}).") from None

    def detect(self, image: Image) -> list[Face]:
        """Return the faces in ``image``, most confident first, with landmarks (see FaceDetector)."""
        small, factor = shrunk(bgr(checked(image)), self._options.longest_px)
        if max(small.shape[:2]) < SMALL_PX:
            small, factor = np.asarray(cv2.resize(small, None, fx=2, fy=2), np.uint8), factor * 2
        size = (small.shape[1], small.shape[0])
        if size != self._size:
            self._network.setInputSize(size)
            self._size = size
        found = self._network.detect(small)[1]
        if found is None:
            return []
        # One row: x, y, width, height, five landmarks (x, y), confidence.
        rows = np.asarray(found, np.float32)
        rows[:, :14] /= factor
        rows = rows[np.argsort(-rows[:, 14], kind="stable")]
        kept = rows[(rows[:, 2] > 0) & (rows[:, 3] >= self._options.min_face_px)]
        return [
            Face(Box(*map(float, row[:4])), min(float(row[14]), 1.0), row[4:14].reshape(5, 2).copy()) for row in kept
        ]
