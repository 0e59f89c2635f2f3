"""Puts the application together: settings, extensions, pages, rules and errors."""

from __future__ import annotations

import logging

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_wtf import CSRFProtect
from werkzeug.exceptions import HTTPException

from dashboard import (
    accounts,
    alerts,
    api,
    api_courses,
    calendar,
    courses,
    feedback,
    home,
    invitations,
    join,
    join_api,
    join_sockets,
    join_staff,
    languages,
    limits,
    live,
    looks,
    meeting,
    metrics,
    my_account,
    notices,
    notifications,
    oidc,
    openapi,
    people,
    reports,
    risk,
    roster_files,
    schedule,
    school,
    seating,
    sessions,
    staff,
    student_timeline,
    students,
    supported,
    try_it,
)
from dashboard.access import enforce, load_account, without_accounts
from dashboard.cookies import PageSessions
from dashboard.hosts import guard
from dashboard.libraries import HINT, missing
from dashboard.rooms import counted_tries
from dashboard.security import InMemoryRequest, add_headers, flask_settings
from dashboard.services import EXTENSION, Services
from dashboard.spoken import said
from engage.config import Settings
from engage.errors import EngageError, RequestError, StorageError
from engage.storage.database import Database

log = logging.getLogger("engage.dashboard")

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
    app.request_class = InMemoryRequest
    app.session_interface = PageSessions()
    app.config.from_mapping(flask_settings(settings))
    app.json.sort_keys = False  # type: ignore[attr-defined] # of Flask's default provider
    app.extensions[EXTENSION] = Services.on(settings, database)
    metrics.attach(app)
    for module in (home, people, school, notices, courses, sessions, api):
        app.register_blueprint(module.blueprint)
    app.register_blueprint(alerts.blueprint)
    app.register_blueprint(alerts.api)
    app.register_blueprint(api_courses.blueprint)
    app.register_blueprint(openapi.blueprint)
    app.register_blueprint(notifications.blueprint)
    app.register_blueprint(calendar.blueprint)
    app.register_blueprint(reports.blueprint)
    app.register_blueprint(feedback.blueprint)
    app.register_blueprint(meeting.blueprint)
    app.register_blueprint(meeting.api)
    app.register_blueprint(roster_files.blueprint)
    app.register_blueprint(schedule.blueprint)
    app.register_blueprint(seating.blueprint)
    app.register_blueprint(seating.api)
    app.register_blueprint(student_timeline.blueprint)
    for module in (join, join_api, join_staff):
        app.register_blueprint(module.blueprint)
    for module in (risk, students):
        app.register_blueprint(module.blueprint)
        app.register_blueprint(module.api)
    for blueprint in (try_it.blueprint, try_it.looks, supported.blueprint):
        app.register_blueprint(blueprint)
    looks.attach(app)
    for module in (accounts, invitations, my_account, oidc, staff):
        app.register_blueprint(module.blueprint)
    app.register_blueprint(home.vendor)
    app.register_blueprint(home.health)
    _protect(app, settings)
    oidc.attach(app, settings)
    live.attach(app, settings)
    meeting.attach(app)
    join_sockets.attach(app)
    guard(app, settings.web)
    app.after_request(add_headers)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(EngageError, _engage_error)
    languages.attach(app)
    app.context_processor(join_staff.words_for_templates)
    app.context_processor(lambda: {"library_hint": HINT if missing() else None})
    return app


def _protect(app: Flask, settings: Settings) -> None:
    login = LoginManager(app)
    login.session_protection = "basic"
    login.user_loader(load_account)
    app.before_request(enforce)
    CSRFProtect(app)
    app.before_request(openapi.check)
    limiter = Limiter(key_func=get_remote_address, app=app, **counted_tries(settings))
    limits.attach(app, limiter)
    join.limit(app, limiter)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if error.response is not None:
        return error
    own_words = error.description if error.description != type(error).description else None
    return _say(code, own_words or PLAIN_WORDS.get(code, error.name))


def _engage_error(error: EngageError) -> ResponseReturnValue:
    if isinstance(error, StorageError):
        log.error("event=request_failed endpoint=%s error=%s", request.endpoint, error)
        without_accounts()
        return _say(503, f"{error} {_('Nothing was changed; reload this page in a moment.')}")
    return _say(400 if isinstance(error, RequestError) else 500, str(error))


def _say(code: int, text: str) -> ResponseReturnValue:
    text = said(text)
    if request.path.startswith(("/api/", "/join/api/")):
        return {"error": text}, code
    return render_template("problem.html", code=code, text=text), code
