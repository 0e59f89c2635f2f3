"""Courses and the people in them: students, cameras, consent."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from dashboard.access import Access, allow, user
from dashboard.camera_rules import CameraForm, give_camera
from dashboard.course_forms import DetailsForm
from dashboard.course_rules import course_shown, course_to_change, tell_running_session
from dashboard.forms import CONSENT_CHOICES, ConsentForm, CourseForm, StudentForm
from dashboard.services import services
from dashboard.spoken import said
from engage.core.policy import GivenBy
from engage.errors import RequestError
from engage.storage.courses import Courses, StudentDetails
from engage.storage.records import CourseRecord, NewStudent, RosterEntry
from engage.storage.timetable import Timetable

blueprint = Blueprint("courses", __name__)


@blueprint.route("/courses/new", methods=["GET", "POST"])
@allow(Access.STAFF)
def create() -> ResponseReturnValue:
    """Make a course."""
    form = CourseForm()
    if form.validate_on_submit():
        course = services().classroom.create_course(form.title.data, user().id)
        return redirect(url_for("courses.show", course_id=course.id))
    return render_template("course_new.html", form=form), 422 if form.is_submitted() else 200


@blueprint.get("/courses/<int:course_id>")
@allow(Access.COURSE)
def show(course_id: int) -> ResponseReturnValue:
    """Show a course: students, cameras, consent, sessions."""
    return _page(course_id, StudentForm())


@blueprint.post("/courses/<int:course_id>/students")
@allow(Access.COURSE)
def add_student(course_id: int) -> ResponseReturnValue:
    """Add a student, with camera and consent where given."""
    course_to_change(course_id)
    form = StudentForm()
    if not form.validate_on_submit():
        return _page(course_id, form), 422
    if form.consent.data == "yes:student" and form.minor.data == "yes":
        form.consent.errors = [_("For someone under age, a parent or guardian must say yes.")]
        return _page(course_id, form), 422
    here, me = services(), user().id
    new = NewStudent(
        form.name.data, form.minor.data == "yes", seat=form.seat.data or None, external_id=form.number.data or None
    )
    try:
        student = here.classroom.create_student(course_id, new, me)
    except RequestError as error:
        flash(said(str(error)), "problem")
        return _page(course_id, form), 422
    if form.consent.data:
        _record(student.id, form.consent.data)
    tell_running_session(course_id)
    if form.address.data:
        try:
            give_camera(form.address.data, student_id=student.id)
        except RequestError as error:
            flash(
                _("%(name)s was added, but not the camera: %(error)s", name=student.name, error=said(str(error))),
                "problem",
            )
            return redirect(url_for("courses.student", course_id=course_id, student_id=student.id))
    flash(_("%(name)s was added.", name=student.name))
    return redirect(url_for("courses.show", course_id=course_id))


@blueprint.get("/courses/<int:course_id>/students/<int:student_id>")
@allow(Access.COURSE)
def student(course_id: int, student_id: int) -> ResponseReturnValue:
    """Show one student's camera and consent."""
    return _student_page(course_id, _entry(course_id, student_id))


@blueprint.post("/courses/<int:course_id>/students/<int:student_id>/camera")
@allow(Access.COURSE)
def set_camera(course_id: int, student_id: int) -> ResponseReturnValue:
    """Give a student a camera, in place of the one in use."""
    course_to_change(course_id)
    entry, form = _entry(course_id, student_id), CameraForm()
    if not form.validate_on_submit():
        return _student_page(course_id, entry, camera=form), 422
    try:
        give_camera(form.address.data, student_id=student_id)
    except RequestError as error:
        form.address.errors = [said(str(error))]
        return _student_page(course_id, entry, camera=form), 422
    tell_running_session(course_id)
    flash(_("The camera was saved."))
    return redirect(url_for("courses.show", course_id=course_id))


@blueprint.post("/courses/<int:course_id>/students/<int:student_id>/consent")
@allow(Access.COURSE)
def record_consent(course_id: int, student_id: int) -> ResponseReturnValue:
    """Record an answer; a No stops the camera within seconds."""
    course_to_change(course_id)
    entry, form = _entry(course_id, student_id), ConsentForm()
    if form.validate_on_submit() and entry.minor and form.consent.data == "yes:student":
        form.consent.errors = [_("For someone under age, a parent or guardian must say yes.")]
    if form.errors or form.consent.errors:
        return _student_page(course_id, entry, consent=form), 422
    _record(student_id, form.consent.data)
    tell_running_session(course_id)
    flash(_("The answer of %(name)s was recorded.", name=entry.name))
    return redirect(url_for("courses.show", course_id=course_id))


@blueprint.post("/courses/<int:course_id>/students/<int:student_id>/details")
@allow(Access.COURSE)
def change_student(course_id: int, student_id: int) -> ResponseReturnValue:
    """Store a student's name, number, seat and whether they are under age."""
    course_to_change(course_id)
    entry, form = _entry(course_id, student_id), DetailsForm()
    if not form.validate_on_submit():
        return _student_page(course_id, entry, details=form), 422
    details = StudentDetails(form.name.data, form.minor.data == "yes", form.number.data or None, form.seat.data or None)
    try:
        _courses().change_student(course_id, student_id, details, user().id)
    except RequestError as error:
        flash(said(str(error)), "problem")
        return _student_page(course_id, entry, details=form), 422
    tell_running_session(course_id)
    flash(_("%(name)s was changed.", name=details.name))
    return redirect(url_for("courses.student", course_id=course_id, student_id=student_id))


@blueprint.post("/courses/<int:course_id>/students/<int:student_id>/remove")
@allow(Access.COURSE)
def remove_student(course_id: int, student_id: int) -> ResponseReturnValue:
    """Take a student out of a course; nothing is deleted, and other courses are not touched."""
    course_to_change(course_id)
    entry = _entry(course_id, student_id)
    _courses().remove_student(course_id, student_id, user().id)
    tell_running_session(course_id)
    flash(_("%(name)s is no longer in this course. What was recorded is kept.", name=entry.name))
    return redirect(url_for("courses.show", course_id=course_id))


@blueprint.post("/courses/<int:course_id>/students/<int:student_id>/bring-back")
@allow(Access.COURSE)
def bring_back_student(course_id: int, student_id: int) -> ResponseReturnValue:
    """Put a student back into a course they were in."""
    course_to_change(course_id)
    _courses().bring_back_student(course_id, student_id, user().id)
    tell_running_session(course_id)
    flash(_("%(name)s is back in this course.", name=_entry(course_id, student_id).name))
    return redirect(url_for("courses.show", course_id=course_id))


@blueprint.get("/courses/archived")
@allow(Access.STAFF)
def archived() -> ResponseReturnValue:
    """List the archived courses."""
    return render_template("courses_archived.html", courses=_courses().archived_for(user().id))


@blueprint.post("/courses/<int:course_id>/rename")
@allow(Access.COURSE)
def rename(course_id: int) -> ResponseReturnValue:
    """Give a course another title."""
    course_to_change(course_id)
    form = CourseForm()
    if form.validate_on_submit():
        _courses().rename(course_id, form.title.data, user().id)
        flash(_("The course was renamed."))
    else:
        flash(str(form.title.errors[0]), "problem")
    return redirect(url_for("courses.show", course_id=course_id))


@blueprint.post("/courses/<int:course_id>/archive")
@allow(Access.LEADING)
def archive(course_id: int) -> ResponseReturnValue:
    """Take a course out of the lists; nothing is deleted."""
    course = course_to_change(course_id)
    services().classroom.archive_course(course_id, user().id)
    flash(_("%(title)s is no longer in the list. What was recorded is kept.", title=course.title))
    return redirect(url_for("home.index"))


@blueprint.post("/courses/<int:course_id>/bring-back")
@allow(Access.LEADING)
def bring_back(course_id: int) -> ResponseReturnValue:
    """Put an archived course back into the lists."""
    _courses().bring_back(course_id, user().id)
    flash(_("The course is back in the list."))
    return redirect(url_for("courses.show", course_id=course_id))


def _courses() -> Courses:
    return Courses(services().database, services().clock)


def _entry(course_id: int, student_id: int) -> RosterEntry:
    for entry in services().queries.students(course_id):
        if entry.student_id == student_id:
            return entry
    abort(404)


def _record(student_id: int, answer: str) -> None:
    granted, given_by = answer.split(":")
    services().classroom.record_consent(student_id, granted == "yes", GivenBy(given_by), user().id)


def _page(course_id: int, form: StudentForm) -> str:
    here = services()
    policy = here.policy()
    course, students = course_shown(course_id), here.queries.students(course_id)
    return render_template(
        "course.html",
        course=course,
        form=form,
        students=[(entry, policy.decide(entry)) for entry in students],
        sessions=here.queries.sessions(course_id, 10),
        policy=policy,
        former=_courses().former_students(course_id),
        planned=_planned(course),
        naming=CourseForm(formdata=None, data={"title": course.title}),
    )


def _planned(course: CourseRecord) -> dict[str, Any]:
    """Return what the schedule says of a course: the next lesson, the last one's trouble, the running one's end."""
    here = services()
    book = Timetable(here.database, here.settings.zone, here.clock)
    past = book.past_runs(course.id, 7)
    coming = [each for each in book.upcoming(course.id, 8) if not each.skipped]
    running = here.queries.session(course.running_session_id) if course.running_session_id is not None else None
    return {
        "next": coming[0] if coming else None,
        "trouble": past[0] if past and past[0].problem else None,
        "end": running.planned if running is not None else None,
    }


def _student_page(
    course_id: int,
    entry: RosterEntry,
    details: DetailsForm | None = None,
    camera: CameraForm | None = None,
    consent: ConsentForm | None = None,
) -> str:
    """Return the page with the form that was sent, and the others as they stand."""
    known = {
        "name": entry.name,
        "number": entry.external_id,
        "seat": entry.seat,
        "minor": "yes" if entry.minor else "no",
    }
    answer = consent or ConsentForm(formdata=None)
    if entry.minor:
        answer.consent.choices = [choice for choice in CONSENT_CHOICES[1:] if choice.value != "yes:student"]
    return render_template(
        "student.html",
        course=course_shown(course_id),
        entry=entry,
        decision=services().policy().decide(entry),
        details=details or DetailsForm(formdata=None, data=known),
        camera=camera or CameraForm(formdata=None),
        answer=answer,
    )
