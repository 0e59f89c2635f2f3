"""Class sessions: start, watch, stop."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from dashboard.access import Access, allow, user
from dashboard.live import tell_changed
from dashboard.services import services
from dashboard.spoken import said
from engage.core.types import Mode
from engage.errors import RequestError
from engage.storage.lessons import require_startable
from engage.storage.records import SessionRecord, SessionState

blueprint = Blueprint("sessions", __name__)


@blueprint.post("/demo")
@allow(Access.STAFF)
def demo() -> ResponseReturnValue:
    """Open the virtual class: its running session, or a new one."""
    course = next((course for course in services().queries.courses_for(user().id) if course.demo), None)
    if course is None:
        raise RequestError("There is no virtual class here; start the program with 'engage serve --demo'.")
    return redirect(url_for("sessions.show", session_id=running_or_new(course.id)))


@blueprint.post("/courses/<int:course_id>/sessions")
@allow(Access.COURSE)
def start(course_id: int) -> ResponseReturnValue:
    """Start a session, and open its live page."""
    try:
        lesson = begin(course_id)
    except RequestError as error:
        flash(said(str(error)), "problem")
        return redirect(url_for("courses.show", course_id=course_id))
    return redirect(url_for("sessions.show", session_id=lesson.id))


@blueprint.get("/sessions/<int:session_id>")
@allow(Access.SESSION)
def show(session_id: int) -> ResponseReturnValue:
    """Show the live page; of a session that has ended, its timeline."""
    lesson = found(session_id)
    return render_template("session.html", lesson=lesson, running=lesson.state is SessionState.RUNNING)


@blueprint.post("/sessions/<int:session_id>/stop")
@allow(Access.SESSION)
def stop(session_id: int) -> ResponseReturnValue:
    """End a session."""
    finish(session_id)
    flash(_("The session has ended. Everything up to now is kept."))
    return redirect(url_for("sessions.show", session_id=session_id))


def found(session_id: int) -> SessionRecord:
    """Return the session, or 404."""
    lesson = services().queries.session(session_id)
    if lesson is None:
        abort(404)
    return lesson


def begin(course_id: int) -> SessionRecord:
    """Return a new session of the course; RequestError, saying why, where none may start."""
    here = services()
    course = here.queries.course(course_id)
    if course is None:
        abort(404)
    require_startable(course, here.policy().answered)
    return here.classroom.start_session(course_id, user().id)


def running_or_new(course_id: int) -> int:
    """Return the id of the course's running session, started now where there is none."""
    course = services().queries.course(course_id)
    if course is not None and course.running_session_id is not None:
        return course.running_session_id
    return begin(course_id).id


def finish(session_id: int) -> SessionRecord:
    """End a session, tell its pages, and return it."""
    lesson = services().classroom.end_session(session_id, user().id)
    tell_changed(session_id)
    return lesson


def ready_to_look(session_id: int, student_id: int | None) -> list[int]:
    """Return who can be asked to look at the screen: a student, or for None all whose line of sight is read.

    RequestError where the student's is not read now.
    """
    here = services()
    policy, roster = here.policy(), here.queries.roster(session_id)
    ready = [
        entry.student_id
        for entry in roster
        if entry.source_id is not None
        and not entry.paused
        and policy.decide(entry).mode in (Mode.FULL, Mode.ATTENTION)
        and student_id in (None, entry.student_id)
    ]
    if not ready and student_id is None:
        raise RequestError(_("Nobody's line of sight is read here now."))
    if not ready:
        raise RequestError(_("This student's line of sight is not read now."))
    return ready
