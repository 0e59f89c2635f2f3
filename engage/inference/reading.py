"""From crops to signals: what a classifier may be asked of each face, and what may be kept of its answer.

The one place that applies the modes of DESIGN.md section 6 to signals, for live sessions and for recordings alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np

from engage.core.protocols import ExpressionClassifier, SignalReader
from engage.core.signals import FaceSignals
from engage.core.types import FaceCrop, Mode

PLAIN = ("yaw_deg", "pitch_deg", "roll_deg", "gaze_x", "gaze_y", "left_eye_open", "right_eye_open", "mouth_open")
"""Signals that say where somebody looks and whether they are awake."""
EXPRESSIVE = ("smile", "brow")
"""Signals that say what somebody shows; they are expression too, and fall with it."""
MIN_FACE_SCORE = 0.5


@dataclass(frozen=True, slots=True)
class FaceReader:
    """Reads batches of crops with one classifier; without one, or in mode PRESENCE, only what the crop says itself.

    A classifier without the second head names the expression, and the head pose is that of the detector's landmarks.
    """

    classifier: ExpressionClassifier | None
    min_score: float = MIN_FACE_SCORE
    """Face score, 0-1, below which a crop that was only followed to shows no face (see ``believed``)."""

    @property
    def reads_signals(self) -> bool:
        """Return whether faces can be followed on this reader's answers."""
        return _reads_signals(self.classifier)

    def wants(self, mode: Mode) -> bool:
        """Return whether a crop of this mode is shown to the network at all."""
        return mode is Mode.FULL or (mode is Mode.ATTENTION and self.reads_signals)

    def read(self, crops: Sequence[tuple[FaceCrop, Mode]]) -> list[FaceSignals]:
        """Return the signals of each crop, as far as its mode allows; one pass of the network per mode.

        In mode ATTENTION the expression head is not evaluated.
        """
        found = [bare_signals(crop) for crop, _ in crops]
        for mode in (Mode.FULL, Mode.ATTENTION):
            places = [place for place, (_, asked) in enumerate(crops) if asked is mode]
            if places and self.wants(mode):
                answers = self._answers(np.stack([crops[place][0].pixels for place in places]), mode)
                for place, answer in zip(places, answers, strict=True):
                    found[place] = _with(crops[place][0], answer)
        return found

    def believed(self, crop: FaceCrop, signals: FaceSignals) -> bool:
        """Return whether ``crop`` counts as a face: the detector's word, else that of the network."""
        return crop.detected or (signals.face_score is not None and signals.face_score >= self.min_score)

    def _answers(self, pixels: np.ndarray[Any, np.dtype[np.uint8]], mode: Mode) -> list[dict[str, Any]]:
        """Return, per crop, the fields of FaceSignals that ``mode`` allows."""
        if not _reads_signals(self.classifier):
            assert self.classifier is not None  # ``wants`` has asked  # noqa: S101
            return [{"expression": tuple(row)} for row in self.classifier.predict(pixels).tolist()]
        full = mode is Mode.FULL
        answer = self.classifier.signals(pixels, expression=full)
        names = (*PLAIN, "face_score", *(EXPRESSIVE if full else ()))
        columns = {name: getattr(answer, name).tolist() for name in names}
        columns["box_shift"] = [tuple(row) for row in answer.box_shift.tolist()]
        if full and answer.expression is not None:
            columns["expression"] = [tuple(row) for row in answer.expression.tolist()]
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def bare_signals(crop: FaceCrop) -> FaceSignals:
    """Return what is known of a face without the network: box, confidence, and pose where landmarks gave one."""
    pose = crop.pose
    return FaceSignals(
        track_id=crop.track_id,
        box=crop.box,
        confidence=crop.confidence,
        yaw_deg=pose.yaw_deg if pose else None,
        pitch_deg=pose.pitch_deg if pose else None,
        roll_deg=pose.roll_deg if pose else None,
        hands=crop.hands,
    )


def _with(crop: FaceCrop, answer: dict[str, Any]) -> FaceSignals:
    if "yaw_deg" not in answer and crop.pose is not None:
        pose = crop.pose
        answer = {"yaw_deg": pose.yaw_deg, "pitch_deg": pose.pitch_deg, "roll_deg": pose.roll_deg, **answer}
    # Nobody looked at a followed face but the network: it is no surer than that.
    sure = crop.confidence if crop.detected else min(crop.confidence, answer.get("face_score", 0.0))
    return FaceSignals(crop.track_id, crop.box, sure, **answer, hands=crop.hands)


def _reads_signals(classifier: ExpressionClassifier | None) -> TypeGuard[SignalReader]:
    return isinstance(classifier, SignalReader) and classifier.reads_signals
