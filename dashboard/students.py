"""One student's page across sessions, with what may be done about it: take everything along, erase everything."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import logout_user
from markupsafe import Markup

from dashboard.access import Access, allow, user
from dashboard.languages import of_reader
from dashboard.live import tell_changed
from dashboard.services import services
from dashboard.spoken import said
from engage.core.risk import Assessment
from engage.core.types import Mode
from engage.errors import RequestError
from engage.reports.marks import Figure
from engage.reports.student_file import write_zip
from engage.reports.svg import svg
from engage.reports.term import TermPoint, class_words, standing_words, term_figure
from engage.storage.erasures import ErasureList
from engage.storage.export import belongings
from engage.storage.holds import Holds
from engage.storage.records import FlagRecord, FlagState, Role, StudentRecord, StudentSession
from engage.storage.risk import RiskList
from engage.storage.students import Students

blueprint = Blueprint("students", __name__)
api = Blueprint("students_api", __name__, url_prefix="/api/v1/students/<int:student_id>")

IN_MEMORY = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CourseTerm:
    """A student's sessions in one course; ``found`` and ``figure`` are None where policy allows no score."""

    course_id: int
    title: str
    sessions: list[StudentSession]
    found: Assessment | None
    words: str
    beside: str
    figure: Markup | None


@blueprint.get("/students/<int:student_id>")
@allow(Access.STUDENT)
def show(student_id: int) -> ResponseReturnValue:
    """Show all of a student's sessions, what can be said of them, consents and flags."""
    student = _student(student_id)
    return render_template(
        "student_term.html",
        student=student,
        terms=_terms(student),
        scored=_mode(student) is not Mode.PRESENCE,
        least_s=services().settings.risk.min_session_s,
        consents=_students().consents(student_id),
        feedback=_said(student_id),
        flags=_flags(student_id),
        own=user().role is Role.STUDENT,
        retention=services().settings.retention,
        hold=Holds(services().database).on_student(student_id),
        may_erase=_students().may_erase(user().id, student_id),
    )


@blueprint.get("/students/<int:student_id>/export.zip")
@allow(Access.OWN)
def export(student_id: int) -> ResponseReturnValue:
    """Send everything that is the student's."""
    return _zip(student_id)


@blueprint.route("/students/<int:student_id>/erase", methods=["GET", "POST"])
@allow(Access.OWN)
def erase(student_id: int) -> ResponseReturnValue:
    """Ask for the name, then erase."""
    student, problem = _student(student_id), None
    if request.method == "POST":
        try:
            _erase(student_id, request.form.get("name", ""))
        except RequestError as error:
            problem = said(str(error))
        else:
            flash(_("Everything that was held about this student has been erased."))
            return redirect(url_for("home.index"))
    return render_template("student_erase.html", student=student, problem=problem), 422 if problem else 200


@api.get("")
@allow(Access.STUDENT)
def read(student_id: int) -> ResponseReturnValue:
    """Return a student's sessions by course, what can be said of them, consents and flags."""
    student = _student(student_id)
    scored = _mode(student) is not Mode.PRESENCE
    return {
        "student": student.id,
        "name": student.name,
        "courses": [_term_payload(term, scored) for term in _terms(student)],
        "consents": [
            {"granted": answer.granted, "given_by": answer.given_by.value, "at": answer.answered_at.timestamp()}
            for answer in _students().consents(student_id)
        ],
        "flags": [flag_payload(flag) for flag in _flags(student_id)],
    }


@api.get("/export")
@allow(Access.OWN)
def export_file(student_id: int) -> ResponseReturnValue:
    """Send everything that is the student's, as a zip."""
    return _zip(student_id)


@api.delete("")
@allow(Access.OWN)
def remove(student_id: int) -> ResponseReturnValue:
    """Erase a student: ``{"name": "the student's name"}`` confirms it."""
    body = request.get_json(silent=True)
    name = body.get("name") if isinstance(body, dict) else None
    if not isinstance(name, str):
        abort(400, 'Send {"name": "..."} with the student\'s name to confirm.')
    _student(student_id)
    _erase(student_id, name)
    return {"erased": student_id}


def flag_payload(flag: FlagRecord) -> dict[str, Any]:
    """Return a flag with its reasons and a person's decision; times are Unix seconds."""
    return {
        "id": flag.id,
        "student": flag.student_id,
        "course": flag.course_id,
        "level": flag.level.value,
        "reasons": [{"code": ground.code, "text": ground.text} for ground in flag.grounds],
        "state": flag.state.value,
        "raised_at": flag.raised_at.timestamp(),
        "decided_at": flag.decided_at.timestamp() if flag.decided_at else None,
        "note": flag.note,
    }


def assessment_payload(found: Assessment) -> dict[str, Any]:
    """Return what can be said of a student's sessions; numbers are None where they cannot be given."""
    numbers = {name: getattr(found, name) for name in ("baseline", "recent", "change", "class_change", "slope")}
    return {
        "student": found.student_id,
        "standing": found.standing.value,
        "words": standing_words(found),
        "sessions": found.n_sessions,
        **{name: None if value is None else round(value, 3) for name, value in numbers.items()},
    }


def _terms(student: StudentRecord) -> list[CourseTerm]:
    """Return a student's courses; also those they have left, as long as there are sessions."""
    here = services()
    scored = _mode(student) is not Mode.PRESENCE
    sessions = _students().sessions(student.id)
    titles = {session.course_id: session.course_title for session in sessions} | dict(_students().courses(student.id))
    terms = []
    for course_id, title in sorted(titles.items(), key=lambda item: (item[1], item[0])):
        mine = [session for session in sessions if session.course_id == course_id]
        found = None
        if scored:
            assessed = RiskList(here.database, here.settings.risk).assess(course_id)
            found = next((each for each in assessed if each.student_id == student.id), None)
        points = [TermPoint(session.started_at, _mean(session), session.tally is not None) for session in mine]
        figure = _figure(points, found) if scored else None
        drawn = None if figure is None else svg(figure, f"term-{course_id}")
        words = (standing_words(found), class_words(found)) if found else ("", "")
        terms.append(CourseTerm(course_id, title, mine, found, *words, drawn))
    return terms


def _figure(points: list[TermPoint], found: Assessment | None) -> Figure | None:
    return term_figure(points, found.baseline if found else None, services().settings.zone, of_reader())


def _mean(session: StudentSession) -> float | None:
    """Return a session's mean score where there is enough of it, as the at-risk list counts it."""
    tally, least_s = session.tally, services().settings.risk.min_session_s
    return tally.mean if tally is not None and tally.scored_s >= least_s else None


def _flags(student_id: int) -> list[FlagRecord]:
    """Return a student's flags; the student sees those that a person has looked at."""
    flags = RiskList(services().database, services().settings.risk).student_flags(student_id)
    return [flag for flag in flags if user().role is not Role.STUDENT or flag.state is not FlagState.OPEN]


def _said(student_id: int) -> list[Any]:
    """Return what people said of the student; check-ins are shown to the student alone."""
    return _students().feedback(student_id, with_check_ins=user().role is Role.STUDENT)


def _term_payload(term: CourseTerm, scored: bool) -> dict[str, Any]:
    return {
        "course": {"id": term.course_id, "title": term.title},
        "standing": assessment_payload(term.found) if term.found else None,
        "sessions": [_session_payload(session, scored) for session in term.sessions],
    }


def _session_payload(session: StudentSession, scored: bool) -> dict[str, Any]:
    tally = session.tally
    mean = tally.mean if tally is not None and scored else None
    return {
        "session": session.session_id,
        "title": session.title,
        "started_at": session.started_at.timestamp(),
        "ended_at": session.ended_at.timestamp() if session.ended_at else None,
        "shared_s": round(tally.observed_s, 1) if tally else 0.0,
        "scored_s": round(tally.scored_s, 1) if tally and scored else 0.0,
        "score": None if mean is None else round(mean, 2),
        "attendance": session.attendance.value if session.attendance else None,
    }


def _mode(student: StudentRecord) -> Mode:
    """Return what may be shown of a student now."""
    return Mode.FULL if student.virtual else services().policy().capped or Mode.PRESENCE


def _student(student_id: int) -> StudentRecord:
    student = _students().student(student_id)
    if student is None:
        abort(404)
    return student


def _students() -> Students:
    here = services()
    return Students(here.database, erasures=ErasureList(here.settings.erasures_file))


def _zip(student_id: int) -> Response:
    here = services()
    _student(student_id)
    _students().record_export(student_id, user().id)
    stream = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (send_file closes it)
    with belongings(here.database, student_id) as parts:
        write_zip(parts, here.clock.now(), stream, of_reader())
    stream.seek(0)
    name = f"engage-student-{student_id}.zip"
    return send_file(stream, mimetype="application/zip", as_attachment=True, download_name=name)


def _erase(student_id: int, typed_name: str) -> None:
    here, me = services(), user()
    courses = {course_id for course_id, _ in _students().courses(student_id)}
    _students().erase(student_id, typed_name, me.id)
    for session in here.queries.running_sessions():
        if session.course_id in courses:
            tell_changed(session.id)
    if me.student_id == student_id:
        logout_user()
