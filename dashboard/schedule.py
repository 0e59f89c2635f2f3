"""When a course has its lessons: times by hand or from a calendar file; sessions start and end by them."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from dashboard.access import Access, allow, user
from dashboard.course_forms import CalendarFileForm, LessonForm
from dashboard.course_rules import course_shown, course_to_change
from dashboard.languages import weekday
from dashboard.live import tell_changed
from dashboard.sealing import sealed, take_long_forms, unsealed
from dashboard.services import services
from engage.core.timetable import Timing
from engage.errors import RequestError
from engage.storage.lesson_calendar import LARGEST_BYTES, read_calendar
from engage.storage.timetable import Timetable

blueprint = Blueprint("schedule", __name__)
blueprint.url_value_preprocessor(take_long_forms)
blueprint.add_app_template_filter(weekday, "weekday")

SEAL = "lessons from a file"


def timetable() -> Timetable:
    """Return the timetable, on the school's clock."""
    here = services()
    return Timetable(here.database, here.settings.zone, here.clock)


@blueprint.get("/courses/<int:course_id>/schedule")
@allow(Access.COURSE)
def show(course_id: int) -> ResponseReturnValue:
    """Show a course's lesson times, what is to come, and what became of the last ones."""
    return _page(course_id, LessonForm(formdata=None))


@blueprint.post("/courses/<int:course_id>/schedule")
@allow(Access.COURSE)
def add(course_id: int) -> ResponseReturnValue:
    """Add a lesson time."""
    course_to_change(course_id)
    form = LessonForm()
    if not form.validate_on_submit():
        return _page(course_id, form), 422
    minute = form.at.data.hour * 60 + form.at.data.minute
    last_day = form.last_day.data if form.weekly.data else None
    timing = Timing(form.day.data, minute, form.length.data, form.weekly.data, last_day)
    try:
        new = timetable().add(course_id, [(timing, form.title.data or None)], user().id)
    except RequestError as error:
        flash(str(error), "problem")
        return _page(course_id, form), 422
    flash(_("The lesson was added.") if new else _("This lesson is there already."))
    return redirect(url_for("schedule.show", course_id=course_id))


@blueprint.post("/courses/<int:course_id>/schedule/<int:lesson_id>/remove")
@allow(Access.COURSE)
def remove(course_id: int, lesson_id: int) -> ResponseReturnValue:
    """Take a lesson time out of the timetable."""
    course_to_change(course_id)
    timetable().remove(course_id, lesson_id, user().id)
    flash(_("The lesson time was removed. Past sessions are kept."))
    return redirect(url_for("schedule.show", course_id=course_id))


@blueprint.post("/courses/<int:course_id>/schedule/<int:lesson_id>/skip")
@allow(Access.COURSE)
def skip(course_id: int, lesson_id: int) -> ResponseReturnValue:
    """Say that one lesson does not take place, or does after all."""
    course_to_change(course_id)
    try:
        day = date.fromisoformat(request.form.get("day", ""))
    except ValueError:
        abort(400, _("Which day? Reload this page."))
    timetable().set_skipped(course_id, lesson_id, day, request.form.get("skipped") == "yes", user().id)
    return redirect(url_for("schedule.show", course_id=course_id))


@blueprint.post("/courses/<int:course_id>/schedule/prolong")
@allow(Access.COURSE)
def prolong(course_id: int) -> ResponseReturnValue:
    """Let the running session go on for longer, or until somebody ends it."""
    running = course_shown(course_id).running_session_id
    minutes = request.form.get("minutes", "")
    if running is None or minutes not in ("10", "never"):
        raise RequestError(_("There is no session that ends by itself here now."))
    timetable().prolong(running, None if minutes == "never" else int(minutes), user().id)
    tell_changed(running)
    return redirect(url_for("courses.show", course_id=course_id))


@blueprint.post("/courses/<int:course_id>/schedule/file")
@allow(Access.COURSE)
def look(course_id: int) -> ResponseReturnValue:
    """Show the lessons of a calendar file, before any is saved."""
    course_to_change(course_id)
    form, here = CalendarFileForm(), services()
    if not form.validate_on_submit():
        return _page(course_id, LessonForm(formdata=None), form), 422
    found = read_calendar(form.file.data.read(LARGEST_BYTES + 1), here.clock.now(), here.settings.zone)
    if not found.lessons:
        form.file.errors = list(found.problems[:5])
        return _page(course_id, LessonForm(formdata=None), form), 422
    there = {each.timing for each in timetable().lessons(course_id)}
    timings = [(each.timing, each.title) for each in found.lessons]
    rows = [(timing.day.isoformat(), timing.minute, timing.length_min, title) for timing, title in timings]
    return render_template(
        "schedule_preview.html",
        course=course_shown(course_id),
        lessons=[(each, each.timing in there) for each in found.lessons],
        n_new=sum(each.timing not in there for each in found.lessons),
        problems=found.problems,
        carried=sealed(SEAL, course_id, {"lessons": rows}),
    )


@blueprint.post("/courses/<int:course_id>/schedule/file/save")
@allow(Access.COURSE)
def save(course_id: int) -> ResponseReturnValue:
    """Save the lessons that were looked at."""
    course_to_change(course_id)
    carried: dict[str, Any] = unsealed(SEAL, course_id)
    wanted = [
        (Timing(date.fromisoformat(day), minute, length), title) for day, minute, length, title in carried["lessons"]
    ]
    new = timetable().add(course_id, wanted, user().id)
    flash(ngettext("%(num)s lesson was added.", "%(num)s lessons were added.", new))
    return redirect(url_for("schedule.show", course_id=course_id))


def _page(course_id: int, form: LessonForm, file: CalendarFileForm | None = None) -> str:
    book, here = timetable(), services()
    return render_template(
        "schedule.html",
        course=course_shown(course_id),
        lessons=book.lessons(course_id),
        upcoming=book.upcoming(course_id),
        past=book.past_runs(course_id),
        form=form,
        file=file or CalendarFileForm(formdata=None),
        zone=here.settings.school.time_zone or _("this machine's"),
    )
