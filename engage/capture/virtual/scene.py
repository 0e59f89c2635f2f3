"""Where a virtual student sits: the room behind and the body below. Drawn once per person and picture size."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from engage.capture.virtual.brush import Brush, ring
from engage.capture.virtual.eyes import shade
from engage.capture.virtual.geometry import Floats
from engage.capture.virtual.person import HairStyle, Person
from engage.core.types import Image

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


Place = "Callable[[Floats], Floats]"


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
    brush.fill(place(np.array([(0.42, 0.62), (0.60, 0.62), (0.57, 0.80), (0.45, 0.80)], np.float32)), (104.0, 132.0, 190.0))
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

    def place(points: list[tuple[float, float]]) -> Floats:
        return ((np.array(points, np.float32) + np.array(anchor, np.float32)) * unit).astype(np.float32)

    neck = 0.60 + 0.06 * person.shape.jaw
    half = [(neck, -0.6), (neck, 0.55), (neck + 0.10, 0.86), (1.25, 1.12), (1.95, 1.34), (2.35, 1.75), (2.62, 2.7), (2.8, 4.4)]
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
        arm = [(side * 1.55, 1.9), (side * 1.75, 3.0), (side * 1.8, 4.4), (side * 2.9, 4.4), (side * 2.9, 1.6), (side * 2.2, 1.4)]
        brush.fill(place(arm), shade(person.cloth, 0.45), dark, 0.22)
        brush.line(place([(side * 1.5, 1.75), (side * 1.62, 2.6), (side * 1.55, 3.4)]), shade(person.cloth, 0.4), 0.06, 0.4, 0.05)
    lit = 1.0 if person.light_side > 0 else -1.0
    brush.fill(place([(lit * 0.8, 1.25), (lit * 2.0, 1.45), (lit * 1.5, 2.4)]), shade(person.cloth, 1.5), 0.20, 0.2)


def _draw_neck(brush: Brush, place: Place, person: Person, neck: float) -> None:
    deep = {"shirt": 1.55, "cardigan": 1.45}.get(person.garment, 1.16)
    lit, dark = shade(person.skin, 0.92), shade(person.skin, 0.52)
    skin = _rounded(place([(-neck - 0.05, -0.8), (neck + 0.05, -0.8), (neck + 0.16, 0.95), (0.0, deep + 0.12), (-neck - 0.16, 0.95)]))
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
            hood = [(side * (out - 0.05), 0.5), (side * (out + 0.35), 0.75), (side * 0.95, 1.35), (side * 0.3, 1.55), (side * 0.5, 1.15)]
            brush.fill(_rounded(place(hood)), shade(cloth, 0.88))
            brush.line(place([(side * 0.28, 1.45), (side * 0.30, 2.3)]), (225.0, 228.0, 230.0), 0.045, 0.9)
