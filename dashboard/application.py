"""Puts the application together: settings, extensions, pages, rules and errors."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_wtf import CSRFProtect
from werkzeug.exceptions import HTTPException

from dashboard import api, courses, home, live, people, school, sessions
from dashboard.access import enforce, load_account
from dashboard.libraries import HINT, missing
from dashboard.security import add_headers, flask_settings
from dashboard.services import EXTENSION, Services
from engage.config import Settings
from engage.errors import EngageError, RequestError, StorageError
from engage.storage.database import Database

log = logging.getLogger("engage.dashboard")

SIGN_IN_LIMIT = "10 per minute; 60 per hour"

PLAIN_WORDS = {
    400: "That could not be understood.",
    401: "You need to sign in for this.",
    403: "Your account may not do this.",
    404: "There is no such page, or it is not yours to see.",
    405: "That cannot be done here.",
    413: "That is too large.",
    429: "Too many attempts. Wait a minute, then try again.",
    500: "Something went wrong here. Nothing was lost; it has been written to the log.",
}


def build(settings: Settings, database: Database) -> Flask:
    """Return the application on an open ``database``."""
    app = Flask("dashboard")
    app.config.from_mapping(flask_settings(settings))
    app.json.sort_keys = False  # type: ignore[attr-defined] # of Flask's default provider
    app.extensions[EXTENSION] = Services.on(settings, database)
    for module in (home, people, school, courses, sessions, api):
        app.register_blueprint(module.blueprint)
    app.register_blueprint(home.vendor)
    app.register_blueprint(home.health)
    _protect(app)
    live.attach(app, settings)
    app.after_request(add_headers)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(EngageError, _engage_error)
    app.add_template_filter(_clock_time, "clock")
    app.add_template_filter(_day, "day")
    app.context_processor(lambda: {"library_hint": HINT if missing() else None})
    return app


def _protect(app: Flask) -> None:
    login = LoginManager(app)
    login.session_protection = "basic"
    login.user_loader(load_account)
    app.before_request(enforce)
    CSRFProtect(app)
    limiter = Limiter(key_func=get_remote_address, app=app, storage_uri="memory://")
    for endpoint in ("people.sign_in", "people.setup"):
        view: Any = app.view_functions[endpoint]
        limited: Any = limiter.limit(SIGN_IN_LIMIT, methods=["POST"])(view)
        limited.access = view.access
        app.view_functions[endpoint] = limited


def _http_error(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if error.response is not None:
        return error
    own_words = error.description if error.description != type(error).description else None
    return _say(code, own_words or PLAIN_WORDS.get(code, error.name))


def _engage_error(error: EngageError) -> ResponseReturnValue:
    if isinstance(error, StorageError):
        log.error("event=request_failed endpoint=%s error=%s", request.endpoint, error)
        return _say(503, f"{error} Nothing was changed; reload this page in a moment.")
    return _say(400 if isinstance(error, RequestError) else 500, str(error))


def _say(code: int, text: str) -> ResponseReturnValue:
    if request.path.startswith("/api/"):
        return {"error": text}, code
    return render_template("problem.html", code=code, text=text), code


def _clock_time(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M}"


def _day(moment: datetime) -> str:
    local = moment.astimezone()
    return f"{local.day} {local:%b %Y}"
