"""Hands in a picture, by MediaPipe's HandLandmarker: an optional part (``pip install -e '.[gestures]'``).

Not run where this was written: neither the package's hand model nor pictures of hands were at hand there. What it
feeds, ``engage.core.gestures.hands``, is tested on made-up landmarks; ``tests/contracts`` holds it to the protocol
where package and model file are present.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from engage.core.gestures.hands import hand_signs
from engage.core.protocols import HandReader
from engage.core.types import Box, Image
from engage.errors import ModelError


def installed() -> bool:
    """Return whether the package is here, without importing it."""
    return importlib.util.find_spec("mediapipe") is not None


class MediaPipeHands(HandReader):
    """Reads up to two hands a picture. Used by one thread."""

    def __init__(self, model: Path) -> None:
        """Load ``model``, the file of the store; raises ModelError without the package or with a file it refuses."""
        if not installed():
            raise ModelError("Reading hands needs the package mediapipe: pip install -e '.[gestures]'.")
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision

        options = vision.HandLandmarkerOptions(base_options=BaseOptions(model_asset_path=str(model)), num_hands=2)
        try:
            self._landmarker: Any = vision.HandLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{model} cannot be used for reading hands: {error}") from None
        self._mediapipe: Any = mediapipe

    def read(self, image: Image, face: Box) -> tuple[str, ...]:
        """Return what the student's hands do in ``image``, gray or BGR."""
        code = cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB
        picture = np.ascontiguousarray(cv2.cvtColor(image, code))
        found = self._landmarker.detect(
            self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=picture)
        )
        height, width = image.shape[:2]
        hands = [[(point.x * width, point.y * height) for point in hand] for hand in found.hand_landmarks]
        return hand_signs(hands, face)
