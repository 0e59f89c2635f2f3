"""The teacher's side of joining: the class's link with its QR code, and the students' own links and PINs."""

from __future__ import annotations

import io

import segno
from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from dashboard.access import Access, allow, user
from dashboard.join_keys import class_code, class_pin, issue, join_keys
from dashboard.services import services
from engage.storage.records import CourseRecord

blueprint = Blueprint("join_staff", __name__)


def class_link(session_id: int) -> str:
    """Return the address that a class's QR code holds."""
    return f"{services().settings.address}{url_for('join.pin', code=class_code(session_id))}"


def short_address() -> str:
    """Return the address to type, without its scheme."""
    return f"{services().settings.address}{url_for('join.enter')}".partition("://")[2]


def shown_pin(pin: str) -> str:
    """Return a PIN in two groups, as people read it."""
    return f"{pin[:3]} {pin[3:]}"


def words_for_templates() -> dict[str, object]:
    """Return what the live page's dialog needs."""
    return {
        "class_link": class_link,
        "class_pin": lambda session_id: shown_pin(class_pin(session_id)),
        "join_address": short_address,
        "shown_pin": shown_pin,
    }


@blueprint.get("/sessions/<int:session_id>/join.svg")
@allow(Access.SESSION)
def code(session_id: int) -> Response:
    """Send the QR code of the class's link."""
    return _svg(class_link(session_id))


@blueprint.get("/courses/<int:course_id>/join")
@allow(Access.COURSE)
def keys(course_id: int) -> ResponseReturnValue:
    """Show who has a link and a PIN of their own, and since when."""
    return _page(_course(course_id))


@blueprint.post("/courses/<int:course_id>/join")
@allow(Access.COURSE)
def make(course_id: int) -> ResponseReturnValue:
    """Make new links and PINs, for one student or all who have none, and show them this once."""
    course, here = _course(course_id), services()
    students = {entry.student_id: entry for entry in here.queries.students(course_id) if not entry.virtual}
    wanted = _wanted(list(students), course_id)
    if not wanted:
        flash(_("Everybody has a link and a PIN already."))
        return redirect(url_for("join_staff.keys", course_id=course_id))
    made = issue(course_id, wanted, user().id)
    slips = [
        (
            students[key.student_id],
            shown_pin(key.pin),
            f"{here.settings.address}{url_for('join.link', token=key.token)}",
        )
        for key in made
    ]
    slips.sort(key=lambda slip: slip[0].name)
    return _page(course, [(entry, pin, link, _inline(link)) for entry, pin, link in slips])


@blueprint.post("/courses/<int:course_id>/join/revoke")
@allow(Access.COURSE)
def revoke(course_id: int) -> ResponseReturnValue:
    """Make a student's link and PIN stop working, or all of the course."""
    student = request.form.get("student", "")
    if student and not student.isdecimal():
        abort(400)
    join_keys().revoke(course_id, int(student) if student else None, user().id)
    flash(_("They no longer work."))
    return redirect(url_for("join_staff.keys", course_id=course_id))


def _wanted(student_ids: list[int], course_id: int) -> list[int]:
    """Return whom the form asks new keys for: one student, all, or (without either) those who have none."""
    student = request.form.get("student", "")
    if student:
        return [each for each in student_ids if str(each) == student]
    if request.form.get("all"):
        return student_ids
    issued = join_keys().issued(course_id)
    return [each for each in student_ids if each not in issued]


def _page(course: CourseRecord, slips: list[tuple[object, str, str, str]] | None = None) -> str:
    students = [entry for entry in services().queries.students(course.id) if not entry.virtual]
    return render_template(
        "join_keys.html", course=course, students=students, issued=join_keys().issued(course.id), slips=slips or []
    )


def _course(course_id: int) -> CourseRecord:
    course = services().queries.course(course_id)
    if course is None:
        abort(404)
    return course


def _svg(text: str) -> Response:
    stream = io.BytesIO()
    segno.make(text, error="m", micro=False).save(stream, kind="svg", scale=8, border=3, light="white", xmldecl=False)
    return Response(stream.getvalue(), mimetype="image/svg+xml")


def _inline(text: str) -> str:
    """Return a QR code as an address that holds its own picture: slips are shown once and stored nowhere."""
    return str(segno.make(text, error="m", micro=False).svg_data_uri(scale=4, border=3, light="white"))
