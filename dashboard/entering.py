"""When somebody has shown who they are, by whatever way: a new session, and a browser that is known again."""

from __future__ import annotations

import hashlib
import secrets

from flask import Response, abort, current_app, redirect, request, session
from flask_login import login_user
from itsdangerous import BadSignature, URLSafeTimedSerializer

from dashboard.access import Account
from dashboard.services import services
from engage.storage.records import UserRecord
from engage.storage.sign_ins import SignIns

COOKIE = "engage_known"
KNOWN_S = 180 * 24 * 3600
MOST_ACCOUNTS = 6
"""Accounts that one browser is known to have signed in to; a staff room's has a few."""


def enter(record: UserRecord, target: str, by: str) -> Response:
    """Sign ``record`` in and return the way to ``target``. ``by`` is ``password``, ``link`` or a service's name.

    Nothing of the session from before is kept (session fixation, OWASP ASVS 3.2.1), its CSRF token included.
    """
    session.clear()
    session.permanent = True
    if not login_user(Account(record)):
        abort(403)
    SignIns(services().database, services().clock).succeeded(record.id, record.email, known_device(record.email), by)
    response = redirect(target)
    assert isinstance(response, Response)  # noqa: S101 (Flask's redirect returns its own class)
    _remember_device(response, record.email)
    return response


def stay(record: UserRecord) -> None:
    """Go on as ``record`` in this browser after all sessions of the account were ended."""
    session.clear()
    session.permanent = True
    login_user(Account(record))


def known_device(email: str) -> str | None:
    """Return the name of this browser where it has signed in to ``email`` before, else None."""
    return _devices().get(_digest(email))


def _remember_device(response: Response, email: str) -> None:
    known = _devices()
    name = known.pop(_digest(email), None) or secrets.token_urlsafe(16)
    newest = dict([*known.items(), (_digest(email), name)][-MOST_ACCOUNTS:])
    response.set_cookie(
        COOKIE,
        _signer().dumps(newest),
        max_age=KNOWN_S,
        secure=services().settings.web.https,
        httponly=True,
        samesite="Lax",
    )


def _devices() -> dict[str, str]:
    try:
        found = _signer().loads(request.cookies.get(COOKIE, ""), max_age=KNOWN_S)
    except BadSignature:
        return {}
    return found if isinstance(found, dict) else {}


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="engage-known-browser")


def _digest(email: str) -> str:
    """Return what stands for an address in the cookie, which must not name anybody."""
    return hashlib.sha256(f"known browser of {email.strip().lower()}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
