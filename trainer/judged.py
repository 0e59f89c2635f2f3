"""What people have judged, as the scorer's terms: labelled pictures, and feedback on stretches of sessions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engage.core.scoring import score_all
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import EMOTIONS, GestureEvent, Sample
from engage.storage.records import FeedbackKind, FeedbackRecord
from trainer.lasting import Faces, lasting_scores

LEAST_SECONDS = 5
"""A stretch with fewer scored seconds says too little."""
CHECK_IN_LABELS = {1: 1, 2: 1, 3: 2, 4: 3, 5: 3}
CORRECTION_LABELS = {0: 1, 1: 3}


@dataclass(frozen=True, slots=True)
class Judged:
    """``N`` moments with what people said of them, 1 (disengaged) to 3 (engaged).

    ``expression`` is ``(N, 8)`` mean probabilities, ``attention`` and ``alertness`` ``(N,)`` the scorer's terms; NaN
    where they were not read. ``subjects`` says whose moment it is.
    """

    expression: NDArray[np.float64]
    attention: NDArray[np.float64]
    alertness: NDArray[np.float64]
    labels: NDArray[np.int64]
    subjects: NDArray[np.str_]

    def __len__(self) -> int:
        """Return ``N``."""
        return len(self.labels)

    def __getitem__(self, chosen: NDArray[np.bool_]) -> Judged:
        """Return the rows ``chosen``."""
        return Judged(*(getattr(self, name)[chosen] for name in self.__slots__))

    @classmethod
    def join(cls, parts: Sequence[Judged]) -> Judged:
        """Return the rows of all ``parts``."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


@dataclass(frozen=True, slots=True)
class Stretch:
    """One piece of feedback with all that is stored of its student in its session."""

    feedback: FeedbackRecord
    samples: Sequence[Sample]
    gestures: Sequence[GestureEvent]


def of_pictures(faces: Faces, labels: NDArray[np.int64], settings: ScoringSettings) -> Judged:
    """Return labelled faces with the terms that ``settings`` give them as if they lasted."""
    terms = lasting_scores(faces, settings).terms
    blank = np.full(len(labels), np.nan)
    read = faces.signals.expression
    expression = np.full((len(labels), len(EMOTIONS)), np.nan) if read is None else read.astype(np.float64)
    attention, alertness = (terms.get(name, blank) for name in ("attention", "alertness"))
    return Judged(expression, attention, alertness, labels, faces.subjects)


def of_feedback(stretches: Sequence[Stretch], settings: ScoringSettings) -> Judged:
    """Return feedback with the mean terms, under ``settings``, of the seconds it speaks of; too short ones left out."""
    rows = [row for stretch in stretches if (row := _row(stretch, settings)) is not None]
    expression, attention, alertness, labels, subjects = zip(*rows, strict=True) if rows else ([],) * 5
    return Judged(
        np.array(expression, np.float64).reshape(-1, len(EMOTIONS)),
        np.array(attention, np.float64),
        np.array(alertness, np.float64),
        np.array(labels, np.int64),
        np.array(subjects, np.str_),
    )


def _row(stretch: Stretch, settings: ScoringSettings) -> tuple[list[float], float, float, int, str] | None:
    said = stretch.feedback
    scores = score_all(stretch.samples, settings, stretch.gestures)
    spoken_of = [
        (sample, score.terms)
        for sample, score in zip(stretch.samples, scores, strict=True)
        if said.from_at <= sample.captured_at <= said.until_at and score.value is not None
    ]
    if len(spoken_of) < LEAST_SECONDS:
        return None
    probabilities = [sample.expression for sample, _ in spoken_of if sample.expression is not None]
    expression = np.mean(probabilities, axis=0) if probabilities else np.full(len(EMOTIONS), np.nan)
    labels = CHECK_IN_LABELS if said.kind is FeedbackKind.CHECK_IN else CORRECTION_LABELS
    attention, alertness = (
        _mean(terms[name] for _, terms in spoken_of if name in terms) for name in ("attention", "alertness")
    )
    return expression.tolist(), attention, alertness, labels[said.value], f"student {said.student_id}"


def _mean(values: Iterator[float]) -> float:
    known = list(values)
    return float(np.mean(known)) if known else float("nan")
