"""One student through a session, for the dialog of the live page: score, attention, expression, gestures (API)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue

from dashboard.access import Access, allow
from dashboard.inputs import unix_second
from dashboard.services import services
from engage.core.gestures.kinds import GestureKind
from engage.core.live import gesture_payload
from engage.core.types import EMOTIONS, ScoredSample
from engage.storage.scores import Scores

blueprint = Blueprint("student_timeline", __name__, url_prefix="/api/v1/sessions/<int:session_id>")


@blueprint.get("/students/<int:student_id>/timeline")
@allow(Access.SESSION)
def show(session_id: int, student_id: int) -> ResponseReturnValue:
    """Return a student's seconds from ``since`` on (all where left out), and all gestures of the session.

    ``expression`` holds the seconds that each emotion comes to among these, by its share of the reading, and None where
    no expression was read; attention is 0 to 1, and None where it was not read.
    """
    here = services()
    if student_id not in {entry.student_id for entry in here.queries.roster(session_id)}:
        abort(404, "This student is not in this session.")
    rows = Scores(here.database).of_student(session_id, student_id, unix_second("since", 0))
    gestures = here.queries.student_gestures(session_id, student_id)
    made = [gesture_payload(gesture) for gesture in gestures if gesture.kind != GestureKind.CALIBRATION]
    return {
        "session": session_id,
        "student": student_id,
        "now": here.clock.now().timestamp(),
        "seconds": [_second(row) for row in rows],
        "expression": expression_seconds(rows),
        "gestures": made,
    }


def _second(row: ScoredSample) -> dict[str, Any]:
    score, attention = row.score, row.score.terms.get("attention")
    return {
        "second": row.sample.second,
        "score": None if score.value is None else round(score.value, 2),
        "attention": None if attention is None else round(attention, 3),
        "reason": score.reason.value if score.reason else None,
    }


def expression_seconds(rows: Sequence[ScoredSample]) -> dict[str, float] | None:
    """Return for how many seconds of face each emotion was read, a mixed reading shared out; None where none was."""
    read = [(row.sample.duration_s * row.sample.face_share, row.sample.expression) for row in rows]
    known = [(seconds, expression) for seconds, expression in read if expression is not None]
    if not known:
        return None
    sums = (sum(seconds * expression[k] for seconds, expression in known) for k in range(len(EMOTIONS)))
    return {name: round(seconds, 2) for name, seconds in zip(EMOTIONS, sums, strict=True)}
