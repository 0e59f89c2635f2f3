"""What a joined student's page asks and says while it is on: state, tickets, pause, check-ins, looking up."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from dashboard.access import Access, allow
from dashboard.join import mode_for
from dashboard.join_keys import Joiner, joined, joining, new_ticket
from dashboard.join_sockets import ENDED, ON, PAUSED, REFUSED, TAKEN, gate
from dashboard.live import tell_changed
from dashboard.services import services
from engage.core.types import Mode
from engage.storage.calibration import ask_to_look
from engage.storage.joining import DeviceRecord

blueprint = Blueprint("join_api", __name__, url_prefix="/join/api")


@blueprint.get("/state")
@allow(Access.JOINED)
def state() -> ResponseReturnValue:
    """Return where this device stands, and for a pause whose it is: "own", "teacher" or "class"."""
    return _state()


@blueprint.post("/ticket")
@allow(Access.JOINED)
def ticket() -> ResponseReturnValue:
    """Return a ticket for one socket."""
    return {"ticket": new_ticket(_device())}


@blueprint.post("/pause")
@allow(Access.JOINED)
def pause() -> ResponseReturnValue:
    """Pause or go on: ``{"paused": true}``."""
    paused = _body().get("paused")
    if not isinstance(paused, bool):
        abort(400, 'Send {"paused": true} or {"paused": false}.')
    device = _device()
    joining().pause(device.session_id, device.student_id, paused)
    gate().forget()
    tell_changed(device.session_id)
    return _state()


@blueprint.post("/check-ins")
@allow(Access.JOINED)
def check_in() -> ResponseReturnValue:
    """Store how engaged the student says they are: ``{"value": 4}``, 1 to 5."""
    value = _body().get("value")
    if type(value) is not int:
        abort(400, 'Send {"value": 4}, a number from 1 to 5.')
    device = _device()
    row = services().feedback.check_in(device.session_id, device.student_id, value)
    return {"id": row.id, "value": row.value}, 201


@blueprint.post("/look")
@allow(Access.JOINED)
def look() -> ResponseReturnValue:
    """Begin the step "look at your screen", and return in how many seconds it starts and ends."""
    device, here = _device(), services()
    standing = joining().state(device.session_id, device.student_id)
    if standing is None or mode_for(standing) in (None, Mode.PRESENCE):
        abort(400, "Where you look is not read here.")
    step = ask_to_look(here.database, device.session_id, [device.student_id])
    now = here.clock.now()
    return {
        "starts_in": (step.starts_at - now).total_seconds(),
        "ends_in": (step.ends_at - now).total_seconds(),
    }, 201


def _state() -> dict[str, Any]:
    me = cast(Joiner, joined())
    standing = joining().state(me.session_id, me.key.student_id)
    if standing is None or standing.ended:
        return {"state": ENDED}
    if me.device() is None:
        taken = (me.session_id, me.key.student_id) in joining().devices()
        return {"state": TAKEN if taken else ENDED}
    if mode_for(standing) is None:
        return {"state": REFUSED}
    whose = "class" if standing.class_paused else "teacher" if standing.held else "own" if standing.own_pause else None
    return {"state": PAUSED if whose else ON, "whose": whose}


def _device() -> DeviceRecord:
    device = cast(Joiner, joined()).device()
    if device is None:
        abort(409, "This device does not take part in the lesson.")
    return device


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        abort(400, "Send a JSON object.")
    return body
