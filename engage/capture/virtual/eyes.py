"""Eyes, brows and glasses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engage.capture.virtual.brush import Brush, ring
from engage.capture.virtual.geometry import Floats, Sheet, View
from engage.capture.virtual.person import Colour, HairStyle, Person
from engage.capture.virtual.rig import Actions, eye_opening
from engage.capture.virtual.state import FaceState

_T = np.linspace(-1.0, 1.0, 11, dtype=np.float32)
_INK: Colour = (22.0, 20.0, 26.0)
_EYEBALL = 0.21
_IRIS = 0.118


@dataclass(frozen=True, slots=True)
class Lids:
    """The rims of one eye as frontal points ``(11, 2)`` from the nose outwards, and its opening (1 at rest)."""

    upper: Floats
    lower: Floats
    opening: float


def shade(colour: Colour, factor: float) -> Colour:
    """Return ``colour`` made darker (< 1) or lighter (> 1)."""
    blue, green, red = (min(255.0, channel * factor) for channel in colour)
    return blue, green, red


def lids(person: Person, act: Actions, side: int, opening: float) -> Lids:
    """Return the rims of the eye on ``side`` (-1 image left, 1 right)."""
    look = person.features
    arch = (1.0 - np.abs(_T + 0.12 * (1 - _T * _T)) ** 2.3).astype(np.float32)
    cup = (1.0 - np.abs(_T - 0.1 * (1 - _T * _T)) ** 2.2).astype(np.float32)
    tilt = (
        look.eye_tilt
        - 0.035 * max(0.0, act.brow_inner - act.brow_outer)
        + 0.03 * max(0.0, act.brow_outer - act.brow_inner)
    )
    slant = -tilt * _T
    top = -0.106 * look.eye_height * arch
    bottom = (0.080 * look.eye_height * (1.0 - 0.55 * act.squint) - 0.030 * act.cheek) * cup
    closed = bottom * 0.80 + 0.012 * cup
    upper = closed + (top - closed) * opening
    bottom = np.maximum(bottom, upper)
    x = side * (look.eye_x + look.eye_width * _T)
    return Lids(np.stack([x, upper + slant], 1), np.stack([x, bottom + slant], 1), opening)


def draw_eye(brush: Brush, sheet: Sheet, person: Person, moment: tuple[FaceState, Actions], side: int) -> None:
    """Draw the eye on ``side``: white, iris, lashes, crease."""
    state, act = moment
    openness = state.left_eye_open if side > 0 else state.right_eye_open
    opening = eye_opening(act, openness) * (1.0 + min(0.0, state.gaze_y) / 70.0 + max(0.0, state.gaze_y) / 120.0)
    rims = lids(person, act, side, opening)
    if opening > 0.08:
        _draw_ball(brush, sheet, person, state, rims)
    upper, lower = sheet.place(rims.upper), sheet.place(rims.lower)
    dusk = shade(person.skin, 0.42)
    lash = 0.030 + 0.026 * person.features.lashes
    brush.line(lower, dusk, 0.020, 0.35 if opening > 0.15 else 0.1, 0.012)
    brush.line(upper, shade(dusk, 0.45), 0.55 * lash, 0.75, 0.006)
    brush.line(upper[3:], shade(dusk, 0.45), lash, 0.92, 0.006)
    if person.features.lashes > 0.5:
        corner = rims.upper[-3:] + np.array([[0, 0], [side * 0.015, -0.010], [side * 0.045, -0.035]], np.float32)
        brush.line(sheet.place(corner), _INK, 0.022, 0.8, 0.004)
    rise = 0.050 + 0.030 * min(opening, 1.3)
    crease = rims.upper[1:] * np.array([1.0, 0.9], np.float32) - np.array([0.0, rise], np.float32)
    brush.line(sheet.place(crease), dusk, 0.024, 0.42 * person.features.crease, 0.014)


def _draw_ball(brush: Brush, sheet: Sheet, person: Person, state: FaceState, rims: Lids) -> None:
    outline = sheet.place(np.concatenate([rims.upper, rims.lower[::-1]]))
    inset = brush.within(outline)
    if inset is None:
        return
    glow = float(np.mean(person.skin)) / 200.0
    white = shade((224.0, 229.0, 234.0), min(0.90, 0.58 + 0.20 * glow))
    inner = inset.brush
    inner.canvas[:] = np.array(white, np.uint8)
    side = 1.0 if rims.upper[5, 0] > 0 else -1.0
    gaze = np.deg2rad([state.gaze_x, state.gaze_y])
    x = side * person.features.eye_x + _EYEBALL * float(np.sin(gaze[0]))
    y = -0.024 - _EYEBALL * float(np.sin(gaze[1]))

    def disc(radius: float, dx: float = 0.0, dy: float = 0.0) -> Floats:
        squeeze = (float(np.cos(gaze[0])), float(np.cos(gaze[1])))
        circle = ring((x + dx, y + dy), (radius * squeeze[0], radius * squeeze[1]), 20)
        return sheet.place(circle) - inset.corner

    inner.fill(disc(_IRIS), shade(person.iris, 0.42))
    inner.fill(disc(_IRIS * 0.84), person.iris)
    inner.fill(disc(_IRIS * 0.60, 0.0, 0.016), shade(person.iris, 1.30), 0.6, 0.012)
    inner.fill(disc(_IRIS * 0.46), _INK)
    spot = -0.032 if person.light_side < 0 else 0.032
    inner.line(sheet.place(rims.upper) - inset.corner, shade(person.skin, 0.25), 0.075, 0.55, 0.022)
    inner.fill(disc(0.026, spot, -0.036), (250.0, 250.0, 250.0), 0.95)
    inner.fill(disc(0.014, -spot, 0.034), (240.0, 240.0, 240.0), 0.4)
    inset.put_back()


def draw_brow(brush: Brush, sheet: Sheet, person: Person, act: Actions, side: int) -> None:
    """Draw the brow on ``side``."""
    look = person.features
    t = np.linspace(0.0, 1.0, 9, dtype=np.float32)
    x = 0.165 - 0.045 * act.brow_knit + (0.50 + 0.03 * act.brow_knit) * t
    lift = act.brow_inner * (1 - t) ** 1.4 * 0.13 + act.brow_outer * (0.12 * t * (1.25 - 0.5 * t) + 0.02)
    arch = 0.046 * look.brow_arch * np.sin(np.pi * t**1.35) + 0.045 * t - 0.040 * t**3
    lower = 0.02 * act.nose_wrinkle
    y = look.brow_y + 0.030 - arch - lift + lower
    thick = 0.043 * look.brow_thickness * np.minimum(1.0, 0.35 + 3.2 * t) * (1.0 - 0.75 * t**2.2)
    upper, under = np.stack([side * x, y - thick], 1), np.stack([side * x, y + thick], 1)
    colour = _brow_colour(person)
    shape = sheet.place(np.concatenate([upper, under[::-1]]).astype(np.float32))
    brush.fill(shape, colour, 0.55, 0.022)
    brush.fill(shape, colour, 0.62, 0.008)


def _brow_colour(person: Person) -> Colour:
    if person.style in (HairStyle.BALD, HairStyle.HEADSCARF):
        return shade(person.skin, 0.24)
    tint = shade(person.hair, 0.62 if sum(person.hair) > 260 else 0.85)
    blue, green, red = (0.72 * a + 0.28 * b * 0.35 for a, b in zip(tint, person.skin, strict=True))
    return blue, green, red


def draw_glasses(brush: Brush, view: View, person: Person) -> None:
    """Draw glasses, where the person wears them."""
    if not person.glasses:
        return
    look = person.features
    colour = shade(person.cloth_trim, 0.35)
    for side in (-1.0, 1.0):
        centre = (side * (look.eye_x + 0.01), 0.045)
        if person.glasses == "round":
            rim = ring(centre, (0.30, 0.28), 28)
        else:
            angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
            wave = np.stack([np.cos(angle), np.sin(angle)], 1)
            rim = np.array(centre) + np.sign(wave) * np.abs(wave) ** 0.45 * (0.315, 0.235)
        flat = np.concatenate([rim, np.full((len(rim), 1), 1.30)], 1)
        flat[:, 2] -= 0.45 * np.maximum(np.abs(flat[:, 0]) - 0.25, 0.0) ** 1.5
        points = view.project(flat.astype(np.float32))
        brush.fill(points, (255.0, 250.0, 244.0), 0.07)
        brush.line(np.concatenate([points, points[:1]]), colour, 0.045, 0.95)
        if view.depth((side, 0.0, 0.25)) > -0.30:
            arm = np.array([[side * 0.725, 0.0, 1.16], [side * 0.99, 0.03, 0.35]], np.float32)
            brush.line(view.project(arm), colour, 0.042, 0.9)
    bridge = np.array([[-0.13, 0.0, 1.33], [0.0, -0.03, 1.36], [0.13, 0.0, 1.33]], np.float32)
    brush.line(view.project(bridge), colour, 0.042, 0.95)
