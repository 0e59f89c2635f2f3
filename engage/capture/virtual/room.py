"""The room behind a virtual student, drawn once per person and picture size."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from engage.capture.virtual.brush import Brush
from engage.capture.virtual.eyes import shade
from engage.capture.virtual.geometry import Floats
from engage.capture.virtual.person import Person
from engage.core.types import Image

Place = Callable[[Floats], Floats]
"""From heights of the picture about its upper middle to pixels."""
_WOOD = (92.0, 128.0, 166.0)


def _rect(x0: float, y0: float, x1: float, y1: float) -> Floats:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)


@lru_cache(maxsize=64)
def backdrop(person: Person, size: tuple[int, int]) -> Image:
    """Return the room, out of focus, ``(H, W, 3)`` uint8 BGR. Not to be written to."""
    width, height = size
    canvas = np.empty((height, width, 3), np.uint8)
    fall = np.linspace(1.02, 0.86, height, dtype=np.float32)[:, None]
    lean = 1.0 + 0.07 * person.light_side * np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    canvas[:] = np.clip((fall * lean)[:, :, None] * np.array(person.wall, np.float32), 0, 255).astype(np.uint8)
    rng = np.random.default_rng([person.seed, 11])
    brush = Brush(canvas, float(height))
    side = 1.0 if rng.random() < 0.5 else -1.0

    def place(points: Floats) -> Floats:
        """From heights of the picture about its upper middle to pixels, mirrored at times."""
        return np.stack([width / 2 + side * points[:, 0] * height, points[:, 1] * height], 1).astype(np.float32)

    painter = {
        "shelf": _shelf,
        "window": _window,
        "plant": _plant,
        "frames": _frames,
        "board": _board,
    }.get(person.backdrop)
    if painter:
        painter(brush, place, person, rng)
    soft = cv2.GaussianBlur(canvas, (0, 0), max(0.8, height / 110.0))
    soft.setflags(write=False)
    return np.asarray(soft, np.uint8)


def _shelf(brush: Brush, place: Place, person: Person, rng: np.random.Generator) -> None:
    for level in (0.16, 0.44):
        x = 0.28
        while x < 0.72:
            wide, tall = rng.uniform(0.018, 0.034), rng.uniform(0.10, 0.17)
            tone = rng.uniform(60, 190, 3)
            brush.fill(place(_rect(x, level - tall, x + wide, level)), (tone[0], tone[1], tone[2]))
            x += wide + (0.004 if rng.random() < 0.85 else 0.06)
        brush.fill(place(_rect(0.25, level, 0.75, level + 0.022)), _WOOD)


def _window(brush: Brush, place: Place, person: Person, rng: np.random.Generator) -> None:
    brush.fill(place(_rect(-0.62, 0.02, -0.24, 0.62)), (240.0, 243.0, 244.0))
    brush.fill(place(_rect(-0.59, 0.05, -0.27, 0.59)), (236.0, 220.0, 196.0))
    brush.fill(place(_rect(-0.59, 0.42, -0.27, 0.59)), (150.0, 190.0, 168.0))
    brush.fill(place(_rect(-0.437, 0.05, -0.423, 0.59)), (240.0, 243.0, 244.0))
    brush.fill(place(_rect(-0.70, 0.0, -0.56, 0.75)), shade(person.cloth_trim, 1.1), 0.8)


def _plant(brush: Brush, place: Place, person: Person, rng: np.random.Generator) -> None:
    brush.fill(
        place(np.array([(0.42, 0.62), (0.60, 0.62), (0.57, 0.80), (0.45, 0.80)], np.float32)), (104.0, 132.0, 190.0)
    )
    for _ in range(13):
        angle, reach = rng.uniform(-1.1, 1.1), rng.uniform(0.16, 0.34)
        tip = np.array([0.51 + reach * np.sin(angle), 0.63 - reach * np.cos(angle)])
        root = np.array([0.51 + 0.3 * (tip[0] - 0.51), 0.62])
        across = 0.035 * np.array([np.cos(angle), np.sin(angle)])
        middle = 0.45 * root + 0.55 * tip
        leaf = np.stack([root, middle + across, tip, middle - across]).astype(np.float32)
        green = rng.uniform(0.7, 1.15)
        brush.fill(place(leaf), (82.0 * green, 136.0 * green, 84.0 * green))


def _frames(brush: Brush, place: Place, person: Person, rng: np.random.Generator) -> None:
    for x, y, wide, tall in ((-0.58, 0.08, 0.20, 0.26), (0.32, 0.14, 0.26, 0.19)):
        brush.fill(place(_rect(x, y, x + wide, y + tall)), (86.0, 92.0, 98.0))
        brush.fill(place(_rect(x + 0.014, y + 0.014, x + wide - 0.014, y + tall - 0.014)), (232.0, 236.0, 238.0))
        tone = rng.uniform(90, 200, 3)
        brush.fill(place(_rect(x + 0.045, y + 0.045, x + wide - 0.045, y + tall - 0.045)), (tone[0], tone[1], tone[2]))


def _board(brush: Brush, place: Place, person: Person, rng: np.random.Generator) -> None:
    brush.fill(place(_rect(-0.70, 0.03, 0.70, 0.50)), _WOOD)
    brush.fill(place(_rect(-0.68, 0.05, 0.68, 0.48)), (96.0, 110.0, 72.0))
    for row in range(4):
        for start in (-0.62, 0.30):
            y = 0.11 + 0.09 * row
            end = start + rng.uniform(0.12, 0.30)
            brush.line(place(np.array([(start, y), (end, y - 0.004)], np.float32)), (206.0, 214.0, 206.0), 0.008, 0.6)
