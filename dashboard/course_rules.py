"""A course in a page's address: there or not, to be changed or not, and its running lesson told of a change."""

from __future__ import annotations

from flask import abort
from flask_babel import gettext as _

from dashboard.live import tell_changed
from dashboard.services import services
from engage.errors import RequestError
from engage.storage.records import CourseRecord


def course_shown(course_id: int) -> CourseRecord:
    """Return the course, or 404."""
    course = services().queries.course(course_id)
    if course is None:
        abort(404)
    return course


def course_to_change(course_id: int) -> CourseRecord:
    """Return the course, or 404; RequestError where nothing may be changed in it."""
    course = course_shown(course_id)
    if course.demo:
        raise RequestError(_("The virtual class is drawn by the program; its students cannot be changed."))
    if course.archived_at is not None:
        raise RequestError(_("This course is archived. Bring it back to change it."))
    return course


def tell_running_session(course_id: int) -> None:
    """Let the live page of a running session show what was changed here."""
    course = course_shown(course_id)
    if course.running_session_id is not None:
        tell_changed(course.running_session_id)
