"""Lists of students from files (CSV, OneRoster): looked at line by line, then saved exactly as looked at.

Nothing is kept between the two: the page carries what was read, signed, and it is worked out again before it is saved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from dashboard.access import Access, allow, user
from dashboard.course_forms import RosterFileForm
from dashboard.course_rules import course_shown, course_to_change, tell_running_session
from dashboard.sealing import sealed, take_long_forms, unsealed
from dashboard.services import services
from engage.core.rosters.comparison import Comparison, Kind
from engage.core.rosters.oneroster import OneRoster, looks_like_zip, read_oneroster
from engage.core.rosters.people import Person, checked, read_people
from engage.core.rosters.tables import Problem, read_table
from engage.errors import RequestError
from engage.reports.spreadsheets import csv_text
from engage.reports.tables import Sheet
from engage.storage.imports import CourseChangedError, Imports

blueprint = Blueprint("roster_files", __name__)
blueprint.url_value_preprocessor(take_long_forms)

SEAL = "students from a file"

LARGEST_CSV = 1024 * 1024
LARGEST_ZIP = 8 * 1024 * 1024


@blueprint.get("/courses/<int:course_id>/students/file")
@allow(Access.COURSE)
def choose(course_id: int) -> ResponseReturnValue:
    """Ask for a file."""
    return _choose_page(course_id, RosterFileForm(formdata=None))


@blueprint.post("/courses/<int:course_id>/students/file")
@allow(Access.COURSE)
def look(course_id: int) -> ResponseReturnValue:
    """Show what a file would change; of a OneRoster file first its classes."""
    course_to_change(course_id)
    form = RosterFileForm()
    if not form.validate_on_submit():
        return _choose_page(course_id, form), 422
    data, minor = form.file.data.read(LARGEST_ZIP + 1), form.minor.data == "yes"
    is_zip = looks_like_zip(data)
    if len(data) > (LARGEST_ZIP if is_zip else LARGEST_CSV):
        form.file.errors = [_("The file is too large: %(n)s MB at most.", n=8 if is_zip else 1)]
        return _choose_page(course_id, form), 422
    if is_zip:
        return _classes_page(course_id, form, read_oneroster(data, services().clock.now().date()))
    found = read_people(read_table(data))
    if not found.people and all(problem.line <= 1 for problem in found.problems):
        form.file.errors = [problem.text for problem in found.problems]
        return _choose_page(course_id, form), 422
    return _preview_page(course_id, {"minor": minor, "unused": found.unused}, found.people, found.problems)


@blueprint.post("/courses/<int:course_id>/students/file/classes")
@allow(Access.COURSE)
def look_at_classes(course_id: int) -> ResponseReturnValue:
    """Show what the chosen classes of a OneRoster file would change."""
    course_to_change(course_id)
    carried = unsealed(SEAL, course_id)
    chosen = set(request.form.getlist("class"))
    indices = {index for class_id, members in carried["classes"] if class_id in chosen for index in members}
    if not indices:
        raise RequestError(_("Choose at least one class with students in it; go back to do so."))
    everybody = _people(carried["people"])
    return _preview_page(course_id, {"minor": carried["minor"]}, [everybody[index] for index in sorted(indices)])


@blueprint.post("/courses/<int:course_id>/students/file/save")
@allow(Access.COURSE)
def save(course_id: int) -> ResponseReturnValue:
    """Save what was looked at; where the course has changed since, show it anew."""
    course_to_change(course_id)
    carried = unsealed(SEAL, course_id)
    people = _people(carried["people"])
    try:
        done = _imports().save(course_id, people, carried["minor"], carried["digest"], user().id)
    except CourseChangedError as error:
        flash(str(error), "problem")
        return _preview_page(course_id, {"minor": carried["minor"]}, people), 409
    tell_running_session(course_id)
    n = len(done.changes) - len(done.of(Kind.SAME))
    flash(ngettext("%(num)s student was brought in or changed.", "%(num)s students were brought in or changed.", n))
    return redirect(url_for("courses.show", course_id=course_id))


@blueprint.get("/courses/<int:course_id>/students.csv")
@allow(Access.COURSE)
def download(course_id: int) -> ResponseReturnValue:
    """Send the list of students as CSV, in the columns that are read back."""
    course_shown(course_id)
    rows = [
        (entry.name, entry.external_id, entry.seat, "yes" if entry.minor else "no")
        for entry in services().queries.students(course_id)
    ]
    sheet = Sheet("students", ("Name", "Number", "Seat", "Minor"), rows)
    headers = {"Content-Disposition": f'attachment; filename="students-{course_id}.csv"'}
    return Response(csv_text(sheet), mimetype="text/csv", headers=headers)


def _imports() -> Imports:
    return Imports(services().database, services().clock)


def _choose_page(course_id: int, form: RosterFileForm) -> str:
    return render_template("roster_file.html", course=course_shown(course_id), form=form)


def _classes_page(course_id: int, form: RosterFileForm, found: OneRoster) -> ResponseReturnValue:
    if not found.classes:
        form.file.errors = [problem.text for problem in found.problems[:5]] or [_("There is no class in it.")]
        return _choose_page(course_id, form), 422
    everybody = list(dict.fromkeys(person for each in found.classes for person in each.people))
    places = {person: index for index, person in enumerate(everybody)}
    carried = {
        "minor": form.minor.data == "yes",
        "people": _packed(everybody),
        "classes": [(each.id, [places[person] for person in each.people]) for each in found.classes],
    }
    return render_template(
        "roster_classes.html",
        course=course_shown(course_id),
        classes=found.classes,
        problems=found.problems,
        carried=sealed(SEAL, course_id, carried),
    )


def _preview_page(
    course_id: int, known: Mapping[str, Any], people: Sequence[Person], problems: Sequence[Problem] = ()
) -> str:
    comparison = _imports().preview(course_id, people, known["minor"], user().id)
    carried = {"minor": known["minor"], "people": _packed(people), "digest": comparison.digest()}
    return render_template(
        "roster_preview.html",
        course=course_shown(course_id),
        comparison=comparison,
        counts=_counts(comparison),
        problems=sorted((*problems, *comparison.problems), key=lambda problem: problem.line),
        unused=known.get("unused", ()),
        carried=sealed(SEAL, course_id, carried),
    )


def _counts(comparison: Comparison) -> dict[str, int]:
    return {kind.name.lower(): len(comparison.of(kind)) for kind in Kind}


def _packed(people: Sequence[Person]) -> list[tuple[Any, ...]]:
    return [(person.line, person.name, person.number, person.seat, person.minor) for person in people]


def _people(rows: Sequence[Sequence[Any]]) -> list[Person]:
    """Return carried students, checked as when they were read."""
    return [checked(Person(*row)) for row in rows]
