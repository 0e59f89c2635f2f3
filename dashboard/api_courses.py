"""Courses, their students and sessions, and a session's report (API)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, url_for
from flask.typing import ResponseReturnValue

from dashboard.access import Access, allow, user
from dashboard.api_requests import Answer, NewCourse, NewPerson
from dashboard.live import tell_changed
from dashboard.openapi import sent
from dashboard.payloads import roster_payload, session_payload
from dashboard.reports import made
from dashboard.services import services
from engage.errors import RequestError
from engage.reports.record import json_text
from engage.storage.records import CourseRecord, NewStudent, RosterEntry

blueprint = Blueprint("api_courses", __name__, url_prefix="/api/v1")


@blueprint.get("/me")
@allow(Access.STAFF)
def me() -> ResponseReturnValue:
    """Return the account that asks."""
    record = user()
    return {"id": record.id, "name": record.name, "role": record.role.value, "student": record.student_id}


@blueprint.get("/courses")
@allow(Access.STAFF)
def listed() -> ResponseReturnValue:
    """Return the courses the account may see, by title."""
    return {"courses": [_payload(course) for course in services().queries.courses_for(user().id)]}


@blueprint.post("/courses")
@allow(Access.STAFF)
def create() -> ResponseReturnValue:
    """Make a course and return it: ``{"title": "Physics 8b"}``."""
    body: NewCourse = sent(NewCourse)
    course = services().classroom.create_course(body.title, user().id)
    return _whole(course.id), 201, {"Location": url_for("api_courses.show", course_id=course.id)}


@blueprint.get("/courses/<int:course_id>")
@allow(Access.COURSE)
def show(course_id: int) -> ResponseReturnValue:
    """Return a course with its students."""
    return _whole(course_id)


@blueprint.get("/courses/<int:course_id>/sessions")
@allow(Access.COURSE)
def sessions(course_id: int) -> ResponseReturnValue:
    """Return a course's sessions, the newest first, a hundred at most."""
    here = services()
    policy, now = here.policy(), here.clock.now().timestamp()
    return {"sessions": [session_payload(lesson, policy, now) for lesson in here.queries.sessions(course_id)]}


@blueprint.post("/courses/<int:course_id>/students")
@allow(Access.COURSE)
def add_student(course_id: int) -> ResponseReturnValue:
    """Add a student and return the course: ``{"name": "Amina", "minor": true}``."""
    _changeable(course_id)
    body: NewPerson = sent(NewPerson)
    services().classroom.create_student(course_id, NewStudent(body.name, minor=body.minor, seat=body.seat), user().id)
    return _changed(course_id), 201


@blueprint.post("/courses/<int:course_id>/students/<int:student_id>/consent")
@allow(Access.COURSE)
def consent(course_id: int, student_id: int) -> ResponseReturnValue:
    """Record an answer and return the course; a No stops the camera within seconds."""
    _changeable(course_id)
    entry, body = _entry(course_id, student_id), sent(Answer)
    if entry.minor and body.granted and body.given_by != "guardian":
        raise RequestError("For someone under age, a parent or guardian must say yes.")
    services().classroom.record_consent(student_id, body.granted, body.given_by, user().id)
    return _changed(course_id)


@blueprint.post("/courses/<int:course_id>/students/<int:student_id>/archive")
@allow(Access.COURSE)
def archive_student(course_id: int, student_id: int) -> ResponseReturnValue:
    """Take a student out of the lists; nothing is deleted."""
    _changeable(course_id)
    _entry(course_id, student_id)
    services().classroom.archive_student(student_id, user().id)
    _changed(course_id)
    return "", 204


@blueprint.post("/courses/<int:course_id>/archive")
@allow(Access.LEADING)
def archive(course_id: int) -> ResponseReturnValue:
    """Take a course out of the lists; nothing is deleted."""
    _changeable(course_id)
    services().classroom.archive_course(course_id, user().id)
    return "", 204


@blueprint.get("/sessions/<int:session_id>/report")
@allow(Access.SESSION)
def report(session_id: int) -> ResponseReturnValue:
    """Return a session's report, up to now where it is running; its times are ISO 8601 in UTC."""
    return Response(json_text(made(session_id)), mimetype="application/json")


def _course(course_id: int) -> CourseRecord:
    course = services().queries.course(course_id)
    if course is None:
        abort(404)
    return course


def _changeable(course_id: int) -> None:
    if _course(course_id).demo:
        raise RequestError("The virtual class is drawn by the program; its students cannot be changed.")


def _entry(course_id: int, student_id: int) -> RosterEntry:
    found = [entry for entry in services().queries.students(course_id) if entry.student_id == student_id]
    if not found:
        abort(404)
    return found[0]


def _changed(course_id: int) -> dict[str, Any]:
    """Tell the live page of a running session, and return the course as it is now."""
    running = _course(course_id).running_session_id
    if running is not None:
        tell_changed(running)
    return _whole(course_id)


def _whole(course_id: int) -> dict[str, Any]:
    policy, students = services().policy(), services().queries.students(course_id)
    return {**_payload(_course(course_id)), "roster": [roster_payload(entry, policy) for entry in students]}


def _payload(course: CourseRecord) -> dict[str, Any]:
    return {
        "id": course.id,
        "title": course.title,
        "demo": course.demo,
        "students": course.n_students,
        "running_session": course.running_session_id,
    }
