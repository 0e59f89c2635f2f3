"""Soft-edged shapes on a picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engage.capture.virtual.geometry import Floats
from engage.capture.virtual.person import Colour
from engage.core.types import Image

_SHIFT = 4
_SUBPIXEL = 1 << _SHIFT


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
        low = np.maximum(np.floor(points.min(0) - margin), 0).astype(int)
        high = np.minimum(np.ceil(points.max(0) + margin), (width, height)).astype(int)
        if (high <= low).any():
            return None
        return int(low[0]), int(low[1]), np.zeros((int(high[1] - low[1]), int(high[0] - low[0])), np.uint8)

    def _softened(self, mask: Image, soft: float) -> Image:
        sigma = soft * self.unit
        return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma), np.uint8) if sigma > 0.3 else mask

    def _stain(self, x: int, y: int, mask: Image, colour: Colour) -> None:
        target = self.canvas[y : y + mask.shape[0], x : x + mask.shape[1]]
        paint = np.empty_like(target)
        paint[:] = np.clip(colour, 0, 255)
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
    angle = np.linspace(0.0, 2 * np.pi, count, endpoint=False, dtype=np.float32)
    return np.stack([centre[0] + radius[0] * np.cos(angle), centre[1] + radius[1] * np.sin(angle)], 1)
