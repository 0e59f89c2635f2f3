"""What made a score, and what people say of it: explanations, teachers' corrections, students' check-ins (API)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from dashboard.access import Access, allow, user
from dashboard.inputs import json_body, unix_second
from dashboard.live import tell_changed
from dashboard.services import services
from engage.core.explain import explain
from engage.core.scoring_settings import ScoringSettings
from engage.scoring_file import to_scoring
from engage.storage.records import FeedbackKind, FeedbackRecord
from engage.storage.scores import Scores

blueprint = Blueprint("feedback", __name__, url_prefix="/api/v1/sessions/<int:session_id>")

LATEST = 4e9
"""Unix seconds past which a time is a mistake."""


@blueprint.get("/students/<int:student_id>/explanation")
@allow(Access.SESSION)
def explanation(session_id: int, student_id: int) -> ResponseReturnValue:
    """Return what made a student's score at Unix second ``at`` (the newest where left out): words, terms, points."""
    found = Scores(services().database).at(session_id, student_id, _at())
    if found is None:
        abort(404, "There is no data of this student at that time.")
    version = found.scored.scoring_version
    scoring = to_scoring(found.settings, f"the version {version}") if found.settings else ScoringSettings()
    told = explain(found.scored.score, scoring)
    return {"student": student_id, "second": found.scored.sample.second, "scoring": version, **told.to_dict()}


@blueprint.get("/corrections")
@allow(Access.SESSION)
def corrections(session_id: int) -> ResponseReturnValue:
    """Return the teachers' corrections of a session; students' check-ins are not shown to others."""
    rows = services().feedback.of_session(session_id, FeedbackKind.CORRECTION)
    return {"session": session_id, "corrections": [_payload(row) for row in rows]}


@blueprint.post("/students/<int:student_id>/corrections")
@allow(Access.TEACHER)
def correct(session_id: int, student_id: int) -> ResponseReturnValue:
    """Store a correction: ``{"engaged": true, "from": SECOND, "until": SECOND}``."""
    body = json_body()
    engaged, start, end = body.get("engaged"), _moment(body.get("from")), _moment(body.get("until"))
    if not isinstance(engaged, bool) or start is None or end is None:
        abort(400, 'Send {"engaged": true, "from": 1700000000, "until": 1700000060}; the times are Unix seconds.')
    row = services().feedback.correct(session_id, student_id, engaged, (start, end), user().id)
    tell_changed(session_id)
    return _payload(row), 201


@blueprint.delete("/corrections/<int:correction_id>")
@allow(Access.TEACHER)
def withdraw(session_id: int, correction_id: int) -> ResponseReturnValue:
    """Take back a correction of one's own."""
    services().feedback.withdraw(session_id, correction_id, user().id)
    tell_changed(session_id)
    return "", 204


@blueprint.get("/check-ins")
@allow(Access.ATTENDING)
def check_ins(session_id: int) -> ResponseReturnValue:
    """Return the signed-in student's own check-ins of a session."""
    rows = services().feedback.of_session(session_id, FeedbackKind.CHECK_IN, _own_student())
    return {"session": session_id, "check_ins": [_payload(row) for row in rows]}


@blueprint.post("/check-ins")
@allow(Access.ATTENDING)
def check_in(session_id: int) -> ResponseReturnValue:
    """Store how engaged the signed-in student says they are, for the last minute: ``{"value": 4}``, 1 to 5."""
    value = json_body().get("value")
    if type(value) is not int:
        abort(400, 'Send {"value": 4}, a number from 1 to 5.')
    return _payload(services().feedback.check_in(session_id, _own_student(), value, user().id)), 201


def _own_student() -> int:
    student_id = user().student_id
    assert student_id is not None  # noqa: S101 (the rule of the view saw to it)
    return student_id


def _payload(row: FeedbackRecord) -> dict[str, Any]:
    if row.kind is FeedbackKind.CORRECTION:
        value: dict[str, Any] = {"engaged": bool(row.value), "own": row.user_id == user().id}
    else:
        value = {"value": row.value}
    times = {"from": row.from_at.timestamp(), "until": row.until_at.timestamp()}
    return {"id": row.id, "student": row.student_id, **value, **times}


def _at() -> int | None:
    return unix_second("at") if "at" in request.args else None


def _moment(value: Any) -> datetime | None:
    if type(value) not in (int, float) or not 0 <= value <= LATEST:
        return None
    return datetime.fromtimestamp(value, UTC)
