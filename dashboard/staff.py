"""Who teaches a course: its teacher adds and removes co-teachers."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from dashboard.access import Access, allow, user
from dashboard.services import services
from engage.errors import RequestError
from engage.storage.staffing import Staffing

blueprint = Blueprint("staff", __name__)


@blueprint.post("/courses/<int:course_id>/staff")
@allow(Access.LEADING)
def add(course_id: int) -> ResponseReturnValue:
    """Add a co-teacher."""
    chosen = request.form.get("user", "")
    if not chosen.isdecimal():
        raise RequestError(_("Choose who is to teach this course with you."))
    name = Staffing(services().database).add(course_id, int(chosen), user().id)
    flash(_("%(name)s teaches this course now.", name=name))
    return redirect(url_for("courses.show", course_id=course_id))


@blueprint.post("/courses/<int:course_id>/staff/<int:user_id>/remove")
@allow(Access.LEADING)
def remove(course_id: int, user_id: int) -> ResponseReturnValue:
    """Take a co-teacher out; what they did stays."""
    name = Staffing(services().database).remove(course_id, user_id, user().id)
    flash(_("%(name)s no longer teaches this course.", name=name))
    return redirect(url_for("courses.show", course_id=course_id))


@blueprint.app_template_global("course_staff")
def course_staff(course_id: int) -> dict[str, Any]:
    """Return what ``_staff.html`` shows: who teaches a course, who might, whether the reader may change it."""
    staffing = Staffing(services().database)
    leads = staffing.may_lead(user().id, course_id)
    return {
        "people": staffing.staff(course_id),
        "candidates": staffing.candidates(course_id) if leads else [],
        "leads": leads,
    }
