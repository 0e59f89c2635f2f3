"""Scores of single faces as if they lasted: no time, no smoothing, against each subject's own usual look.

The scorer itself does it: it is shown the subject's usual look for a minute (with the step that calibrates it), then
each face for as long as its windows are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engage.core.gestures.kinds import GestureKind
from engage.core.lids import eyes_open, lids_closed
from engage.core.scoring import StudentScorer
from engage.core.scoring_settings import ScoringSettings
from engage.core.signals import FaceSignals, SignalArrays
from engage.core.types import Box, GestureEvent, Sample, Score

START = datetime(2000, 1, 1, tzinfo=UTC)
STEP_S = 10.0
"""One sample stands for so long; windows and spells are all longer."""
NO_BOX = Box(0, 0, 1, 1)
PLAIN = ("yaw_deg", "pitch_deg", "roll_deg", "gaze_x", "gaze_y")
OTHERS = ("left_eye_open", "right_eye_open", "mouth_open", "smile", "brow")


@dataclass(frozen=True, slots=True)
class Faces:
    """Signals of ``N`` faces, whose they are ``(N,)``, and the detector's confidence ``(N,)``."""

    signals: SignalArrays
    subjects: NDArray[np.str_]
    confidence: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lasting:
    """Scores ``(N,)``, NaN where there is none, and each term ``(N,)``, NaN where it is not read."""

    values: NDArray[np.float64]
    terms: Mapping[str, NDArray[np.float64]]


def lasting_scores(faces: Faces, settings: ScoringSettings) -> Lasting:
    """Return what ``settings`` make of each face as if it lasted; the usual look is the subject's median."""
    timeless = replace(settings, baseline_drift_deg=0.0, smoothing_s=1e-3)
    samples = [_as_sample(_face(faces.signals, row), float(sure)) for row, sure in enumerate(faces.confidence)]
    scores: list[Score] = [Score(None, 0.0)] * len(samples)
    for subject in np.unique(faces.subjects):
        rows = np.flatnonzero(faces.subjects == subject)
        for row, score in zip(rows, _one_after_another([samples[row] for row in rows], timeless), strict=True):
            scores[row] = score
    values = np.array([np.nan if score.value is None else score.value for score in scores])
    names = sorted({name for score in scores for name in score.terms})
    return Lasting(values, {name: np.array([score.terms.get(name, np.nan) for score in scores]) for name in names})


def _one_after_another(samples: list[Sample], settings: ScoringSettings) -> Iterator[Score]:
    """Yield each sample's score once it has lasted longer than anything the scorer remembers, the baseline apart."""
    steps = max(2, round(settings.baseline_learning_s / STEP_S))
    longest = max(settings.window_s, settings.perclos_window_s, settings.downward_grace_s)
    scorer, usual = StudentScorer(settings), _usual(samples)
    scorer.note(GestureEvent(0, 0, GestureKind.CALIBRATION, _at(-steps), _at(0), 1.0))
    for step in range(-steps + 1, 1):
        scorer.update(replace(usual, captured_at=_at(step)), participation=0.0)
    later = count(1)
    for sample in samples:
        score = Score(None, 0.0)
        for step in islice(later, round(longest / STEP_S) + 1):
            score = scorer.update(replace(sample, captured_at=_at(step)), participation=0.0)
        yield score


def _at(step: int) -> datetime:
    return START + timedelta(seconds=step * STEP_S)


def _face(signals: SignalArrays, row: int) -> FaceSignals:
    expression = None if signals.expression is None else tuple(map(float, signals.expression[row]))
    read: dict[str, Any] = {name: float(getattr(signals, name)[row]) for name in (*PLAIN, *OTHERS, "face_score")}
    return FaceSignals(0, NO_BOX, 1.0, expression, **read)


def _as_sample(face: FaceSignals, confidence: float) -> Sample:
    return Sample(
        0, 0, 0, START, 1, STEP_S, 1.0, confidence, 0.5,
        expression=face.expression,
        **{name: getattr(face, name) for name in PLAIN},
        lids_closed_share=lids_closed(face),
        eyes_open=eyes_open(face),
    )  # fmt: skip


def _usual(samples: list[Sample]) -> Sample:
    """Return the sample whose angles and openness are the medians of ``samples``."""
    medians: dict[str, Any] = {
        name: float(np.median(values))
        for name in (*PLAIN, "eyes_open")
        if (values := [value for sample in samples if (value := getattr(sample, name)) is not None])
    }
    return replace(samples[0], **medians, lids_closed_share=0.0, confidence=1.0)
