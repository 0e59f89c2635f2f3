"""From what a student feels and does to what each part of the face does.

The parts are those of the Facial Action Coding System (Ekman, Friesen and Hager 2002), the recipes its prototypes:
happiness 6+12, surprise 1+2+5+26, sadness 1+4+15, anger 4+5+7+23, disgust 9+10+15, fear 1+2+4+5+20+26, contempt 14.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from engage.capture.virtual.state import FaceState


@dataclass(frozen=True, slots=True)
class Actions:
    """How far each part of the face moves, 0-1 unless said otherwise."""

    brow_inner: float = 0.0
    """Inner ends raised (1) or lowered (-1)."""
    brow_outer: float = 0.0
    """Outer ends raised (1) or lowered (-1)."""
    brow_knit: float = 0.0
    wide: float = 0.0
    """Upper lids raised (1) or drooping (-1)."""
    squint: float = 0.0
    cheek: float = 0.0
    nose_wrinkle: float = 0.0
    lip_up: float = 0.0
    corner_up: float = 0.0
    """Mouth corners drawn up (1) or down (-1)."""
    stretch: float = 0.0
    """Mouth wider (1) or narrower (-1)."""
    press: float = 0.0
    pout: float = 0.0
    teeth: float = 0.0
    """Lips parted over the teeth."""
    jaw: float = 0.0
    one_sided: float = 0.0


_RECIPES = (
    Actions(wide=-0.05),
    Actions(cheek=1.0, squint=0.5, corner_up=1.0, stretch=0.75, teeth=0.75, jaw=0.10, brow_outer=0.05),
    Actions(brow_inner=1.0, brow_outer=1.0, wide=1.0, jaw=0.80, stretch=-0.45),
    Actions(
        brow_inner=0.95,
        brow_outer=-0.60,
        brow_knit=0.90,
        wide=-0.90,
        squint=0.40,
        corner_up=-0.95,
        pout=0.35,
        jaw=0.06,
    ),
    Actions(
        brow_inner=-1.0,
        brow_outer=-0.25,
        brow_knit=1.0,
        wide=0.10,
        squint=0.60,
        nose_wrinkle=0.70,
        lip_up=0.60,
        corner_up=-0.40,
        stretch=-0.20,
        teeth=0.25,
        jaw=0.75,
    ),
    Actions(
        brow_inner=-0.6,
        brow_outer=-0.3,
        brow_knit=0.6,
        squint=0.8,
        nose_wrinkle=1.0,
        lip_up=1.0,
        corner_up=-0.4,
        teeth=0.40,
        jaw=0.15,
    ),
    Actions(brow_inner=0.9, brow_outer=0.4, brow_knit=0.7, wide=1.0, stretch=0.6, jaw=0.35, teeth=0.35, corner_up=-0.2),
    Actions(one_sided=1.0, wide=-0.15, brow_outer=0.1, press=0.2),
)
"""In FER+ order. FER2013's sadness often weeps and its anger shouts: narrowed eyes there, an open mouth here."""
_NAMES = tuple(field.name for field in fields(Actions))
_MATRIX = np.array([[getattr(recipe, name) for name in _NAMES] for recipe in _RECIPES])


def actions(state: FaceState) -> Actions:
    """Return the actions of ``state``: the emotions' recipes added up, then speech, yawn and brows on top."""
    total = dict(zip(_NAMES, (np.array(state.expression) @ _MATRIX).tolist(), strict=True))
    opening = max(0.0, state.mouth_open)
    total["jaw"] = min(1.0, total["jaw"] + opening * (1.0 - total["jaw"]))
    total["stretch"] -= 0.25 * opening
    total["brow_inner"] = float(np.clip(total["brow_inner"] + state.brow, -1, 1))
    total["brow_outer"] = float(np.clip(total["brow_outer"] + state.brow, -1, 1))
    return Actions(**total)


def eye_opening(act: Actions, openness: float) -> float:
    """Return the height of an eye's opening, 1 at rest and 0 closed, for a lid at ``openness``."""
    rest = 1.0 + (0.34 if act.wide > 0 else 0.55) * act.wide - 0.30 * act.squint
    return float(np.clip(openness, 0.0, 1.2)) * rest


def brow_height(act: Actions) -> float:
    """Return how far the brows are raised, -1 to 1."""
    return float(np.clip(0.5 * (act.brow_inner + act.brow_outer), -1.0, 1.0))


def smile(act: Actions) -> float:
    """Return how much the mouth smiles, 0-1."""
    return float(np.clip(act.corner_up + 0.3 * act.one_sided, 0.0, 1.0))


def mouth_opening(act: Actions) -> float:
    """Return how far the mouth is open, 0 with the lips closed to 1 in a yawn."""
    return float(np.clip(act.jaw + 0.12 * act.teeth, 0.0, 1.0))
