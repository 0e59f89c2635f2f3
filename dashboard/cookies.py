"""The session's cookie, written by pages alone."""

from __future__ import annotations

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin


class PageSessions(SecureCookieSessionInterface):
    """Prolongs a session with every page, and leaves its cookie alone where the API is asked.

    A script's answer may come after that of the next page; with an older cookie in it, a message that was shown is
    shown once more.
    """

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Return whether the answer to this request carries the cookie."""
        if session.modified:
            return True
        return not request.path.startswith("/api/") and super().should_set_cookie(app, session)
