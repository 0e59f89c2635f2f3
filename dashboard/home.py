"""The first page after signing in, liveness for the operating system, and the browser libraries."""

from __future__ import annotations

from flask import Blueprint, Response, abort, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from dashboard.access import STAFF, Access, allow, user
from dashboard.libraries import FOLDER, HINT, LIBRARIES, missing
from dashboard.services import services
from dashboard.trouble import QUEUE, troubles
from engage.errors import StorageError
from engage.storage.courses import Courses
from engage.storage.pulse import Pulse
from engage.storage.records import Role

blueprint = Blueprint("home", __name__)
vendor = Blueprint("vendor", __name__)
health = Blueprint("health", __name__)

PAST_SESSIONS = 8


@blueprint.get("/")
@allow(Access.PUBLIC)
def index() -> ResponseReturnValue:
    """Show the courses; before the first account, say how to make it."""
    here = services()
    if not current_user.is_authenticated:
        if here.accounts.count_users() == 0:
            return render_template("before_setup.html")
        return redirect(url_for("people.sign_in"))
    record = user()
    if record.role is Role.STUDENT and record.student_id is not None:
        return redirect(url_for("students.show", student_id=record.student_id))
    if record.role not in STAFF:
        abort(403)
    if record.role is Role.ADMIN and not here.policy().answered:
        return redirect(url_for("school.where"))
    courses = here.queries.courses_for(record.id)
    past = [
        lesson for course in courses for lesson in here.queries.sessions(course.id, PAST_SESSIONS) if lesson.ended_at
    ]
    past.sort(key=lambda lesson: lesson.started_at, reverse=True)
    running = {lesson.course_id: lesson for lesson in here.queries.running_sessions()}
    archived = len(Courses(here.database).archived_for(record.id))
    return render_template("home.html", courses=courses, past=past[:PAST_SESSIONS], running=running, archived=archived)


@vendor.get("/vendor/<name>")
@allow(Access.PUBLIC)
def library(name: str) -> Response:
    """Send one browser library; browsers ask each time whether it changed."""
    if name not in LIBRARIES:
        abort(404)
    if not (FOLDER / LIBRARIES[name]).is_file():
        abort(503, HINT)
    return send_file(FOLDER / LIBRARIES[name], max_age=0)


@health.get("/healthz")
@allow(Access.PUBLIC)
def alive() -> ResponseReturnValue:
    """Say that the web process answers."""
    return {"status": "ok"}


@health.get("/readyz")
@allow(Access.PUBLIC)
def ready() -> ResponseReturnValue:
    """Say whether all is there: a current database, browser libraries, and processes that reported lately."""
    problems = []
    here = services()
    try:
        here.database.check()
        beat = Pulse(here.database).last()
        problems = [] if beat is None else beat.problems(here.clock.now())
    except StorageError:
        problems.append("database")
    if QUEUE in troubles().known():
        problems.append("message queue")
    if missing():
        problems.append("browser libraries")
    return {"status": "not ready" if problems else "ready", "problems": problems}, 503 if problems else 200
