"""The school's notices as files, for administrators: the same as ``engage notice``."""

from __future__ import annotations

from flask import Blueprint, Response, abort
from flask.typing import ResponseReturnValue

from dashboard.access import Access, allow
from dashboard.languages import of_reader
from dashboard.services import services
from engage.reports.notices import NOTICES, Facts

blueprint = Blueprint("notices", __name__)


@blueprint.get("/school/notices/<kind>.md")
@allow(Access.ADMIN)
def download(kind: str) -> ResponseReturnValue:
    """Send a notice, filled from what holds now, in the reader's language; 404 before first run's questions."""
    here = services()
    policy, school = here.policy(), here.settings.school
    if kind not in NOTICES or policy.jurisdiction is None or policy.capped is None:
        abort(404)
    facts = Facts(school.name, school.contact, policy.jurisdiction, policy.capped, here.settings.retention)
    answer = Response(NOTICES[kind](facts, of_reader()), content_type="text/markdown; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="engage-{kind}.md"'
    return answer
