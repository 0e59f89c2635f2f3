"""Soft-edged shapes on a picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from engage.capture.virtual.geometry import Floats
from engage.capture.virtual.person import Colour
from engage.core.types import Image

_SHIFT = 4
_SUBPIXEL = 1 << _SHIFT
_CRISP_PX = 0.75
"""Softer edges than this are left to anti-aliasing."""


def _fixed(points: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    return np.round((points - 0.5) * _SUBPIXEL).astype(np.int32)


@dataclass(frozen=True, slots=True)
class Brush:
    """Draws on ``canvas`` ``(H, W, 3)`` uint8 BGR in place; ``unit`` is the length of a head unit in pixels."""

    canvas: Image
    unit: float

    def fill(self, points: Floats, colour: Colour, alpha: float = 1.0, soft: float = 0.0) -> None:
        """Fill the polygon ``points`` ``(N, 2)`` px; ``soft`` blurs its edge by so many head units."""
        if alpha >= 1.0 and soft <= 0.0:
            cv2.fillPoly(self.canvas, [_fixed(points)], colour, cv2.LINE_AA, _SHIFT)
            return
        area = self._area(points, 3.0 * soft * self.unit + 2.0)
        if area is None:
            return
        x, y, mask = area
        cv2.fillPoly(mask, [_fixed(points - (x, y))], (255.0 * alpha,), cv2.LINE_AA, _SHIFT)
        self._stain(x, y, self._softened(mask, soft), colour)

    def line(self, points: Floats, colour: Colour, width: float, alpha: float = 1.0, soft: float = 0.0) -> None:
        """Draw the open line ``points`` ``(N, 2)`` px, ``width`` and ``soft`` in head units."""
        thick = max(1, round(width * self.unit))
        strength = alpha * min(1.0, width * self.unit)
        if strength >= 1.0 and soft <= 0.0:
            cv2.polylines(self.canvas, [_fixed(points)], False, colour, thick, cv2.LINE_AA, _SHIFT)
            return
        area = self._area(points, 3.0 * soft * self.unit + thick + 2.0)
        if area is None:
            return
        x, y, mask = area
        cv2.polylines(mask, [_fixed(points - (x, y))], False, (255.0 * strength,), thick, cv2.LINE_AA, _SHIFT)
        self._stain(x, y, self._softened(mask, soft), colour)

    def within(self, points: Floats) -> Inset | None:
        """Return a copy of the surroundings of a polygon to draw on, and later to put back inside it only."""
        area = self._area(points, 3.0)
        if area is None:
            return None
        x, y, mask = area
        cv2.fillPoly(mask, [_fixed(points - (x, y))], (255.0,), cv2.LINE_AA, _SHIFT)
        target = self.canvas[y : y + mask.shape[0], x : x + mask.shape[1]]
        return Inset(Brush(target.copy(), self.unit), np.array([x, y], np.float32), target, mask)

    def _area(self, points: Floats, margin: float) -> tuple[int, int, Image] | None:
        height, width = self.canvas.shape[:2]
        x, y, wide, tall = cv2.boundingRect(points.astype(np.float32))
        pad = int(margin) + 1
        x0, y0 = max(0, x - pad), max(0, y - pad)
        x1, y1 = min(width, x + wide + pad), min(height, y + tall + pad)
        if x1 <= x0 or y1 <= y0:
            return None
        return x0, y0, np.zeros((y1 - y0, x1 - x0), np.uint8)

    def _softened(self, mask: Image, soft: float) -> Image:
        sigma = soft * self.unit
        return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma), np.uint8) if sigma > _CRISP_PX else mask

    def _stain(self, x: int, y: int, mask: Image, colour: Colour) -> None:
        target = self.canvas[y : y + mask.shape[0], x : x + mask.shape[1]]
        paint = np.empty_like(target)
        paint[:] = [min(255, int(channel)) for channel in colour]
        lay(target, paint, mask)


@dataclass(frozen=True, slots=True)
class Inset:
    """A piece of a picture that is drawn apart and put back inside an outline."""

    brush: Brush
    corner: Floats
    target: Image
    mask: Image

    def put_back(self) -> None:
        """Lay the piece over the picture, inside the outline."""
        lay(self.target, self.brush.canvas, self.mask)


def lay(target: Image, over: Image, mask: Image) -> None:
    """Blend ``over`` into ``target`` in place, both ``(H, W, 3)`` uint8, by ``mask`` ``(H, W)`` 0-255."""
    share = cv2.merge([mask, mask, mask])
    kept = cv2.multiply(target, cv2.bitwise_not(share), scale=1 / 255.0)
    cv2.add(kept, cv2.multiply(over, share, scale=1 / 255.0), dst=target)


def ring(centre: tuple[float, float], radius: tuple[float, float], count: int = 24) -> Floats:
    """Return ``count`` points ``(N, 2)`` of an ellipse."""
    circle = _circle(count)
    return circle * np.array(radius, np.float32) + np.array(centre, np.float32)


@lru_cache(maxsize=32)
def _circle(count: int) -> Floats:
    angle = np.linspace(0.0, 2 * np.pi, count, endpoint=False, dtype=np.float32)
    return np.stack([np.cos(angle), np.sin(angle)], 1)
