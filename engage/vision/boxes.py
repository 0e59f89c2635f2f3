"""What boxes have in common, where they are and how large."""

from __future__ import annotations

import math

from engage.core.types import Box


def overlap(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes, 0-1."""
    width = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    height = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (one.w * one.h + other.w * other.h - shared)


def centre(box: Box) -> tuple[float, float]:
    """Return the middle of ``box``, x and y."""
    return box.x + box.w / 2, box.y + box.h / 2


def side(box: Box) -> float:
    """Return the side of the square of the same area, never 0."""
    return math.sqrt(max(box.w * box.h, 1e-9))
