"""Ears, and the hair that hangs free of the head."""

from __future__ import annotations

import numpy as np

from engage.capture.virtual.brush import Brush, ring
from engage.capture.virtual.eyes import shade
from engage.capture.virtual.geometry import Floats, View
from engage.capture.virtual.person import Colour, HairStyle, Person
from engage.capture.virtual.texture import CUTS


def hair_colour(person: Person) -> Colour:
    """Return the colour of what covers the head."""
    return person.cloth_trim if person.style is HairStyle.HEADSCARF else person.hair


def _smooth(points: list[tuple[float, float, float]]) -> Floats:
    """Return a closed curve ``(N, 3)`` through the corners of a polygon, rounded by Chaikin's two rounds."""
    curve = np.array(points, np.float32)
    for _ in range(2):
        ahead = np.roll(curve, -1, 0)
        curve = np.stack([0.75 * curve + 0.25 * ahead, 0.25 * curve + 0.75 * ahead], 1).reshape(-1, 3)
    return curve


def draw_behind(brush: Brush, view: View, person: Person) -> None:
    """Draw the hair that lies behind neck and shoulders; before the body is drawn."""
    dark = shade(hair_colour(person), 0.66)
    style = person.style
    if style in (HairStyle.LONG, HairStyle.WAVY):
        low, wide = (2.55, 1.32) if style is HairStyle.LONG else (2.2, 1.48)
        half = [
            (0.6, -1.2, -0.5),
            (1.1, -0.6, -0.4),
            (wide, 0.6, -0.4),
            (wide + 0.05, 1.6, -0.4),
            (wide - 0.25, low, -0.3),
        ]
        _draw_pair(brush, view, half, dark)
    elif style in (HairStyle.BOB, HairStyle.FRINGE_BOB):
        _draw_pair(brush, view, [(0.6, -1.2, -0.5), (1.15, -0.4, -0.3), (1.22, 0.9, -0.3), (1.05, 1.5, -0.4)], dark)
    elif style is HairStyle.PONYTAIL:
        lean = person.part
        tail = [(-0.1, -1.1, -1.3), (0.5 * lean, -0.9, -1.7), (1.3 * lean, 0.6, -1.5), (1.45 * lean, 1.9, -1.2)]
        tail += [(0.95 * lean, 2.1, -1.1), (0.75 * lean, 0.9, -1.1)]
        brush.fill(view.project(_smooth(tail)), dark)
    elif style is HairStyle.BUN:
        ball = ring((0.0, -1.62), (0.46, 0.40), 24)
        brush.fill(
            view.project(np.concatenate([ball, np.full((24, 1), -0.55, np.float32)], 1)), shade(person.hair, 0.8)
        )
    elif style is HairStyle.HEADSCARF:
        half = [
            (0.6, -1.2, -0.5),
            (1.15, -0.4, -0.3),
            (1.2, 0.8, -0.2),
            (1.15, 1.6, -0.1),
            (1.6, 2.5, 0.0),
            (0.8, 2.9, 0.3),
        ]
        _draw_pair(brush, view, half, shade(person.cloth_trim, 0.78))


def _draw_pair(brush: Brush, view: View, half: list[tuple[float, float, float]], colour: Colour) -> None:
    mirrored = [(-x, y, z) for x, y, z in reversed(half)]
    brush.fill(view.project(_smooth(half + mirrored)), colour)


def draw_locks(brush: Brush, view: View, person: Person, far: bool) -> None:
    """Draw the hair that falls over the shoulders: what is beyond a turned head, or what is before it."""
    if person.style not in (HairStyle.LONG, HairStyle.WAVY):
        return
    wavy = person.style is HairStyle.WAVY
    low = 2.35 if not wavy else 2.05
    for side in (-1.0, 1.0):
        if far is not (view.depth((side, 0.0, 0.0)) < -0.12):
            continue
        swing = 0.10 if wavy else 0.0
        lock = [
            (side * 0.98, -0.25, 0.30),
            (side * 1.20, 0.10, -0.10),
            (side * (1.26 + swing), 1.00, -0.20),
            (side * (1.22 - swing), 1.70, -0.10),
            (side * (1.10 + swing), low, 0.05),
            (side * (0.86 + swing), low - 0.12, 0.15),
            (side * (0.92 - swing), 1.60, 0.10),
            (side * 0.97, 1.00, 0.15),
            (side * 1.00, 0.40, 0.25),
        ]
        lit = 0.95 if side * person.light_side > 0 else 0.74
        points = view.project(_smooth(lock))
        brush.fill(points, shade(person.hair, lit), 1.0, 0.012)
        strand = np.array([(side * 1.10, 0.3, 0.1), (side * (1.12 + swing), 1.1, 0.1), (side * 1.06, low - 0.3, 0.15)])
        brush.line(view.project(strand.astype(np.float32)), shade(person.hair, lit * 1.25), 0.06, 0.35, 0.03)


def has_ears(person: Person) -> bool:
    """Return whether the hair leaves the ears free."""
    return CUTS[person.style].ears < 1.0 and person.style is not HairStyle.HEADSCARF


def draw_ear(brush: Brush, view: View, person: Person, side: int) -> None:
    """Draw the ear on ``side`` (-1 image left, 1 right)."""
    angle = np.linspace(0.0, 2 * np.pi, 20, endpoint=False, dtype=np.float32)
    lit = 0.92 if side * person.light_side > 0 else 0.74

    def oval(size: float) -> Floats:
        y = 0.30 + size * (0.33 * np.sin(angle) - 0.04 * np.cos(angle))
        z = -0.10 - size * 0.20 * np.cos(angle + 0.25)
        out = person.shape.width * 0.96 + 0.075 - 0.075 * np.cos(angle)
        taper = 1.0 - 0.06 * (np.sin(angle) > 0) * np.sin(angle)
        return view.project(np.stack([side * out * taper, y, z], 1).astype(np.float32))

    dusk = shade(person.skin, 0.45)
    brush.fill(oval(1.06), dusk, 0.55, 0.03)
    brush.fill(oval(0.97), shade(person.skin, lit))
    brush.fill(oval(0.60), dusk, 0.50, 0.03)
    if person.earrings:
        lobe = np.array([[side * (person.shape.width * 0.99 + 0.06), 0.66, -0.10]], np.float32)
        spot = view.project(lobe)[0]
        brush.fill(ring((float(spot[0]), float(spot[1])), (0.055 * brush.unit,) * 2, 12), (120.0, 196.0, 226.0))
