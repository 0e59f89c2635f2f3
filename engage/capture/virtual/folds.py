"""The soft shadows that expressions fold into a face."""

from __future__ import annotations

import cv2
import numpy as np

from engage.capture.virtual.geometry import Floats, Sheet
from engage.capture.virtual.mouth import lips
from engage.capture.virtual.person import Person
from engage.capture.virtual.rig import Actions
from engage.core.types import Image

Fold = tuple[list[tuple[float, float]], float, float]
"""Frontal points for the face's left half of the picture's right side, width in head units, darkness 0-1."""


def _paired(person: Person, act: Actions) -> list[Fold]:
    nose = person.shape.nose_length
    mouth = lips(person, act)
    corner_x = float(mouth.lower_inner[-1, 0])
    corner_y = float(mouth.lower_inner[-1, 1] + mouth.lower_inner[0, 1]) / 2
    smile = max(0.0, act.corner_up)
    sneer = act.nose_wrinkle + act.lip_up
    eye = person.features.eye_x
    return [
        (
            [
                (0.21, nose - 0.02),
                (0.30, nose + 0.10),
                (corner_x + 0.10, corner_y - 0.14),
                (corner_x + 0.13, corner_y + 0.02),
            ],
            0.05,
            0.03 + 0.13 * smile + 0.15 * sneer + 0.10 * max(0.0, -act.corner_up),
        ),
        ([(corner_x + 0.04, corner_y - 0.05), (corner_x + 0.06, corner_y + 0.05)], 0.05, 0.05 + 0.14 * smile),
        (
            [(corner_x + 0.03, corner_y + 0.05), (corner_x + 0.09, corner_y + 0.22)],
            0.05,
            0.34 * max(0.0, -act.corner_up),
        ),
        ([(eye - 0.2, 0.12), (eye, 0.185), (eye + 0.2, 0.13)], 0.04, 0.03 + 0.08 * act.cheek + 0.16 * act.squint),
        ([(eye + 0.27, 0.02), (eye + 0.38, -0.03)], 0.035, 0.20 * act.cheek),
        ([(eye + 0.27, 0.06), (eye + 0.38, 0.09)], 0.035, 0.20 * act.cheek),
        ([(0.065, -0.40), (0.06, -0.22)], 0.045, 0.42 * max(act.brow_knit - max(0.0, act.brow_inner) * 0.6, 0.0)),
        ([(0.10, -0.23), (0.19, -0.13)], 0.10, 0.40 * max(0.0, -act.brow_inner)),
        ([(0.14, -0.16), (0.30, -0.19), (eye + 0.14, -0.17)], 0.09, 0.30 * max(0.0, -act.brow_inner)),
        ([(0.07, 0.06), (0.13, 0.16)], 0.05, 0.24 * act.nose_wrinkle),
        ([(0.05, 0.18), (0.13, 0.26)], 0.05, 0.20 * act.nose_wrinkle),
    ]


def _single(person: Person, act: Actions) -> list[Fold]:
    mouth = lips(person, act)
    below = float(mouth.lower_outer[8, 1])
    nose = person.shape.nose_length
    raised = max(0.0, act.brow_inner)
    both = max(0.0, min(act.brow_inner, act.brow_outer))
    side = -1.0 if person.light_side > 0 else 1.0
    folds: list[Fold] = [
        ([(-0.20, below + 0.05), (0.0, below + 0.075), (0.20, below + 0.05)], 0.07, 0.13 + 0.2 * act.pout),
        ([(0.13 * side, 0.16), (0.17 * side, nose - 0.10)], 0.10, 0.09),
        ([(-0.05, 0.0), (0.05, 0.0)], 0.06, 0.28 * act.nose_wrinkle),
        ([(-0.22, -0.60), (0.0, -0.62), (0.22, -0.60)], 0.035, 0.20 * raised),
        ([(-0.24, -0.72), (0.0, -0.745), (0.24, -0.72)], 0.035, 0.16 * raised),
        ([(-0.52, -0.60), (-0.3, -0.655), (0.0, -0.62), (0.3, -0.655), (0.52, -0.60)], 0.035, 0.18 * both),
        ([(-0.46, -0.76), (0.0, -0.79), (0.46, -0.76)], 0.035, 0.14 * both),
    ]
    return folds


def fold_shadow(sheet: Sheet, unit: float, moment: tuple[Person, Actions], size: tuple[int, int]) -> Image:
    """Return how much each pixel is darkened, ``(H, W)`` uint8, 255 black.

    ``sheet`` and ``unit`` (pixels to a head unit) are those of a picture twice as large as ``size`` = (width, height).
    """
    person, act = moment
    unit = 0.5 * unit
    dark = np.zeros((size[1], size[0]), np.uint8)
    strokes = [(np.array(points, np.float32), width, depth) for points, width, depth in _single(person, act)]
    for corners, width, depth in _paired(person, act):
        half = np.array(corners, np.float32)
        strokes += [(half, width, depth), (half * np.array([-1.0, 1.0], np.float32), width, depth)]
    strokes = [each for each in strokes if each[2] > 0.015]
    placed: Floats = sheet.place(np.concatenate([points for points, _, _ in strokes])) * np.float32(0.5)
    at = 0
    for stroke, width, depth in strokes:
        line = np.round((placed[at : at + len(stroke)] - 0.5) * 16).astype(np.int32)
        at += len(stroke)
        thick = max(1, round(width * unit))
        faint = min(1.0, width * unit / thick)
        cv2.polylines(dark, [line], False, (255.0 * min(0.9, depth * 1.25) * faint,), thick, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(dark, (0, 0), max(0.5, 0.028 * unit)), np.uint8)
