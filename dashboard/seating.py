"""The seating plan: its page, and the JSON API behind it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from dashboard.access import Access, allow, user
from dashboard.class_shapes import SeatingChange
from dashboard.course_rules import course_shown, tell_running_session
from dashboard.openapi import sent
from dashboard.services import services
from engage.core.seats import MOST_COLUMNS, MOST_ROWS, Grid
from engage.errors import RequestError
from engage.storage.seating import Plan, PlanChangedError, Seating

blueprint = Blueprint("seating", __name__)
api = Blueprint("seating_api", __name__, url_prefix="/api/v1")


@blueprint.get("/courses/<int:course_id>/seating")
@allow(Access.COURSE)
def show(course_id: int) -> ResponseReturnValue:
    """Show the seating plan, to be changed by hand and printed."""
    course = course_shown(course_id)
    return render_template(
        "seating.html",
        course=course,
        plan=_payload(_plan(course_id)),
        most={"rows": MOST_ROWS, "columns": MOST_COLUMNS},
        changeable=course.archived_at is None,
    )


@api.get("/courses/<int:course_id>/seating")
@allow(Access.COURSE)
def read(course_id: int) -> ResponseReturnValue:
    """Return a course's seating plan."""
    return _payload(_plan(course_id))


@api.post("/courses/<int:course_id>/seating")
@allow(Access.COURSE)
def change(course_id: int) -> ResponseReturnValue:
    """Move students, or make the room another size, and return the plan; 409 where it has changed since ``version``."""
    body: SeatingChange = sent(SeatingChange)
    if (body.rows is None) != (body.columns is None):
        raise RequestError("Send rows and columns together.")
    moves = {move.student: move.seat for move in body.moves}
    if len(moves) < len(body.moves):
        raise RequestError("Send one move for each student.")
    grid = Grid(body.rows, body.columns) if body.rows is not None and body.columns is not None else None
    try:
        plan = _seating().change(course_id, body.version, moves, grid, user().id)
    except PlanChangedError as error:
        abort(409, str(error))
    tell_running_session(course_id)
    return _payload(plan)


def _seating() -> Seating:
    return Seating(services().database, services().clock)


def _plan(course_id: int) -> Plan:
    plan = _seating().plan(course_id)
    if plan is None:
        abort(404)
    return plan


def _payload(plan: Plan) -> dict[str, Any]:
    return {
        "course": plan.course_id,
        "version": plan.version,
        "seats": {"rows": plan.grid.rows, "columns": plan.grid.columns},
        "places": [
            {"student": each.student_id, "name": each.name, "seat": each.seat.name if each.seat else None}
            for each in plan.places
        ],
    }
