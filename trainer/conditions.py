"""Conditions in which faces are read worse, drawn over pictures: light, contrast, colour, glasses, masks."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from engage.core.types import Box, Image

Change = Callable[[Image, Box], Image]
"""Takes a BGR picture and where its face is; returns another picture."""


def _lit(gain: float, lift: float = 0.0) -> Change:
    return lambda image, box: np.asarray(np.clip(image * gain + lift, 0, 255), np.uint8)


def _flattened(image: Image, box: Box) -> Image:
    flat = (image.astype(np.float32) - image.mean()) * 0.35 + image.mean()
    return np.asarray(np.clip(flat, 0, 255), np.uint8)


def _tinted(blue: float, green: float, red: float) -> Change:
    """Return what multiplies the colours inside the face's oval, softly at its edge: light that skin gives back."""

    def tint(image: Image, box: Box) -> Image:
        mask = np.zeros(image.shape[:2], np.float32)
        centre = round(box.x + box.w / 2), round(box.y + box.h / 2)
        cv2.ellipse(mask, centre, (round(box.w * 0.55), round(box.h * 0.62)), 0, 0, 360, 1.0, -1)
        soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), max(1.0, box.w * 0.05)), np.float32)[..., None]
        factors = np.array([blue, green, red], np.float32)
        return np.asarray(np.clip(image * (1 - soft + soft * factors), 0, 255), np.uint8)

    return tint


def _glasses(filled: bool) -> Change:
    def draw(image: Image, box: Box) -> Image:
        out, y = image.copy(), round(box.y + box.h * 0.40)
        radius, thick = round(box.w * 0.17), -1 if filled else max(2, round(box.w * 0.025))
        for share in (0.29, 0.71):
            cv2.circle(out, (round(box.x + box.w * share), y), radius, (25, 25, 25), thick, cv2.LINE_AA)
        bridge = (round(box.x + box.w * 0.44), y), (round(box.x + box.w * 0.56), y)
        cv2.line(out, *bridge, (25, 25, 25), max(2, round(box.w * 0.025)), cv2.LINE_AA)
        return out

    return draw


def _masked(image: Image, box: Box) -> Image:
    out = image.copy()
    shares = ((0.04, 0.55), (0.5, 0.48), (0.96, 0.55), (0.88, 0.88), (0.5, 1.04), (0.12, 0.88))
    points = np.array([[round(box.x + box.w * x), round(box.y + box.h * y)] for x, y in shares], np.int32)
    cv2.fillPoly(out, [points], (215, 200, 175), cv2.LINE_AA)
    return out


CONDITIONS: dict[str, Change] = {
    "unchanged": lambda image, box: image,
    "dark (a third of the light)": _lit(0.33),
    "bright (overexposed)": _lit(1.6, 30.0),
    "low contrast (a third)": _flattened,
    "skin-like colour, darker": _tinted(0.38, 0.45, 0.55),
    "skin-like colour, much darker": _tinted(0.2, 0.25, 0.32),
    "glasses": _glasses(False),
    "sunglasses": _glasses(True),
    "mask over mouth and nose": _masked,
}
"""Drawn over the pictures at hand; no substitute for people who look so."""
