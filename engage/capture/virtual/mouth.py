"""Mouth and nose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engage.capture.virtual.brush import Brush, ring
from engage.capture.virtual.eyes import shade
from engage.capture.virtual.geometry import Floats, Sheet
from engage.capture.virtual.person import Person
from engage.capture.virtual.rig import Actions

_T = np.linspace(-1.0, 1.0, 17, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Lips:
    """The four edges of the lips from image left to right, frontal points ``(17, 2)``, and the gap between them."""

    upper_outer: Floats
    upper_inner: Floats
    lower_inner: Floats
    lower_outer: Floats
    gap: float


def lips(person: Person, act: Actions) -> Lips:
    """Return the outline of the mouth."""
    look = person.features
    narrow = 1.0 - 0.30 * min(1.0, act.jaw) * (1.0 if act.stretch < 0 else 0.3)
    half = look.mouth_width * (1.0 + (0.30 if act.stretch > 0 else 0.22) * act.stretch) * narrow
    x = half * _T
    round_ = np.sqrt(np.maximum(1.0 - _T * _T, 0.0))
    full = np.maximum(1.0 - _T * _T, 0.0) ** 0.8
    corner = -0.125 * (act.corner_up + 0.34) * np.abs(_T) ** 1.8
    corner -= 0.115 * act.one_sided * np.maximum(_T, 0.0) ** 1.5
    base = look.mouth_y + corner + 0.025 * act.corner_up - 0.03 * act.pout * round_
    gap = 0.10 * act.teeth + 0.50 * act.jaw * (1.0 - 0.2 * act.teeth)
    raise_ = 0.055 * act.lip_up * round_ + 0.02 * act.corner_up * full
    upper_inner = base - 0.24 * gap * round_ - raise_
    lower_inner = base + 0.62 * gap * round_ - 0.4 * raise_ * (gap < 0.02)
    thin = (1.0 - 0.62 * act.press) * (1.0 - 0.18 * max(0.0, act.corner_up))
    bow = full * (1.0 - 0.22 * np.exp(-((_T / 0.16) ** 2)))
    upper_outer = upper_inner - 0.082 * look.lip * thin * bow
    lower_outer = lower_inner + 0.110 * look.lip * thin * (1.0 + 0.25 * act.pout) * full

    def edge(y: Floats) -> Floats:
        return np.stack([x, y], 1).astype(np.float32)

    return Lips(edge(upper_outer), edge(upper_inner), edge(lower_inner), edge(lower_outer), gap)


def draw_mouth(brush: Brush, sheet: Sheet, person: Person, act: Actions) -> None:
    """Draw lips, and behind parted lips teeth and tongue."""
    edge = lips(person, act)
    upper = sheet.place(np.concatenate([edge.upper_outer, edge.upper_inner[::-1]]))
    lower = sheet.place(np.concatenate([edge.lower_inner, edge.lower_outer[::-1]]))
    both = sheet.place(np.concatenate([edge.upper_outer, edge.lower_outer[::-1]]))
    brush.fill(both, person.lips, 0.45, 0.022)
    brush.fill(upper, shade(person.lips, 0.86), 0.80, 0.008)
    brush.fill(lower, shade(person.lips, 1.06), 0.80, 0.008)
    shine = ring((0.0, float(edge.lower_outer[8, 1] * 0.55 + edge.lower_inner[8, 1] * 0.45)), (0.11, 0.018), 14)
    brush.fill(sheet.place(shine), (235.0, 235.0, 245.0), 0.16 * person.features.lip, 0.02)
    if edge.gap > 0.025:
        _draw_cavity(brush, sheet, edge, act)
    seam = sheet.place(edge.upper_inner if edge.gap > 0.025 else edge.lower_inner)
    brush.line(seam, shade(person.lips, 0.34), 0.026, 0.85, 0.007)
    for end in (0, -1):
        corner = ring((float(edge.lower_inner[end, 0]), float(edge.lower_inner[end, 1])), (0.035, 0.025), 10)
        brush.fill(sheet.place(corner), shade(person.skin, 0.45), 0.35, 0.02)


def _draw_cavity(brush: Brush, sheet: Sheet, edge: Lips, act: Actions) -> None:
    inset = brush.within(sheet.place(np.concatenate([edge.upper_inner, edge.lower_inner[::-1]])))
    if inset is None:
        return
    inner = inset.brush
    inner.canvas[:] = np.array((28, 20, 44), np.uint8)
    if edge.gap > 0.16:
        low = float(edge.lower_inner[8, 1])
        half = 0.75 * abs(float(edge.lower_inner[0, 0]))
        inner.fill(
            sheet.place(ring((0.0, low), (half, 0.42 * edge.gap))) - inset.corner, (66.0, 58.0, 128.0), 0.8, 0.04
        )
    band = 0.075 + 0.06 * min(1.0, act.teeth)
    if act.teeth < 0.1:
        band *= 0.40
    teeth = np.concatenate(
        [edge.upper_inner - np.array([0.0, 0.03]), (edge.upper_inner * (0.94, 1.0) + (0.0, band))[::-1]]
    )
    inner.fill(sheet.place(teeth.astype(np.float32)) - inset.corner, (222.0, 232.0, 238.0), 0.96, 0.006)
    if act.teeth > 0.15 and edge.gap > 0.2:
        low_row = np.concatenate([edge.lower_inner - (0.0, 0.045), (edge.lower_inner + np.array([0.0, 0.05]))[::-1]])
        inner.fill(sheet.place(low_row.astype(np.float32)) - inset.corner, (196.0, 208.0, 216.0), 0.7, 0.012)
    inner.line(sheet.place(edge.upper_inner) - inset.corner, (30.0, 22.0, 44.0), 0.05, 0.45, 0.02)
    inset.put_back()


def draw_nose(brush: Brush, sheet: Sheet, person: Person, act: Actions) -> None:
    """Draw nostrils, wings and the light on the tip; the bridge is the relief's."""
    wide = person.shape.nose_width * (1.0 + 0.08 * act.corner_up + 0.06 * act.nose_wrinkle)
    tip = person.shape.nose_length - 0.03 * act.nose_wrinkle
    dark = shade(person.skin, 0.30)
    angle = np.linspace(-0.5, 1.9, 7, dtype=np.float32)
    for side in (-1.0, 1.0):
        hole = ring((side * 0.085 * wide, tip + 0.085), (0.050 * wide, 0.024), 12)
        brush.fill(sheet.place(hole), dark, 0.72, 0.014)
        wing = np.stack([side * (0.135 * wide + 0.075 * np.cos(angle)), tip + 0.02 + 0.085 * np.sin(angle)], 1)
        brush.line(sheet.place(wing.astype(np.float32)), dark, 0.026, 0.34, 0.018)
    base = np.array([[-0.11 * wide, tip + 0.115], [0.0, tip + 0.135], [0.11 * wide, tip + 0.115]], np.float32)
    brush.line(sheet.place(base), dark, 0.03, 0.30, 0.02)
    glint = ring((0.025 * person.light_side, tip - 0.05), (0.05, 0.06), 12)
    brush.fill(sheet.place(glint), (245.0, 248.0, 255.0), 0.22, 0.03)
