"""Samples, scores, gestures and source states as rows, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from engage.core.types import (
    EMOTIONS,
    GestureEvent,
    Mode,
    Origin,
    Reason,
    Sample,
    Score,
    ScoredSample,
    SourceState,
    SourceStatus,
)
from engage.storage.tables import PROBABILITIES, GestureRow, SampleRow, ScoreRow, ScoringVersion, SourceEvent

PLAIN = tuple(field.name for field in fields(Sample) if field.name not in ("expression", "mode"))
"""The fields of a sample that are columns of the same name."""

BEFORE_EXPRESSION = [field.name for field in fields(Sample)].index("expression")
FIRST_PROBABILITY = len(PLAIN) + 1
LAST_PROBABILITY = FIRST_PROBABILITY + len(EMOTIONS)
FIRST_NUMBER = PLAIN.index("frames") + 1
NUMBERS = PLAIN[FIRST_NUMBER:]
_plain = attrgetter(*PLAIN)
NO_EXPRESSION: dict[str, float | None] = dict.fromkeys(PROBABILITIES)

SAMPLE_COLUMNS = tuple(getattr(SampleRow, name) for name in (*PLAIN, "mode", *PROBABILITIES))
SCORE_COLUMNS = (ScoreRow.value, ScoreRow.confidence.label("score_confidence"), ScoreRow.reason, ScoreRow.terms)
SCORED_COLUMNS = (*SAMPLE_COLUMNS, *SCORE_COLUMNS, ScoringVersion.name.label("version"))
"""What ``scored_sample`` reads."""


def sample_row(sample: Sample) -> dict[str, Any]:
    """Return the columns of a sample. Numbers become Python floats: the same value, whatever NumPy type it had."""
    values = _plain(sample)
    row: dict[str, Any] = dict(zip(PLAIN, values, strict=True))
    for name, value in zip(NUMBERS, values[FIRST_NUMBER:], strict=True):
        if value is not None and type(value) is not float:
            row[name] = float(value)
    if sample.expression is None:
        row.update(NO_EXPRESSION)
    else:
        row.update(zip(PROBABILITIES, map(float, sample.expression), strict=True))
    row["mode"] = sample.mode.value
    return row


def score_row(scored: ScoredSample, version_id: int) -> dict[str, Any]:
    """Return the columns of a score."""
    sample, score = scored.sample, scored.score
    return {
        "session_id": sample.session_id,
        "student_id": sample.student_id,
        "second": sample.second,
        "scoring_version_id": version_id,
        "value": None if score.value is None else float(score.value),
        "confidence": float(score.confidence),
        "reason": None if score.reason is None else score.reason.value,
        "terms": {name: float(value) for name, value in score.terms.items()},
    }


def gesture_row(gesture: GestureEvent) -> dict[str, Any]:
    """Return the columns of a gesture."""
    return {
        "session_id": gesture.session_id,
        "student_id": gesture.student_id,
        "kind": gesture.kind,
        "started_at": gesture.started_at,
        "ended_at": gesture.ended_at,
        "strength": float(gesture.strength),
    }


def event_row(status: SourceStatus) -> dict[str, Any]:
    """Return the columns of a source's change of state."""
    return {
        "session_id": status.origin.session_id,
        "source_id": status.origin.source_id,
        "student_id": status.origin.student_id or None,
        "state": status.state.value,
        "at": status.at,
        "detail": status.detail,
    }


def sample(row: Sequence[Any]) -> Sample:
    """Return the sample of a row that begins with ``SAMPLE_COLUMNS``."""
    probabilities = tuple(row[FIRST_PROBABILITY:LAST_PROBABILITY])
    before, after = row[:BEFORE_EXPRESSION], row[BEFORE_EXPRESSION : FIRST_PROBABILITY - 1]
    expression = None if probabilities[0] is None else probabilities
    values: list[Any] = [*before, expression, *after, Mode(row[FIRST_PROBABILITY - 1])]
    return Sample(*values)


def scored_sample(row: Sequence[Any]) -> ScoredSample:
    """Return the sample and score of a row of ``SCORED_COLUMNS``."""
    value, confidence, reason, terms, version = row[LAST_PROBABILITY:]
    return ScoredSample(sample(row), Score(value, confidence, Reason(reason) if reason else None, terms), version)


def gesture_event(row: GestureRow) -> GestureEvent:
    """Return a gesture."""
    return GestureEvent(row.session_id, row.student_id, row.kind, row.started_at, row.ended_at, row.strength)


def source_status(row: SourceEvent) -> SourceStatus:
    """Return a source's state."""
    origin = Origin(row.session_id, row.source_id, row.student_id or 0)
    return SourceStatus(origin, SourceState(row.state), row.at, row.detail)
