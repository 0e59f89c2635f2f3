"""How well the signals head reads: agreement with the teachers on real faces, exact error on drawn ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engage.core.lids import CLOSED_BELOW
from engage.core.signals import SignalArrays
from engage.core.types import Image
from engage.inference.classifier import Classifier
from trainer.agreement import area
from trainer.signals import Targets, answers

OPEN_ABOVE = 0.5

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SignalFigures:
    """``n`` faces; mean absolute errors in degrees, correlations, the area under the curve of closed against open eyes,
    and the median error of the framing in crop widths.
    """

    model: str
    faces: str
    n: int
    values: Mapping[str, float]

    def to_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return {"model": self.model, "faces": self.faces, "n": self.n, **self.values}


def evaluate_signals(classifier: Classifier, crops: Image, targets: Targets, faces: str) -> SignalFigures:
    """Return how ``classifier.signals(crops)`` compares with ``targets``, of which unknown ones (NaN) are left out.

    Args:
        classifier: with a signals head.
        crops: ``(N, 48, 48)`` uint8.
        targets: of the crops.
        faces: what the result calls them.
    """
    read = classifier.signals(crops, expression=False)
    right = answers(targets).numpy()
    known = ~np.isnan(right[:, 0])
    values: dict[str, float] = {}
    for column, name in enumerate(("yaw_deg", "pitch_deg", "roll_deg", "gaze_x", "gaze_y")):
        given, wanted = getattr(read, name)[known], right[known, column]
        values[f"{name}_mae"] = float(np.abs(given - wanted).mean())
        values[f"{name}_correlation"] = _correlation(given, wanted)
    for column, name in ((7, "mouth_open"), (8, "smile"), (9, "brow")):
        values[f"{name}_correlation"] = _correlation(getattr(read, name)[known], right[known, column])
    values["eyes_closed_auc"] = _eyes_auc(read, right)
    framed = ~np.isnan(right[:, 10])
    values["shift_error"] = float(np.median(np.hypot(*(read.box_shift - right[:, 10:13])[framed, :2].T)))
    return SignalFigures(classifier.name, faces, int(known.sum()), {k: round(v, 4) for k, v in values.items()})


def _eyes_auc(read: SignalArrays, right: Floats) -> float:
    given = np.concatenate([read.left_eye_open, read.right_eye_open])
    wanted = np.concatenate([right[:, 5], right[:, 6]])
    clear = (wanted <= CLOSED_BELOW) | (wanted >= OPEN_ABOVE)
    shut = (wanted[clear] <= CLOSED_BELOW).astype(np.int64)
    found = area(-given[clear].astype(np.float64), shut, (0,), (1,))
    return float("nan") if found is None else found


def _correlation(given: Floats, wanted: Floats) -> float:
    return float(np.corrcoef(given, wanted)[0, 1]) if len(given) > 1 and given.std() and wanted.std() else float("nan")
