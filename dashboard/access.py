"""Who may open what: every view names its rule, one place enforces it, and a view without a rule is refused."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

from flask import abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import UserMixin, current_user

from dashboard.services import services
from engage.storage.records import Role, UserRecord

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])

STAFF = (Role.ADMIN, Role.TEACHER)


class Access(StrEnum):
    """Who may open a view."""

    PUBLIC = "anyone"
    STAFF = "administrators and teachers"
    ADMIN = "administrators"
    COURSE = "those who may see the course in the address"
    SESSION = "those who may see the session in the address"


class Account(UserMixin):  # type: ignore[misc] # Flask-Login publishes no types
    """The signed-in user, as Flask-Login wants to see them."""

    def __init__(self, record: UserRecord) -> None:
        """Wrap an account's record."""
        self.record = record
        self.id = str(record.id)


def load_account(user_id: str) -> Account | None:
    """Return the account behind a session cookie, or None when it is gone or no longer active."""
    record = services().accounts.user(int(user_id)) if user_id.isdecimal() else None
    return Account(record) if record is not None and record.active else None


def user() -> UserRecord:
    """Return the signed-in user; 401 where nobody is."""
    if not current_user.is_authenticated:
        abort(401)
    record = current_user.record
    assert isinstance(record, UserRecord)  # noqa: S101 (set by load_account)
    return record


def allow(access: Access) -> Callable[[View], View]:
    """Name the rule of a view."""

    def mark(view: View) -> View:
        view.access = access  # type: ignore[attr-defined] # a function may carry attributes
        return view

    return mark


def rule_of(endpoint: str) -> Access | None:
    """Return the rule of an endpoint, or None where it has none."""
    if endpoint == "static":
        return Access.PUBLIC
    return getattr(current_app.view_functions.get(endpoint), "access", None)


def enforce() -> ResponseReturnValue | None:
    """Let a request through, ask for a sign-in, or refuse it; runs before every view."""
    if request.endpoint is None:
        return None
    rule = rule_of(request.endpoint)
    if rule is Access.PUBLIC:
        return None
    if rule is None:
        abort(403)
    if not current_user.is_authenticated:
        return _ask_to_sign_in()
    record = user()
    if record.role not in STAFF or (rule is Access.ADMIN and record.role is not Role.ADMIN):
        abort(403)
    arguments = request.view_args or {}
    queries = services().queries
    if rule is Access.COURSE and not queries.may_see_course(record.id, arguments["course_id"]):
        abort(404)
    if rule is Access.SESSION and not queries.may_see_session(record.id, arguments["session_id"]):
        abort(404)
    return None


def _ask_to_sign_in() -> ResponseReturnValue:
    if request.path.startswith("/api/") or request.method != "GET":
        abort(401)
    return redirect(url_for("people.sign_in", next=request.full_path.rstrip("?")))


def local_path(target: str | None) -> str | None:
    """Return ``target`` if it is a path on this server, else None: a sign-in link must not lead elsewhere."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target
