"""What a live page is told: one committed update as plain JSON, the same from the socket and from the catch-up API."""

from __future__ import annotations

from typing import Any

from engage.core.types import EMOTIONS, LiveUpdate, Mode, Reason, ScoredSample, SourceStatus

EVENT = "update"
"""The Socket.IO event that carries an update to the pages in ``room(session_id)``."""

EMOJI = dict(zip(EMOTIONS, "😐😀😮😢😠🤢😨😒", strict=True))
UNKNOWN, DROWSY, AWAY, PRESENT, NO_DATA = "❓", "💤", "👋", "✅", "▫️"


def room(session_id: int) -> str:
    """Return the Socket.IO room of a session's live pages."""
    return f"session:{session_id}"


def update_payload(update: LiveUpdate, unknown_below: float) -> dict[str, Any]:
    """Return the JSON of an update: ``{"session", "committed_at", "samples": [...], "statuses": [...]}``."""
    return {
        "session": update.session_id,
        "committed_at": update.committed_at.timestamp(),
        "samples": [sample_payload(scored, unknown_below) for scored in update.samples],
        "statuses": [status_payload(status) for status in update.statuses],
    }


def sample_payload(scored: ScoredSample, unknown_below: float) -> dict[str, Any]:
    """Return one student's second as JSON; (student, second) identifies it.

    ``score`` is None where there is none, with the ``reason`` in words; pages write ``word`` after "appears".
    """
    sample, score = scored.sample, scored.score
    emoji, word = reading(scored, unknown_below)
    return {
        "student": sample.student_id,
        "second": sample.second,
        "captured_at": sample.captured_at.timestamp(),
        "score": None if score.value is None else round(score.value, 2),
        "confidence": round(score.confidence, 3),
        "reason": score.reason.value if score.reason else None,
        "emoji": emoji,
        "word": word,
        "terms": {name: round(value, 3) for name, value in score.terms.items()},
        "expression": None
        if sample.expression is None
        else {name: round(p, 3) for name, p in zip(EMOTIONS, sample.expression, strict=True)},
    }


def status_payload(status: SourceStatus) -> dict[str, Any]:
    """Return a source's change of state as JSON."""
    return {
        "student": status.origin.student_id,
        "source": status.origin.source_id,
        "state": status.state.value,
        "at": status.at.timestamp(),
        "detail": status.detail,
    }


def reading(scored: ScoredSample, unknown_below: float) -> tuple[str, str]:
    """Return the emoji and the word for one student's second (DESIGN.md section 5, last paragraph)."""
    sample, score = scored.sample, scored.score
    if score.reason is Reason.AWAY:
        return AWAY, "away"
    if score.reason in (Reason.TOO_DARK, Reason.NO_CAMERA, Reason.PAUSED, Reason.NO_CONSENT):
        return NO_DATA, score.reason.value
    if score.terms.get("drowsy"):
        return DROWSY, "drowsy"
    if sample.mode is not Mode.FULL:
        return (PRESENT, "present") if sample.face_share > 0 else (AWAY, "away")
    if sample.expression is None or max(sample.expression) < unknown_below:
        return UNKNOWN, "unknown"
    name = EMOTIONS[max(range(len(EMOTIONS)), key=sample.expression.__getitem__)]
    return EMOJI[name], name
