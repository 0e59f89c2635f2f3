"""Session reports: the page, and the same as files."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from dashboard.access import Access, allow, user
from dashboard.languages import of_reader
from dashboard.services import services
from dashboard.sessions import found
from engage.core.policy import Jurisdiction
from engage.core.types import Mode
from engage.reports.compose import compose
from engage.reports.content import Report
from engage.reports.formats import FORMATS, Choices, file_name
from engage.reports.gather import gather, shown_mode
from engage.reports.language import ENGLISH, Language
from engage.reports.page import body, style
from engage.reports.tables import TABLES
from engage.storage import audit
from engage.storage.rollups import Rollups

blueprint = Blueprint("reports", __name__)

PAPERS = ("a4", "letter")


@blueprint.get("/sessions/<int:session_id>/report")
@allow(Access.SESSION)
def show(session_id: int) -> ResponseReturnValue:
    """Show the report of a session, up to now where it is running."""
    report = made(session_id, of_reader())
    paper = _paper()
    papers = [paper, *(other for other in PAPERS if other != paper)]
    return render_template(
        "session_report.html",
        report=report,
        body=body(report),
        papers=papers,
        tables=list(TABLES),
        presence=report.mode is Mode.PRESENCE,
    )


@blueprint.get("/sessions/<int:session_id>/report.<ending>")
@allow(Access.SESSION)
def download(session_id: int, ending: str) -> ResponseReturnValue:
    """Send the report as a file; ``?table=`` for CSV, ``?paper=`` for PDF, ``?names=yes`` for xAPI.

    Who took which file is in the audit log.
    """
    if ending not in FORMATS:
        abort(404)
    choices = Choices(
        table=_one_of("table", list(TABLES), "students"),
        paper=_one_of("paper", list(PAPERS), _paper()),
        with_names=_one_of("names", ["no", "yes"], "no") == "yes",
        home=services().settings.address,
    )
    kind = FORMATS[ending]
    report = made(session_id, of_reader() if kind.for_people else ENGLISH)
    answer = Response(kind.make(report, choices), content_type=kind.media_type)
    table = choices.table if ending == "csv" else None
    _note_download(session_id, {"format": ending, "table": table, "names": ending != "jsonl" or choices.with_names})
    name = file_name(report, ending, table)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@blueprint.get("/report.css")
@allow(Access.PUBLIC)
def stylesheet() -> ResponseReturnValue:
    """Send the style that page and file share."""
    return Response(style(), mimetype="text/css")


def made(session_id: int, language: Language = ENGLISH) -> Report:
    """Return the report of a session as it stands now, showing what policy allows now; 404 where there is none."""
    here = services()
    lesson = found(session_id)
    mode = shown_mode(lesson, here.policy().capped)
    material = gather(here.queries, Rollups(here.database), session_id, mode, here.clock.now())
    return compose(material, here.settings.zone, language)


def _note_download(session_id: int, details: dict[str, str | bool | None]) -> None:
    here = services()
    action = audit.Action("download_report", "class_session", session_id, details)
    audit.note(here.database, here.clock.now(), user().id, action)


def _paper() -> str:
    """Return the paper people have: Letter in the United States, A4 elsewhere."""
    return "letter" if services().policy().jurisdiction is Jurisdiction.US else "a4"


def _one_of(name: str, allowed: list[str], default: str) -> str:
    value = request.args.get(name, default)
    if value not in allowed:
        abort(400, f"'{name}' must be one of {', '.join(allowed)}.")
    return value
