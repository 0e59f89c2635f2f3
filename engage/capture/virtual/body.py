"""Neck and shoulders of a virtual student, drawn once per person and size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import cv2
import numpy as np

from engage.capture.virtual.brush import Brush, ring
from engage.capture.virtual.eyes import shade
from engage.capture.virtual.geometry import Floats
from engage.capture.virtual.person import HairStyle, Person
from engage.core.types import Image

Place = Callable[[Sequence[tuple[float, float]]], Floats]
"""From head units about the top of the neck to pixels."""


@lru_cache(maxsize=64)
def body(person: Person, unit: int) -> tuple[Image, Image, tuple[float, float]]:
    """Return neck and shoulders at ``unit`` pixels a head unit: colours, mask, and the pixel of the neck's top.

    Colours are ``(H, W, 3)``, the mask ``(H, W)``, both uint8; what lies below the picture is simply cut off.
    """
    wide, tall, anchor = 7.0, 5.2, (3.5, 0.9)
    canvas = np.zeros((round(tall * unit), round(wide * unit), 3), np.uint8)
    canvas[:] = np.array(np.clip(person.cloth, 0, 255), np.uint8)
    mask = np.zeros(canvas.shape[:2], np.uint8)
    brush = Brush(canvas, float(unit))

    def place(points: Sequence[tuple[float, float]]) -> Floats:
        return ((np.array(points, np.float32) + np.array(anchor, np.float32)) * unit).astype(np.float32)

    neck = 0.60 + 0.06 * person.shape.jaw
    half = [
        (neck, -0.6),
        (neck, 0.55),
        (neck + 0.10, 0.86),
        (1.25, 1.12),
        (1.95, 1.34),
        (2.35, 1.75),
        (2.62, 2.7),
        (2.8, 4.4),
    ]
    outline = _rounded(place(half + [(-x, y) for x, y in reversed(half)]))
    cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], (255.0,), cv2.LINE_AA, 4)
    _draw_cloth(brush, place, person)
    _draw_neck(brush, place, person, neck)
    _draw_collar(brush, place, person, neck)
    return canvas, mask, (anchor[0] * unit, anchor[1] * unit)


def _rounded(points: Floats) -> Floats:
    for _ in range(2):
        ahead = np.roll(points, -1, 0)
        points = np.stack([0.8 * points + 0.2 * ahead, 0.2 * points + 0.8 * ahead], 1).reshape(-1, 2)
    return points


def _draw_cloth(brush: Brush, place: Place, person: Person) -> None:
    if person.garment == "stripes":
        for row in range(7):
            y = 1.45 + 0.52 * row
            brush.fill(place([(-3.5, y), (3.5, y), (3.5, y + 0.24), (-3.5, y + 0.24)]), person.cloth_trim)
    for side in (-1.0, 1.0):
        dark = 0.42 if side * person.light_side < 0 else 0.22
        arm = [
            (side * 1.55, 1.9),
            (side * 1.75, 3.0),
            (side * 1.8, 4.4),
            (side * 2.9, 4.4),
            (side * 2.9, 1.6),
            (side * 2.2, 1.4),
        ]
        brush.fill(place(arm), shade(person.cloth, 0.45), dark, 0.22)
        brush.line(
            place([(side * 1.5, 1.75), (side * 1.62, 2.6), (side * 1.55, 3.4)]),
            shade(person.cloth, 0.4),
            0.06,
            0.4,
            0.05,
        )
    lit = 1.0 if person.light_side > 0 else -1.0
    brush.fill(place([(lit * 0.8, 1.25), (lit * 2.0, 1.45), (lit * 1.5, 2.4)]), shade(person.cloth, 1.5), 0.20, 0.2)


def _draw_neck(brush: Brush, place: Place, person: Person, neck: float) -> None:
    deep = {"shirt": 1.55, "cardigan": 1.45}.get(person.garment, 1.16)
    lit, dark = shade(person.skin, 0.92), shade(person.skin, 0.52)
    skin = _rounded(
        place(
            [(-neck - 0.05, -0.8), (neck + 0.05, -0.8), (neck + 0.16, 0.95), (0.0, deep + 0.12), (-neck - 0.16, 0.95)]
        )
    )
    brush.fill(skin, lit)
    side = -1.0 if person.light_side > 0 else 1.0
    brush.fill(place([(side * 0.25, -0.8), (side * 0.8, -0.8), (side * 0.9, 1.0), (side * 0.4, 0.9)]), dark, 0.35, 0.12)
    under = ring((0.0, 0.12), (0.86, 0.46), 24)
    brush.fill(place([(float(x), float(y)) for x, y in under]), dark, 0.80, 0.10)
    for bone in (-1.0, 1.0):
        brush.line(place([(bone * 0.10, 1.02), (bone * 0.5, 0.92)]), dark, 0.05, 0.3, 0.03)


def _draw_collar(brush: Brush, place: Place, person: Person, neck: float) -> None:
    cloth, edge = person.cloth, shade(person.cloth, 0.62)
    out = neck + 0.16
    if person.style is HairStyle.HEADSCARF:
        wrap = [(-out, 0.2), (out, 0.2), (1.3, 1.2), (0.9, 1.75), (0.0, 1.95), (-0.9, 1.75), (-1.3, 1.2)]
        brush.fill(_rounded(place(wrap)), shade(person.cloth_trim, 0.86))
        brush.line(place([(-0.9, 0.7), (-0.2, 1.3), (0.6, 1.55)]), shade(person.cloth_trim, 0.6), 0.06, 0.5, 0.05)
        brush.line(place([(0.9, 0.6), (0.3, 1.15), (-0.5, 1.45)]), shade(person.cloth_trim, 0.6), 0.05, 0.4, 0.05)
        return
    if person.garment in ("shirt", "cardigan"):
        flap = cloth if person.garment == "shirt" else person.cloth_trim
        for side in (-1.0, 1.0):
            leaf = [(side * (out - 0.10), 0.66), (side * (out + 0.14), 0.86), (side * 0.72, 1.55), (side * 0.06, 1.62)]
            brush.fill(place(leaf), shade(flap, 1.12))
            brush.line(place([leaf[1], leaf[2], leaf[3]]), edge, 0.03, 0.7, 0.012)
        brush.line(place([(0.0, 1.62), (0.0, 4.2)]), edge, 0.035, 0.6, 0.012)
        return
    arc = [(x, 0.84 + 0.42 * (1 - (x / out) ** 2) ** 0.7) for x in np.linspace(-out, out, 15)]
    thick = 0.17 if person.garment == "hoodie" else 0.10
    trim = person.cloth_trim if person.garment == "crew" else shade(cloth, 0.86)
    brush.line(place(arc), trim, thick, 1.0)
    brush.line(place([(x, y + thick * 0.55) for x, y in arc]), edge, 0.025, 0.6, 0.012)
    if person.garment == "hoodie":
        for side in (-1.0, 1.0):
            hood = [
                (side * (out - 0.05), 0.5),
                (side * (out + 0.35), 0.75),
                (side * 0.95, 1.35),
                (side * 0.3, 1.55),
                (side * 0.5, 1.15),
            ]
            brush.fill(_rounded(place(hood)), shade(cloth, 0.88))
            brush.line(place([(side * 0.28, 1.45), (side * 0.30, 2.3)]), (225.0, 228.0, 230.0), 0.045, 0.9)
