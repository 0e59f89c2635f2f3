"""Try it: staff see what the program reads of a picture or of themselves. It asks first and keeps nothing."""

from __future__ import annotations

import base64
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from dashboard.access import Access, allow, user
from dashboard.inputs import json_body
from dashboard.looks import Busy, look_desk
from dashboard.security import let_page_use
from dashboard.services import services
from engage.core.live import EMOJI, UNKNOWN
from engage.core.looks import DrawnMoment, LookAnswer
from engage.core.signals import FaceSignals
from engage.core.types import EMOTIONS, Mode
from engage.errors import EngageError, PolicyError

blueprint = Blueprint("try_it", __name__, url_prefix="/try")
looks = Blueprint("try_looks", __name__, url_prefix="/try")
"""The parts that scripts ask; they answer in JSON, errors too."""

IMAGE, LIVE = "image", "live"
SAID_YES = "try"
"""Where the session remembers what was allowed, until the menu is opened again."""
LARGEST_PICTURE = 12 * 2**20
"""Bytes."""
MAX_SEED, MAX_AT_S = 9_999, 86_400.0


@blueprint.get("")
@allow(Access.STAFF)
def menu() -> ResponseReturnValue:
    """Show the main menu; what was allowed before is asked anew."""
    session.pop(SAID_YES, None)
    return render_template("try.html", name=user().name, mode=services().policy().capped)


@blueprint.route("/<any(image, live):what>/ask", methods=["GET", "POST"])
@allow(Access.STAFF)
def ask(what: str) -> ResponseReturnValue:
    """Ask whether the program may look; No leads back to the menu."""
    if request.method == "GET":
        return render_template("try_ask.html", what=what, mode=services().policy().capped)
    if request.form.get("answer") == "yes":
        session[SAID_YES] = what
        return redirect(url_for(f"try_it.{what}"))
    session.pop(SAID_YES, None)
    flash(_("Nothing was looked at."))
    return redirect(url_for("try_it.menu"))


@blueprint.get("/image")
@allow(Access.STAFF)
def image() -> ResponseReturnValue:
    """Show the page for a picture."""
    if session.get(SAID_YES) != IMAGE:
        return redirect(url_for("try_it.ask", what=IMAGE))
    return _page("try_image.html")


@blueprint.get("/live")
@allow(Access.STAFF)
def live() -> ResponseReturnValue:
    """Show the page for the camera, or, asked for by ``?drawn=1``, for a drawn face."""
    drawn = request.args.get("drawn") == "1"
    if not drawn and session.get(SAID_YES) != LIVE:
        return redirect(url_for("try_it.ask", what=LIVE))
    if not drawn:
        let_page_use("camera")
    return _page("try_live.html", drawn=drawn)


@looks.post("/look")
@allow(Access.STAFF)
def look() -> ResponseReturnValue:
    """Return what the picture in the body shows: its faces, as far as the policy allows."""
    if SAID_YES not in session:
        abort(403, _("Nobody has said yet that the program may look; begin at the menu."))
    if not request.mimetype.startswith("image/"):
        abort(415, _("Send the picture itself, as image/jpeg, image/png or image/webp."))
    picture = _body()
    if not picture:
        abort(400, _("This picture is empty."))
    mode = services().policy().capped
    if mode is None:
        raise PolicyError(_("The administrator has not yet said where the school is and what may be inferred."))
    return _told(look_desk().ask(mode, picture), mode)


@looks.post("/drawn")
@allow(Access.STAFF)
def drawn() -> ResponseReturnValue:
    """Return a drawn face and what the program reads of it: ``{"seed": 7, "at_s": 12.5}``."""
    body = json_body()
    seed, at_s = body.get("seed"), body.get("at_s")
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= MAX_SEED:
        abort(400, f"'seed' must be a whole number from 0 to {MAX_SEED}.")
    if not isinstance(at_s, int | float) or isinstance(at_s, bool) or not 0 <= at_s <= MAX_AT_S:
        abort(400, f"'at_s' must be a number of seconds from 0 to {MAX_AT_S:.0f}.")
    answer = look_desk().ask(Mode.FULL, drawn=DrawnMoment(seed, float(at_s)))
    shown = base64.b64encode(answer.picture).decode("ascii")
    return {**_told(answer, Mode.FULL), "picture": f"data:image/jpeg;base64,{shown}"}


@looks.errorhandler(HTTPException)
def _http_error(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    words = {413: _("This picture is too large; %(n)s MB are the most.", n=LARGEST_PICTURE // 2**20)}
    return {"error": words.get(code, error.description)}, code


@looks.errorhandler(EngageError)
def _engage_error(error: EngageError) -> ResponseReturnValue:
    if isinstance(error, Busy):
        return {"error": str(error)}, 503, {"Retry-After": "2"}
    return {"error": str(error)}, 403 if isinstance(error, PolicyError) else 422


def _body() -> bytes:
    """Return the body; 413 where it is too large, by its own word before it is read."""
    if (request.content_length or 0) > LARGEST_PICTURE:
        abort(413)
    body = request.stream.read(LARGEST_PICTURE + 1)
    if len(body) > LARGEST_PICTURE:
        abort(413)
    return body


def _page(template: str, **more: Any) -> str:
    look_desk().get_ready()
    here = services()
    return render_template(
        template, name=user().name, mode=here.policy().capped, today=here.clock.now(),
        emotions=EMOJI, unknown=UNKNOWN, unknown_below=here.settings.scoring.unknown_below, **more,
    )  # fmt: skip


def _told(answer: LookAnswer, mode: Mode) -> dict[str, Any]:
    """Return an answer as JSON; faces from left to right. Raises EngageError where the picture was refused."""
    if answer.refusal is not None:
        raise EngageError(answer.refusal)
    faces = sorted(answer.faces, key=lambda face: face.box.x)
    return {"mode": mode.value, "faces": [_face(face, answer) for face in faces]}


def _face(face: FaceSignals, answer: LookAnswer) -> dict[str, Any]:
    """Return one face: its box as shares of the picture, and what may be said of it, else None."""
    box, expression = face.box, face.expression
    word = shares = None
    if expression is not None:
        top = max(range(len(EMOTIONS)), key=expression.__getitem__)
        word = EMOTIONS[top] if expression[top] >= services().settings.scoring.unknown_below else "unknown"
        shares = {name: round(share, 4) for name, share in zip(EMOTIONS, expression, strict=True)}
    return {
        "box": [
            round(box.x / answer.width, 4), round(box.y / answer.height, 4),
            round(box.w / answer.width, 4), round(box.h / answer.height, 4),
        ],
        "confidence": round(face.confidence, 3),
        "word": word,
        "emoji": None if word is None else EMOJI.get(word, UNKNOWN),
        "expression": shares,
        "angles": {
            name: None if value is None else round(value, 1)
            for name, value in (("yaw", face.yaw_deg), ("pitch", face.pitch_deg),
                                ("gaze_x", face.gaze_x), ("gaze_y", face.gaze_y))
        },
    }  # fmt: skip
