"""Who may need a look: flags with their reasons, for a person to decide; and attendance, which a person marks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from dashboard.access import Access, allow, user
from dashboard.services import services
from dashboard.sessions import found as found_session
from dashboard.spoken import said
from dashboard.students import assessment_payload, flag_payload
from engage.core.risk import Assessment, Attendance, Level, Standing
from engage.core.types import Mode
from engage.errors import RequestError
from engage.reports.term import LEVELS, class_words, standing_words
from engage.storage.attendance import Register
from engage.storage.records import CourseRecord, FlagRecord, FlagState
from engage.storage.risk import RiskList

blueprint = Blueprint("risk", __name__)
api = Blueprint("risk_api", __name__, url_prefix="/api/v1")

DECISIONS = {"confirm": FlagState.CONFIRMED, "dismiss": FlagState.DISMISSED}


@blueprint.get("/courses/<int:course_id>/risk")
@allow(Access.COURSE)
def show(course_id: int) -> ResponseReturnValue:
    """Show the open flags, those decided, and of whom nothing can be said yet."""
    course, mode = _course(course_id)
    entries = services().queries.students(course_id)
    names = {entry.student_id: entry.name for entry in entries}
    assessed = [each for each in _risk().assess(course_id, mode) if each.student_id in names]
    flags = [flag for flag in _risk().flags(course_id) if flag.student_id in names]
    return render_template(
        "risk.html",
        course=course,
        names=names,
        levels=LEVELS,
        words=standing_words,
        beside=class_words,
        open_flags=sorted((flag for flag in flags if flag.state is FlagState.OPEN), key=_most_asked_first),
        decided=[flag for flag in flags if flag.state is not FlagState.OPEN],
        now={each.student_id: each for each in assessed},
        low=_of(assessed, Standing.STEADY_LOW),
        unknown=_of(assessed, Standing.NOT_ENOUGH, Standing.TOO_EARLY),
        steady=_of(assessed, Standing.STEADY),
        presence=mode not in (Mode.FULL, Mode.ATTENTION),
        settings=services().settings.risk,
    )


@blueprint.post("/courses/<int:course_id>/risk/<int:flag_id>")
@allow(Access.COURSE)
def decide(course_id: int, flag_id: int) -> ResponseReturnValue:
    """Confirm or dismiss a flag, with a note."""
    state = DECISIONS.get(request.form.get("decision", ""))
    try:
        if state is None:
            raise RequestError("Choose whether to confirm or to dismiss.")
        _risk().decide(flag_id, course_id, state, request.form.get("note"), user().id)
    except RequestError as error:
        flash(said(str(error)), "problem")
    else:
        told = _("Confirmed. The teachers who wish to hear of it are told.")
        flash(told if state is FlagState.CONFIRMED else _("Dismissed."))
    return redirect(url_for("risk.show", course_id=course_id))


@blueprint.route("/sessions/<int:session_id>/attendance", methods=["GET", "POST"])
@allow(Access.SESSION)
def attendance(session_id: int) -> ResponseReturnValue:
    """Show who was there, and take marks."""
    lesson, roster = found_session(session_id), services().queries.roster(session_id)
    if request.method == "POST":
        marks = {entry.student_id: _mark(request.form.get(f"student-{entry.student_id}")) for entry in roster}
        changed = _register().mark(session_id, marks, user().id)
        told = ngettext("%(num)s mark changed.", "%(num)s marks changed.", changed)
        flash(told if changed else _("Nothing changed."))
        return redirect(url_for("risk.attendance", session_id=session_id))
    return render_template(
        "attendance.html",
        lesson=lesson,
        roster=roster,
        marks=_register().of_session(session_id),
        choices=list(Attendance),
    )


@api.get("/courses/<int:course_id>/risk")
@allow(Access.COURSE)
def read(course_id: int) -> ResponseReturnValue:
    """Return the flags of a course, and what can be said of each student now."""
    mode = _course(course_id)[1]
    return {
        "course": course_id,
        "flags": [flag_payload(flag) for flag in _risk().flags(course_id)],
        "students": [assessment_payload(each) for each in _risk().assess(course_id, mode)],
    }


@api.post("/courses/<int:course_id>/risk/<int:flag_id>/decision")
@allow(Access.COURSE)
def decide_json(course_id: int, flag_id: int) -> ResponseReturnValue:
    """Confirm or dismiss a flag and return it: ``{"decision": "confirm", "note": "..."}``."""
    body = _body()
    state, note = DECISIONS.get(str(body.get("decision"))), body.get("note")
    if state is None or not isinstance(note, str | None):
        abort(400, 'Send {"decision": "confirm"} or {"decision": "dismiss"}, with a "note" if you like.')
    return flag_payload(_risk().decide(flag_id, course_id, state, note, user().id))


@api.get("/sessions/<int:session_id>/attendance")
@allow(Access.SESSION)
def attendance_read(session_id: int) -> ResponseReturnValue:
    """Return what a person marked, by student; None: not marked."""
    marks = _register().of_session(session_id)
    roster = services().queries.roster(session_id)
    rows = [{"student": entry.student_id, "state": _value(marks.get(entry.student_id))} for entry in roster]
    return {"session": session_id, "attendance": rows}


@api.post("/sessions/<int:session_id>/attendance")
@allow(Access.SESSION)
def attendance_mark(session_id: int) -> ResponseReturnValue:
    """Mark students: ``{"attendance": [{"student": 3, "state": "absent"}]}``; null takes a mark away."""
    rows = _body().get("attendance")
    known = {None, *(state.value for state in Attendance)}
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and type(row.get("student")) is int and row.get("state") in known for row in rows
    ):
        abort(400, 'Send {"attendance": [{"student": 3, "state": "present"}]}: present, absent, excused or null.')
    _register().mark(session_id, {row["student"]: _mark(row["state"]) for row in rows}, user().id)
    return attendance_read(session_id)


def _course(course_id: int) -> tuple[CourseRecord, Mode | None]:
    """Return a course, and what policy allows to show of it now."""
    course = services().queries.course(course_id)
    if course is None:
        abort(404)
    return course, Mode.FULL if course.demo else services().policy().capped


def _most_asked_first(flag: FlagRecord) -> bool:
    return flag.level is not Level.TALK


def _of(assessed: list[Assessment], *standings: Standing) -> list[Assessment]:
    return [each for each in assessed if each.standing in standings]


def _mark(text: Any) -> Attendance | None:
    return Attendance(text) if text in set(Attendance) else None


def _value(state: Attendance | None) -> str | None:
    return None if state is None else state.value


def _risk() -> RiskList:
    return RiskList(services().database, services().settings.risk)


def _register() -> Register:
    return Register(services().database)


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        abort(400, "Send a JSON object.")
    return body
