"""The JSON API, version 1: the same rules of access as the pages; errors are ``{"error": "one line"}``."""

from __future__ import annotations

from flask import Blueprint, abort, url_for
from flask.typing import ResponseReturnValue

from dashboard.access import Access, allow, user
from dashboard.inputs import json_body, unix_second
from dashboard.live import tell_changed
from dashboard.payloads import (
    calibration_payload,
    marker_payload,
    roster_payload,
    samples_payload,
    second_payload,
    session_payload,
)
from dashboard.services import services
from dashboard.sessions import begin, finish, found, ready_to_look
from engage.storage.calibration import ask_to_look, steps_under_way

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

LONGEST_CATCH_UP_S = 900
MARKER_LENGTH = 80


@blueprint.get("/sessions/<int:session_id>")
@allow(Access.SESSION)
def session(session_id: int) -> ResponseReturnValue:
    """Return a session with its roster and markers."""
    here = services()
    policy, lesson = here.policy(), found(session_id)
    return {
        **session_payload(lesson, policy, _now()),
        "roster": [roster_payload(entry, policy) for entry in here.queries.roster(session_id)],
        "markers": [marker_payload(marker) for marker in here.queries.markers(session_id)],
        "calibration": [
            calibration_payload(step) for step in steps_under_way(here.database, session_id, here.clock.now())
        ],
        "may_correct": here.queries.teaches(user().id, session_id),
    }


@blueprint.get("/sessions/<int:session_id>/roster")
@allow(Access.SESSION)
def roster(session_id: int) -> ResponseReturnValue:
    """Return the students of a session."""
    here = services()
    policy = here.policy()
    return {"roster": [roster_payload(entry, policy) for entry in here.queries.roster(session_id)]}


@blueprint.get("/sessions/<int:session_id>/samples")
@allow(Access.SESSION)
def samples(session_id: int) -> ResponseReturnValue:
    """Return the samples from second ``since`` on, at most 15 minutes of them, and each camera's newest state."""
    here = services()
    since = unix_second("since")
    until = unix_second("until", since + LONGEST_CATCH_UP_S)
    rows = here.queries.samples_since(session_id, since, min(until, since + LONGEST_CATCH_UP_S))
    statuses = here.queries.latest_statuses(session_id)
    return {
        "session": session_id,
        "now": _now(),
        **samples_payload(rows, statuses, here.settings.scoring.unknown_below),
    }


@blueprint.get("/sessions/<int:session_id>/timeline")
@allow(Access.SESSION)
def timeline(session_id: int) -> ResponseReturnValue:
    """Return the class second by second from ``since`` on (from its start where left out)."""
    rows = services().queries.timeline(session_id, unix_second("since", 0))
    return {"session": session_id, "now": _now(), "seconds": [second_payload(row) for row in rows]}


@blueprint.post("/courses/<int:course_id>/sessions")
@allow(Access.COURSE)
def start(course_id: int) -> ResponseReturnValue:
    """Start a session and return it."""
    lesson = begin(course_id)
    location = url_for("sessions.show", session_id=lesson.id)
    return session_payload(lesson, services().policy(), _now()), 201, {"Location": location}


@blueprint.post("/sessions/<int:session_id>/stop")
@allow(Access.SESSION)
def stop(session_id: int) -> ResponseReturnValue:
    """End a session and return it; ending one that has ended changes nothing."""
    return session_payload(finish(session_id), services().policy(), _now())


@blueprint.post("/sessions/<int:session_id>/pause")
@allow(Access.SESSION)
def pause(session_id: int) -> ResponseReturnValue:
    """Pause or resume the class, or one student: ``{"paused": true, "student": 3}``."""
    body = json_body()
    paused, student = body.get("paused"), body.get("student")
    if not isinstance(paused, bool) or not (student is None or type(student) is int):
        abort(400, 'Send {"paused": true} or {"paused": false}, with "student" for one of them.')
    services().classroom.set_paused(session_id, student, paused, user().id)
    tell_changed(session_id)
    return session(session_id)


@blueprint.post("/sessions/<int:session_id>/markers")
@allow(Access.SESSION)
def add_marker(session_id: int) -> ResponseReturnValue:
    """Put a note on the timeline, now: ``{"text": "group work"}``."""
    text = json_body().get("text")
    if not isinstance(text, str) or len(text.strip()) > MARKER_LENGTH:
        abort(400, f'Send {{"text": "..."}} of at most {MARKER_LENGTH} characters.')
    marker = services().classroom.add_marker(session_id, user().id, text.strip() or "marker")
    tell_changed(session_id)
    return marker_payload(marker), 201


@blueprint.post("/sessions/<int:session_id>/calibration")
@allow(Access.SESSION)
def calibrate(session_id: int) -> ResponseReturnValue:
    """Ask the class, or one student, to look at their screens: ``{"student": 3}`` or ``{"student": null}``.

    Where they look from second ``from`` to ``until`` is their usual line of sight after it.
    """
    here, student = services(), json_body().get("student")
    if not (student is None or type(student) is int):
        abort(400, 'Send {"student": 3}, or {"student": null} for the class.')
    students = ready_to_look(session_id, student)
    step = ask_to_look(here.database, session_id, students, user().id, here.clock)
    tell_changed(session_id)
    return calibration_payload(step), 201


def _now() -> float:
    return services().clock.now().timestamp()
