"""Who may open what: every view names its rule, one place enforces it, and a view without a rule is refused."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

from flask import abort, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import UserMixin, current_user

from dashboard.join_keys import joined
from dashboard.services import services
from engage.storage.records import Role, UserRecord
from engage.storage.staffing import Staffing
from engage.storage.students import Students

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])

STAFF = (Role.ADMIN, Role.TEACHER)


class Access(StrEnum):
    """Who may open a view."""

    PUBLIC = "anyone"
    SIGNED_IN = "anyone with an account"
    STAFF = "administrators and teachers"
    ADMIN = "administrators"
    COURSE = "those who may see the course in the address"
    LEADING = "the teacher of the course in the address (no co-teacher), and administrators"
    SESSION = "those who may see the session in the address"
    TEACHER = "the teachers of the session in the address"
    ATTENDING = "the students of the session in the address"
    STUDENT = "the student in the address, their teachers, and administrators"
    OWN = "the student in the address, and administrators"
    JOINED = "a browser that a student has joined with, by its own cookie"


class Account(UserMixin):  # type: ignore[misc] # Flask-Login publishes no types
    """The signed-in user, as Flask-Login wants to see them."""

    def __init__(self, record: UserRecord) -> None:
        """Wrap an account's record."""
        self.record = record
        self.id = f"{record.id}.{record.session_stamp or ''}"


def load_account(session_id: str) -> Account | None:
    """Return the account behind a session cookie, or None when it is gone, no longer active, or ended its sessions."""
    number, _, stamp = session_id.partition(".")
    if "without_accounts" in g:
        return None
    record = services().accounts.user(int(number)) if number.isdecimal() else None
    if record is None or not record.active or (record.session_stamp or "") != stamp:
        return None
    return Account(record)


def without_accounts() -> None:
    """Let the rest of this request have nobody signed in: the page that says the database is away must not ask it."""
    g.without_accounts = True


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
    if rule is Access.JOINED:
        return _only_joined()
    if not current_user.is_authenticated:
        return _ask_to_sign_in()
    if rule is Access.SIGNED_IN:
        return None
    if rule is Access.ATTENDING:
        _only_attending(user())
    elif rule in (Access.STUDENT, Access.OWN):
        _only_concerned(user(), rule)
    else:
        _only_staff(user(), rule)
    return None


def _only_staff(record: UserRecord, rule: Access) -> None:
    """Refuse students; teachers where only administrators may; and what is not theirs to see does not exist."""
    if record.role not in STAFF or (rule is Access.ADMIN and record.role is not Role.ADMIN):
        abort(403)
    arguments = request.view_args or {}
    queries = services().queries
    if rule in (Access.COURSE, Access.LEADING) and not queries.may_see_course(record.id, arguments["course_id"]):
        abort(404)
    if rule is Access.LEADING and not Staffing(services().database).may_lead(record.id, arguments["course_id"]):
        abort(403)
    if rule is Access.SESSION and not queries.may_see_session(record.id, arguments["session_id"]):
        abort(404)
    if rule is Access.TEACHER:
        _only_teachers(record, arguments["session_id"])


def _only_attending(record: UserRecord) -> None:
    """Refuse all but a student, for whom a session that is not theirs does not exist."""
    if record.role is not Role.STUDENT:
        abort(403)
    if record.student_id is None or not services().queries.attends(
        record.student_id, (request.view_args or {})["session_id"]
    ):
        abort(404)


def _only_concerned(record: UserRecord, rule: Access) -> None:
    """Refuse those whose student it is not; teachers too, where only administrators and the student may."""
    students, student_id = Students(services().database), (request.view_args or {})["student_id"]
    if not students.may_see(record.id, student_id):
        abort(404)
    if rule is Access.OWN and not students.may_erase(record.id, student_id):
        abort(403)


def _only_teachers(record: UserRecord, session_id: int) -> None:
    """Refuse all but the teachers of a session's course; to other teachers the session does not exist."""
    queries = services().queries
    if not queries.may_see_session(record.id, session_id):
        abort(404)
    if not queries.teaches(record.id, session_id):
        abort(403)


def _only_joined() -> ResponseReturnValue | None:
    """Lead strangers to the class's PIN; an account does not open what is a joined student's."""
    if joined() is not None:
        return None
    if request.path.startswith("/join/api/") or request.method != "GET":
        abort(401)
    return redirect(url_for("join.enter"))


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
