"""How fast the backends are here, and whether they answer as the reference does: the same drawn crops for all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engage.core.signals import SignalArrays
from engage.core.types import Image
from engage.errors import EngageError
from engage.inference.backed import BackedClassifier
from engage.inference.backends.registry import REFERENCE, Offer, build
from engage.inference.backends.source import Source

BUDGET_S = 1.8
"""For timing all offers together; loading them comes on top."""
AGREED = 16
"""Drawn crops on which answers are compared."""
SIZES = (1, 8)
"""Batches that are timed; in a class of 30 at 5 frames a second most have few faces."""
HOPELESS = 4
"""An offer whose first warm face takes this many times as long as the best one's is not measured further."""
TOLERANCES = {"expression": 0.1, "angle_deg": 2.0, "share": 0.06, "box_shift": 0.02}
"""Largest difference from PyTorch in float32 on any drawn crop: of a probability, an angle, an openness or the like,
and a place in crop widths. int8 differs by up to .06, 1.0, .03 and .005, and costs no accuracy on FER+ (see
docs/performance.md); a graph that is wrong differs by ten times these."""
ANGLES = ("yaw_deg", "pitch_deg", "roll_deg", "gaze_x", "gaze_y")
SHARES = ("left_eye_open", "right_eye_open", "mouth_open", "smile", "brow", "face_score")


@dataclass(frozen=True, slots=True)
class Measured:
    """What one offer does here. ``problem`` says in one line why it is not to be used, or is ""."""

    backend: str
    precision: str
    faces_per_s: float = 0.0
    """The mean over ``SIZES`` of the seconds a face takes, inverted."""
    differences: dict[str, float] = field(default_factory=dict)
    """The largest, by the names of TOLERANCES."""
    problem: str = ""


def measure_here(source: Source, candidates: Sequence[Offer], budget_s: float = BUDGET_S) -> list[Measured]:
    """Return what each of ``candidates`` does, measured in this process on the drawn crops of ``source``.

    Raises ModelError where the reference itself cannot be loaded.
    """
    crops = source.drawn()[:AGREED]
    reference = BackedClassifier.of(build(REFERENCE, source), source)
    answers = _answers(reference, crops)
    found: list[Measured] = []
    best_s = float("inf")
    for offer in candidates:
        try:
            classifier = reference if offer == REFERENCE else BackedClassifier.of(build(offer, source), source)
            one = _measure(offer, classifier, (crops, answers), budget_s / len(candidates), best_s)
        except EngageError as error:
            one = Measured(offer.backend, offer.precision, problem=str(error))
        if not one.problem:
            best_s = min(best_s, 1 / one.faces_per_s)
        found.append(one)
    return found


def differences(found: SignalArrays, wanted: SignalArrays) -> dict[str, float]:
    """Return the largest difference by the names of TOLERANCES; what both do not have counts as 0."""

    def largest(names: Sequence[str]) -> float:
        pairs = [(getattr(found, name), getattr(wanted, name)) for name in names]
        return max((float(np.abs(a - b).max(initial=0)) for a, b in pairs if a is not None), default=0.0)

    groups = {"expression": ("expression",), "angle_deg": ANGLES, "share": SHARES, "box_shift": ("box_shift",)}
    return {name: round(largest(names), 6) for name, names in groups.items()}


def _measure(
    offer: Offer, classifier: BackedClassifier, known: tuple[Image, SignalArrays], budget_s: float, best_s: float
) -> Measured:
    crops, wanted = known
    classifier.warm_up(SIZES)
    once_s = _timed(classifier, crops[:1])
    if once_s > HOPELESS * best_s:
        return Measured(offer.backend, offer.precision, round(1 / once_s, 1), problem="much slower than another")
    apart = differences(_answers(classifier, crops), wanted)
    off = [name for name, value in apart.items() if not value <= TOLERANCES[name]]
    problem = f"answers otherwise than PyTorch in fp32 ({off[0]} by {apart[off[0]]:.3g})" if off else ""
    took_s = [_best_s(classifier, crops[:size], budget_s / len(SIZES)) / size for size in SIZES]
    return Measured(offer.backend, offer.precision, round(1 / float(np.mean(took_s)), 1), apart, problem)


def _answers(classifier: BackedClassifier, crops: Image) -> SignalArrays:
    if classifier.reads_signals:
        return classifier.signals(crops)
    nothing = np.zeros((len(crops), len(ANGLES)), np.float32)
    plain = dict.fromkeys((*ANGLES, *SHARES), nothing[:, 0])
    return SignalArrays(expression=classifier.predict(crops), box_shift=nothing[:, :3], **plain)


def _timed(classifier: BackedClassifier, crops: Image) -> float:
    began_s = time.perf_counter()
    _answers(classifier, crops)
    return time.perf_counter() - began_s


def _best_s(classifier: BackedClassifier, crops: Image, budget_s: float) -> float:
    """Return the shortest time that ``crops`` took: whatever else runs can only make it longer."""
    end_s = time.perf_counter() + budget_s
    best_s = _timed(classifier, crops)
    while time.perf_counter() + best_s < end_s:
        best_s = min(best_s, _timed(classifier, crops))
    return best_s
