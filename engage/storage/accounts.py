"""Accounts, and the one-time token that makes the first administrator."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.errors import RequestError
from engage.storage import audit, entries, links
from engage.storage.database import Database
from engage.storage.records import Role, UserRecord
from engage.storage.tables import AccountLink, SetupToken, User

STAMP_BYTES = 16


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
            user = User(email=email, name=name, password_hash=password_hash, role=role.value)
            return add(session, user, self._clock.now())

    def user(self, user_id: int) -> UserRecord | None:
        """Return an account, active or not."""
        with self._database.read() as session:
            user = session.get(User, user_id) if entries.possible(user_id) else None
            return None if user is None else record(user)

    def user_by_email(self, email: str) -> UserRecord | None:
        """Return the account with this address, in any case, active or not."""
        try:
            address = entries.email(email)
        except RequestError:
            return None
        with self._database.read() as session:
            user = session.scalar(select(User).where(User.email == address))
            return None if user is None else record(user)

    def password_hash(self, user_id: int) -> str | None:
        """Return the stored hash, or None where there is no such user or no password."""
        with self._database.read() as session:
            return session.scalar(select(User.password_hash).where(User.id == user_id))

    def everyone(self) -> list[UserRecord]:
        """Return all accounts, the active ones first, then by name."""
        with self._database.read() as session:
            rows = session.scalars(select(User).order_by(User.active.desc(), func.lower(User.name), User.id))
            return [record(user) for user in rows]

    def rename(self, user_id: int, name: str) -> UserRecord:
        """Return the account with another name."""
        with self._database.write() as session:
            user = require(session, user_id)
            user.name = entries.given(name, "a name")
            return self._changed(session, user, user_id, "rename_user")

    def set_password(self, user_id: int, password_hash: str) -> UserRecord:
        """Return the account with its own choice of password; all its sessions end."""
        with self._database.write() as session:
            user = require(session, user_id)
            user.password_hash = password_hash
            end_sessions_of(user)
            return self._changed(session, user, user_id, "change_password")

    def end_sessions(self, user_id: int) -> UserRecord:
        """Return the account with all its sessions ended."""
        with self._database.write() as session:
            user = require(session, user_id)
            end_sessions_of(user)
            return self._changed(session, user, user_id, "end_sessions")

    def set_active(self, user_id: int, active: bool, by: int) -> UserRecord:
        """Switch an account on, or off with all its sessions and links; nothing of it is deleted."""
        with self._database.write() as session:
            user = self._of_somebody_else(session, user_id, by)
            if user.active == active:
                return record(user)
            user.active = active
            if not active:
                end_sessions_of(user)
                links.revoke(session, self._clock.now(), AccountLink.user_id == user_id)
                _check_led(session)
            return self._changed(session, user, by, "activate_user" if active else "deactivate_user")

    def set_role(self, user_id: int, role: Role, by: int) -> UserRecord:
        """Make a teacher an administrator, or the other way; a student's account stays one."""
        with self._database.write() as session:
            user = self._of_somebody_else(session, user_id, by)
            if Role.STUDENT in (Role(user.role), role):
                raise RequestError("A student's account stays a student's; invite them again for another role.")
            if user.role == role:
                return record(user)
            user.role = role.value
            _check_led(session)
            return self._changed(session, user, by, "change_role", role=role.value)

    def issue_setup_token(self, lifetime_s: float) -> str:
        """Return a new token, URL-safe, this once: only its SHA-256 is stored. Older unused tokens stop working."""
        token, token_hash = links.new_token()
        now = self._clock.now()
        with self._database.write() as session:
            session.execute(
                update(SetupToken)
                .where(SetupToken.used_at.is_(None), SetupToken.revoked_at.is_(None))
                .values(revoked_at=now)
            )
            expires_at = now + timedelta(seconds=lifetime_s)
            session.add(SetupToken(token_hash=token_hash, created_at=now, expires_at=expires_at))
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
            return add(session, user, self._clock.now())

    def _of_somebody_else(self, session: Session, user_id: int, by: int) -> User:
        if user_id == by:
            raise RequestError("Another administrator has to do that for you.")
        return require(session, user_id)

    def _changed(self, session: Session, user: User, by: int, action: str, **details: str) -> UserRecord:
        audit.record(session, self._clock.now(), by, audit.Action(action, "user", user.id, details))
        return record(user)

    def _usable(self, token: str) -> ColumnElement[bool]:
        return and_(
            SetupToken.token_hash == links.digest(token),
            SetupToken.used_at.is_(None),
            SetupToken.revoked_at.is_(None),
            SetupToken.expires_at > self._clock.now(),
        )


def add(session: Session, user: User, now: datetime) -> UserRecord:
    """Return the new account, active from ``now`` on; RequestError where its address or name cannot be.

    In the caller's transaction.
    """
    user.email, user.name = entries.email(user.email), entries.given(user.name, "a name")
    user.active, user.created_at = True, now
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError:
        raise RequestError("There is an account with this e-mail address already.") from None
    action = audit.Action("create_user", "user", user.id, {"role": user.role})
    audit.record(session, user.created_at, user.id, action)
    return record(user)


def require(session: Session, user_id: int) -> User:
    """Return the account's row, locked for this transaction; RequestError where there is none."""
    user = session.get(User, user_id, with_for_update=True) if entries.possible(user_id) else None
    if user is None:
        raise RequestError("There is no such account.")
    return user


def end_sessions_of(user: User) -> None:
    """Make every cookie that was handed out for this account worthless."""
    user.session_stamp = secrets.token_hex(STAMP_BYTES)


def record(user: User) -> UserRecord:
    """Return a row as the record that leaves this package."""
    return UserRecord(
        id=user.id,
        email=user.email,
        name=user.name,
        role=Role(user.role),
        student_id=user.student_id,
        active=user.active,
        session_stamp=user.session_stamp,
        signed_in_at=user.signed_in_at,
    )


def _check_led(session: Session) -> None:
    """Raise RequestError where no active administrator would be left; of two at once, the second sees the first."""
    session.flush()
    leading = select(User.id).where(User.role == Role.ADMIN.value, User.active).order_by(User.id).with_for_update()
    if not session.scalars(leading).all():
        raise RequestError("One administrator at least has to stay.")
