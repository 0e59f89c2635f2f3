"""What a page carries from looking to saving: signed, good for one course and account, and not for long."""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeTimedSerializer

from dashboard.access import user
from engage.errors import RequestError

LONGEST_FORM = 4 * 1024 * 1024
"""5,000 students are .5 MB."""
GOOD_FOR_S = 3600


def take_long_forms(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Take what a preview carries: a ``url_value_preprocessor``, since the check for forgery reads the form first."""
    request.max_form_memory_size = LONGEST_FORM


def sealed(purpose: str, course_id: int, what: dict[str, Any]) -> str:
    """Return ``what`` as text for a hidden field; RequestError where it is too much."""
    text = str(_seal(purpose).dumps({**what, "course": course_id, "user": user().id}))
    if len(text) > LONGEST_FORM // 2:
        raise RequestError(_("There is too much in this file; split it."))
    return text


def unsealed(purpose: str, course_id: int) -> dict[str, Any]:
    """Return what the page carried; RequestError where it is not this course's, this account's, or too old."""
    try:
        carried: dict[str, Any] = _seal(purpose).loads(request.form.get("carried", ""), max_age=GOOD_FOR_S)
    except BadSignature:
        raise RequestError(_("This preview is no longer good; choose the file again. Nothing was saved.")) from None
    if (carried["course"], carried["user"]) != (course_id, user().id):
        raise RequestError(_("This preview is of another course; choose the file again. Nothing was saved."))
    return carried


def _seal(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or b"", salt=purpose)
