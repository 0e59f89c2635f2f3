"""Pictures as detectors and crops want them: checked, gray, in colour, or small."""

from __future__ import annotations

import cv2
import numpy as np

from engage.core.types import Image


def checked(image: Image) -> Image:
    """Return ``image`` itself; raises ValueError unless it is non-empty uint8, ``(H, W)`` or ``(H, W, 3)``."""
    if image.dtype != np.uint8:
        raise ValueError(f"a picture must be uint8, not {image.dtype}")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(f"a picture must have the shape (H, W) or (H, W, 3), not {image.shape}")
    if image.size == 0:
        raise ValueError(f"the picture is empty: {image.shape}")
    return image


def gray(image: Image) -> Image:
    """Return ``image`` as ``(H, W)`` gray by ITU-R BT.601 (.299 R + .587 G + .114 B); gray stays as it is."""
    return image if image.ndim == 2 else _uint8(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))


def bgr(image: Image) -> Image:
    """Return ``image`` as ``(H, W, 3)`` BGR; colour stays as it is."""
    return image if image.ndim == 3 else _uint8(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))


def shrunk(image: Image, longest_px: int) -> tuple[Image, float]:
    """Return ``image`` with its longer side at most ``longest_px``, and the factor (at most 1) it was scaled by.

    Bilinear: an area mean costs three times as much and detectors find no more faces in it.
    """
    height, width = image.shape[:2]
    factor = longest_px / max(height, width)
    if factor >= 1.0:
        return image, 1.0
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    return _uint8(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)), factor


def brightness_of(image: Image) -> float:
    """Return the mean gray of ``image``, 0-1."""
    blue, green, red, _ = cv2.mean(image)
    return (blue if image.ndim == 2 else 0.114 * blue + 0.587 * green + 0.299 * red) / 255.0


def _uint8(image: object) -> Image:
    return np.asarray(image, np.uint8)
