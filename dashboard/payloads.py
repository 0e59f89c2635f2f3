"""Records as the JSON of the API; times are Unix seconds."""

from __future__ import annotations

from typing import Any

from dashboard.services import PolicyInForce
from engage.core.live import sample_payload, status_payload
from engage.core.types import Mode, ScoredSample, SourceStatus
from engage.storage.calibration import CalibrationStep
from engage.storage.records import ClassSecond, MarkerRecord, RosterEntry, SessionRecord


def session_payload(lesson: SessionRecord, policy: PolicyInForce, now: float) -> dict[str, Any]:
    """Return a session; ``now`` is the server's clock, for ages."""
    mode = Mode.FULL if lesson.demo else policy.capped
    return {
        "id": lesson.id,
        "course": {"id": lesson.course_id, "title": lesson.course_title},
        "title": lesson.title,
        "demo": lesson.demo,
        "state": lesson.state.value,
        "paused": lesson.paused,
        "mode": mode.value if mode else None,
        "started_at": lesson.started_at.timestamp(),
        "ended_at": lesson.ended_at.timestamp() if lesson.ended_at else None,
        "now": now,
        "seats": {"rows": lesson.grid.rows, "columns": lesson.grid.columns},
        "by_schedule": lesson.planned is not None,
        "ends_at": lesson.planned.ends_at.timestamp() if lesson.planned and lesson.planned.ends_at else None,
    }


def roster_payload(entry: RosterEntry, policy: PolicyInForce) -> dict[str, Any]:
    """Return a student of a session, with the gate's answer; the camera's address is left out."""
    decision = policy.decide(entry)
    return {
        "student": entry.student_id,
        "name": entry.name,
        "seat": entry.seat,
        "camera": entry.source_id is not None,
        "own_device": (entry.source_address or "").startswith("browser:"),
        "paused": entry.paused,
        "allowed": decision.allowed,
        "mode": decision.mode.value if decision.mode else None,
        "reason": decision.reason or None,
    }


def marker_payload(marker: MarkerRecord) -> dict[str, Any]:
    """Return a note on the timeline."""
    return {"id": marker.id, "at": marker.at.timestamp(), "text": marker.text}


def calibration_payload(step: CalibrationStep) -> dict[str, Any]:
    """Return who is asked to look at the screen, and when."""
    return {
        "students": list(step.student_ids),
        "from": step.starts_at.timestamp(),
        "until": step.ends_at.timestamp(),
    }


def second_payload(second: ClassSecond) -> dict[str, Any]:
    """Return the class at one second."""
    return {
        "second": second.second,
        "mean": None if second.mean is None else round(second.mean, 2),
        "low": None if second.low_quartile is None else round(second.low_quartile, 2),
        "high": None if second.high_quartile is None else round(second.high_quartile, 2),
        "scored": second.n_scored,
        "students": second.n_students,
    }


def samples_payload(
    samples: list[ScoredSample], statuses: list[SourceStatus], unknown_below: float
) -> dict[str, list[dict[str, Any]]]:
    """Return samples in order of capture, and the newest state of each camera."""
    return {
        "samples": [sample_payload(scored, unknown_below) for scored in samples],
        "statuses": [status_payload(status) for status in statuses],
    }
