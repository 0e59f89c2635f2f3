"""Accounts, and the one-time token that makes the first administrator."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.errors import RequestError
from engage.storage import audit, entries
from engage.storage.database import Database
from engage.storage.records import Role, UserRecord
from engage.storage.tables import SetupToken, User

TOKEN_BYTES = 32


class Accounts:
    """Users as the sign-in pages need them. Passwords arrive hashed; how is not this module's business."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def count_users(self) -> int:
        """Return the number of accounts, inactive ones included."""
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(User)) or 0

    def create_user(self, email: str, name: str, password_hash: str, role: Role) -> UserRecord:
        """Return the new account; RequestError where the address is taken, empty or has no @."""
        with self._database.write() as session:
            return self._create(session, User(email=email, name=name, password_hash=password_hash, role=role.value))

    def user(self, user_id: int) -> UserRecord | None:
        """Return an account, active or not."""
        with self._database.read() as session:
            user = session.get(User, user_id) if entries.possible(user_id) else None
            return None if user is None else _record(user)

    def user_by_email(self, email: str) -> UserRecord | None:
        """Return the account with this address, in any case, active or not."""
        try:
            address = entries.email(email)
        except RequestError:
            return None
        with self._database.read() as session:
            user = session.scalar(select(User).where(User.email == address))
            return None if user is None else _record(user)

    def password_hash(self, user_id: int) -> str | None:
        """Return the stored hash, or None where there is no such user or no password."""
        with self._database.read() as session:
            return session.scalar(select(User.password_hash).where(User.id == user_id))

    def issue_setup_token(self, lifetime_s: float) -> str:
        """Return a new token, URL-safe, this once: only its SHA-256 is stored. Older unused tokens stop working."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        now = self._clock.now()
        with self._database.write() as session:
            session.execute(
                update(SetupToken)
                .where(SetupToken.used_at.is_(None), SetupToken.revoked_at.is_(None))
                .values(revoked_at=now)
            )
            expires_at = now + timedelta(seconds=lifetime_s)
            session.add(SetupToken(token_hash=_digest(token), created_at=now, expires_at=expires_at))
            audit.record(session, now, None, audit.Action("issue_setup_token", "setup_token", None))
        return token

    def setup_token_valid(self, token: str) -> bool:
        """Return whether ``token`` would be taken now."""
        with self._database.read() as session:
            return session.scalar(select(SetupToken.id).where(self._usable(token))) is not None

    def redeem_setup_token(self, token: str, email: str, name: str, password_hash: str) -> UserRecord:
        """Return the new administrator; RequestError where the token is wrong, used, revoked or expired.

        Token and account change in one transaction: one token makes one administrator, however often it is sent.
        """
        with self._database.write() as session:
            taken = session.scalar(
                update(SetupToken).where(self._usable(token)).values(used_at=self._clock.now()).returning(SetupToken.id)
            )
            if taken is None:
                raise RequestError("This link has been used or has expired; start the program again for a new one.")
            user = User(email=email, name=name, password_hash=password_hash, role=Role.ADMIN.value)
            return self._create(session, user)

    def _create(self, session: Session, user: User) -> UserRecord:
        user.email, user.name = entries.email(user.email), entries.given(user.name, "a name")
        user.active, user.created_at = True, self._clock.now()
        try:
            with session.begin_nested():
                session.add(user)
        except IntegrityError:
            raise RequestError("There is an account with this e-mail address already.") from None
        action = audit.Action("create_user", "user", user.id, {"role": user.role})
        audit.record(session, user.created_at, user.id, action)
        return _record(user)

    def _usable(self, token: str) -> ColumnElement[bool]:
        return and_(
            SetupToken.token_hash == _digest(token),
            SetupToken.used_at.is_(None),
            SetupToken.revoked_at.is_(None),
            SetupToken.expires_at > self._clock.now(),
        )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _record(user: User) -> UserRecord:
    return UserRecord(
        id=user.id,
        email=user.email,
        name=user.name,
        role=Role(user.role),
        student_id=user.student_id,
        active=user.active,
    )
