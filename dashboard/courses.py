"""Courses and the people in them: students, cameras, consent."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from dashboard.access import Access, allow, user
from dashboard.forms import CONSENT_CHOICES, CameraForm, ConsentForm, CourseForm, StudentForm
from dashboard.live import tell_changed
from dashboard.services import services
from engage.core.policy import GivenBy
from engage.errors import RequestError
from engage.storage.records import CourseRecord, NewStudent, RosterEntry

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
    _course(course_id, changing=True)
    form = StudentForm()
    if not form.validate_on_submit():
        return _page(course_id, form), 422
    if form.consent.data == "yes:student" and form.minor.data == "yes":
        form.consent.errors = ["For someone under age, a parent or guardian must say yes."]
        return _page(course_id, form), 422
    here, me = services(), user().id
    student = here.classroom.create_student(
        course_id, NewStudent(form.name.data, minor=form.minor.data == "yes", seat=form.seat.data or None), me
    )
    if form.consent.data:
        _record(student.id, form.consent.data)
    _tell_running_session(course_id)
    if form.address.data:
        try:
            here.classroom.add_source(form.address.data, student_id=student.id, user_id=me)
        except RequestError as error:
            flash(f"{student.name} was added, but not the camera: {error}", "problem")
            return redirect(url_for("courses.student", course_id=course_id, student_id=student.id))
    flash(f"{student.name} was added.")
    return redirect(url_for("courses.show", course_id=course_id))


@blueprint.get("/courses/<int:course_id>/students/<int:student_id>")
@allow(Access.COURSE)
def student(course_id: int, student_id: int) -> ResponseReturnValue:
    """Show one student's camera and consent."""
    entry = _entry(course_id, student_id)
    return _student_page(course_id, entry, CameraForm(), ConsentForm())


@blueprint.post("/courses/<int:course_id>/students/<int:student_id>/camera")
@allow(Access.COURSE)
def set_camera(course_id: int, student_id: int) -> ResponseReturnValue:
    """Give a student a camera, in place of the one in use."""
    _course(course_id, changing=True)
    entry, form = _entry(course_id, student_id), CameraForm()
    if not form.validate_on_submit():
        return _student_page(course_id, entry, form, ConsentForm(formdata=None)), 422
    try:
        services().classroom.add_source(form.address.data, student_id=student_id, user_id=user().id)
    except RequestError as error:
        form.address.errors = [str(error)]
        return _student_page(course_id, entry, form, ConsentForm(formdata=None)), 422
    _tell_running_session(course_id)
    flash("The camera was saved.")
    return redirect(url_for("courses.show", course_id=course_id))


@blueprint.post("/courses/<int:course_id>/students/<int:student_id>/consent")
@allow(Access.COURSE)
def record_consent(course_id: int, student_id: int) -> ResponseReturnValue:
    """Record an answer; a No stops the camera within seconds."""
    _course(course_id, changing=True)
    entry, form = _entry(course_id, student_id), ConsentForm()
    if form.validate_on_submit() and entry.minor and form.consent.data == "yes:student":
        form.consent.errors = ["For someone under age, a parent or guardian must say yes."]
    if form.errors or form.consent.errors:
        return _student_page(course_id, entry, CameraForm(formdata=None), form), 422
    _record(student_id, form.consent.data)
    _tell_running_session(course_id)
    flash(f"The answer of {entry.name} was recorded.")
    return redirect(url_for("courses.show", course_id=course_id))


@blueprint.post("/courses/<int:course_id>/students/<int:student_id>/archive")
@allow(Access.COURSE)
def archive_student(course_id: int, student_id: int) -> ResponseReturnValue:
    """Take a student out of the lists; nothing is deleted."""
    _course(course_id, changing=True)
    entry = _entry(course_id, student_id)
    services().classroom.archive_student(student_id, user().id)
    _tell_running_session(course_id)
    flash(f"{entry.name} is no longer in the list. What was recorded is kept.")
    return redirect(url_for("courses.show", course_id=course_id))


@blueprint.post("/courses/<int:course_id>/archive")
@allow(Access.COURSE)
def archive(course_id: int) -> ResponseReturnValue:
    """Take a course out of the lists; nothing is deleted."""
    course = _course(course_id, changing=True)
    services().classroom.archive_course(course_id, user().id)
    flash(f"{course.title} is no longer in the list. What was recorded is kept.")
    return redirect(url_for("home.index"))


def _course(course_id: int, changing: bool = False) -> CourseRecord:
    course = services().queries.course(course_id)
    if course is None:
        abort(404)
    if changing and course.demo:
        raise RequestError("The virtual class is drawn by the program; its students cannot be changed.")
    return course


def _entry(course_id: int, student_id: int) -> RosterEntry:
    for entry in services().queries.students(course_id):
        if entry.student_id == student_id:
            return entry
    abort(404)


def _tell_running_session(course_id: int) -> None:
    """Let the live page of a running session show what was changed here."""
    course = services().queries.course(course_id)
    if course is not None and course.running_session_id is not None:
        tell_changed(course.running_session_id)


def _record(student_id: int, answer: str) -> None:
    granted, given_by = answer.split(":")
    services().classroom.record_consent(student_id, granted == "yes", GivenBy(given_by), user().id)


def _page(course_id: int, form: StudentForm) -> str:
    here = services()
    policy = here.policy()
    students = here.queries.students(course_id)
    return render_template(
        "course.html",
        course=_course(course_id),
        form=form,
        students=[(entry, policy.decide(entry)) for entry in students],
        sessions=here.queries.sessions(course_id, 10),
        policy=policy,
    )


def _student_page(course_id: int, entry: RosterEntry, camera: CameraForm, consent: ConsentForm) -> str:
    if entry.minor:
        consent.consent.choices = [choice for choice in CONSENT_CHOICES[1:] if choice.value != "yes:student"]
    decision = services().policy().decide(entry)
    return render_template(
        "student.html", course=_course(course_id), entry=entry, decision=decision, camera=camera, answer=consent
    )
