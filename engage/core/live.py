"""What a live page is told: one committed update as plain JSON, the same from the socket and from the catch-up API."""

from __future__ import annotations

from typing import Any

from engage.core.gestures.kinds import too_slow_for
from engage.core.rules.words import headline, why
from engage.core.types import EMOTIONS, GestureEvent, Mode, Reason, ScoredSample, SourceStatus
from engage.core.updates import AlertEvent, LiveUpdate

EVENT = "update"
"""The Socket.IO event that carries an update to the pages in ``room(session_id)``."""

MISSED = "missed"
"""The event that says: updates since a second could not be sent to you, ask the API for them."""

JOINERS = "/join"
"""The Socket.IO namespace of students who have joined with a browser."""
OWN_EVENT = "reading"
"""The event that carries a student's own second to ``own_room``, and to nobody else."""
OWN_FIELDS = ("second", "captured_at", "score", "confidence", "reason", "emoji", "word", "doing")

EMOJI = dict(zip(EMOTIONS, "😐😀😮😢😠🤢😨😒", strict=True))
UNKNOWN, DROWSY, AWAY, PRESENT, NO_DATA = "❓", "💤", "👋", "✅", "▫️"

DOING = {"looking_away_s": "looking away", "looking_down_s": "looking down"}
"""Terms of a score that say for how long something lasts, and the page's words."""
WORTH_SAYING_S = 10.0


def room(session_id: int) -> str:
    """Return the Socket.IO room of a session's live pages."""
    return f"session:{session_id}"


def own_room(session_id: int, student_id: int) -> str:
    """Return the Socket.IO room of one student's own browser."""
    return f"own:{session_id}:{student_id}"


def own_payloads(update: LiveUpdate, unknown_below: float) -> list[tuple[str, dict[str, Any]]]:
    """Return, for each student in an update, the room of their own browser and their newest second as JSON."""
    newest = {scored.sample.student_id: scored for scored in update.samples}
    found = []
    for student_id, scored in newest.items():
        payload = sample_payload(scored, unknown_below)
        own = {name: payload[name] for name in OWN_FIELDS}
        found.append((own_room(update.session_id, student_id), {"mode": scored.sample.mode.value, **own}))
    return found


def update_payload(update: LiveUpdate, unknown_below: float) -> dict[str, Any]:
    """Return the JSON of an update: ``{"session", "committed_at"}``, lists ``samples, statuses, gestures, alerts``.

    ``rate`` is how many frames a second of each source are asked for now, and would be on a faster machine, or None.
    """
    rate = update.rate
    return {
        "session": update.session_id,
        "committed_at": update.committed_at.timestamp(),
        "samples": [sample_payload(scored, unknown_below) for scored in update.samples],
        "statuses": [status_payload(status) for status in update.statuses],
        "gestures": [gesture_payload(gesture) for gesture in update.gestures],
        "alerts": [alert_payload(alert) for alert in update.alerts],
        "rate": rate and {"asked_fps": round(rate.asked_fps, 1), "agreed_fps": round(rate.agreed_fps, 1)},
    }


def sample_payload(scored: ScoredSample, unknown_below: float) -> dict[str, Any]:
    """Return one student's second as JSON; (student, second) identifies it.

    ``score`` is None where there is none, with the ``reason`` in words; pages write ``word`` after "appears".
    ``doing`` is what has lasted for a while, with the second since when; ``too_slow_for`` names the gestures that this
    second's frame rate does not bear.
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
        "doing": doing(scored),
        "too_slow_for": sorted(too_slow_for(sample.frames / sample.duration_s)) if sample.duration_s > 0 else [],
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


def gesture_payload(gesture: GestureEvent) -> dict[str, Any]:
    """Return a gesture that is over as JSON; (student, kind, started_at) identifies it."""
    return {
        "student": gesture.student_id,
        "kind": gesture.kind,
        "started_at": gesture.started_at.timestamp(),
        "ended_at": gesture.ended_at.timestamp(),
        "strength": round(gesture.strength, 3),
    }


def alert_payload(alert: AlertEvent) -> dict[str, Any]:
    """Return an alert as JSON; ``student`` is None for one of the class, ``id`` identifies it."""
    return {
        "id": alert.id,
        "student": alert.student_id,
        "rule": alert.rule,
        "headline": headline(alert.rule),
        "why": why(alert),
        "state": alert.state.value,
        "since": alert.details.get("since", alert.started_at.timestamp()),
        "started_at": alert.started_at.timestamp(),
        "ended_at": alert.ended_at.timestamp() if alert.ended_at else None,
        "acknowledged_at": alert.acknowledged_at.timestamp() if alert.acknowledged_at else None,
        "snoozed_until": alert.snoozed_until.timestamp() if alert.snoozed_until else None,
    }


def doing(scored: ScoredSample) -> dict[str, Any] | None:
    """Return what a student has been doing for ``WORTH_SAYING_S`` or longer, in words, and since when; else None."""
    at = scored.sample.captured_at.timestamp()
    for term, words in DOING.items():
        lasted_s = scored.score.terms.get(term, 0.0)
        if lasted_s >= WORTH_SAYING_S:
            return {"words": words, "since": at - lasted_s}
    return None


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
