"""Secret addresses of calendar feeds: one for each account, revocable; only the SHA-256 of its secret is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.storage import audit
from engage.storage.database import Database
from engage.storage.entries import possible
from engage.storage.tables import Setting, User

TOKEN_BYTES = 32
LONGEST_TOKEN = 100


class CalendarTokens:
    """A calendar program cannot sign in, so whoever has the address may read the feed, until it is revoked."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def issue(self, user_id: int) -> str:
        """Return a new token, URL-safe, this once; an earlier one of the same account stops working."""
        secret = secrets.token_urlsafe(TOKEN_BYTES)
        with self._database.write() as session:
            session.execute(delete(Setting).where(Setting.key == _key(user_id)))
            session.add(
                Setting(
                    key=_key(user_id),
                    value={"secret": _digest(secret)},
                    answered_by=user_id,
                    answered_at=self._clock.now(),
                )
            )
            self._note(session, user_id, "issue_calendar_token")
        return f"{user_id}.{secret}"

    def revoke(self, user_id: int) -> bool:
        """Make the account's address stop working; return whether there was one."""
        with self._database.write() as session:
            row = session.get(Setting, _key(user_id))
            if row is None:
                return False
            session.delete(row)
            self._note(session, user_id, "revoke_calendar_token")
            return True

    def issued_at(self, user_id: int) -> datetime | None:
        """Return when the account's address was made, or None where there is none."""
        with self._database.read() as session:
            row = session.get(Setting, _key(user_id))
            return None if row is None else row.answered_at

    def user_id(self, token: str) -> int | None:
        """Return whose feed ``token`` opens, or None: wrong, revoked, or of an account no longer active."""
        number, _, secret = token.partition(".")
        if len(token) > LONGEST_TOKEN or not (number.isascii() and number.isdecimal() and possible(int(number))):
            return None
        with self._database.read() as session:
            row, user = session.get(Setting, _key(int(number))), session.get(User, int(number))
            if row is None or user is None or not user.active:
                return None
            return user.id if hmac.compare_digest(str(row.value.get("secret")), _digest(secret)) else None

    def _note(self, session: Session, user_id: int, action: str) -> None:
        audit.record(session, self._clock.now(), user_id, audit.Action(action, "user", user_id))


def _key(user_id: int) -> str:
    return f"calendar:{user_id}"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
