"""New passwords by one-time link.

Who asks by the page leaves the address, known or not, in one row, and learns nothing: neither the answer nor its time
depends on whether there is an account. The sender's process looks the address up seconds later, and writes the letter.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.notices import LETTERS, NoticeKind
from engage.core.protocols import Clock
from engage.errors import RequestError
from engage.storage import accounts, audit, entries, letters, links, sign_ins
from engage.storage.database import Database
from engage.storage.records import UserRecord
from engage.storage.tables import AccountLink, LinkKind, ResetRequest, User

LIFETIME = LETTERS[NoticeKind.PASSWORD_RESET]
AGAIN_AFTER = timedelta(minutes=5)
"""How soon an account gets another letter: nobody's letter box is filled by someone else."""
MOST_WAITING = 1000
STALE_AFTER = timedelta(hours=1)
GONE = "This link has been used or has expired; ask for a new one."


class Resets:
    """Each method is one transaction; RequestError with a line for the page where something may not be."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def request(self, email: str) -> None:
        """Note that somebody wants a new password for ``email``; RequestError where that cannot be an address."""
        address = entries.email(email)
        with self._database.write() as session:
            if (session.scalar(select(func.count()).select_from(ResetRequest)) or 0) < MOST_WAITING:
                session.add(ResetRequest(email=address, asked_at=self._clock.now()))

    def answer(self) -> int:
        """Write a letter to each active account among the addresses that wait; return to how many."""
        now = self._clock.now()
        with self._database.read() as session:
            if session.scalar(select(ResetRequest.id).limit(1)) is None:  # as a rule: then nothing is locked
                return 0
        with self._database.write() as session:
            taken = delete(ResetRequest).returning(ResetRequest.email, ResetRequest.asked_at)
            asked = {email for email, asked_at in session.execute(taken) if asked_at > now - STALE_AFTER}
            known = session.scalars(select(User).where(User.email.in_(asked), User.active, ~_told_since(now))).all()
            for user in known:
                link = _new_link(session, user.id, None, now)
                letters.enqueue(session, link, now)
                audit.record(session, now, None, audit.Action("issue_reset", "user", user.id, {"mailed": True}))
            return len(known)

    def issue(self, user_id: int, by: int | None) -> str:
        """Return a token for an active account's new password, this once; its earlier links stop working."""
        now = self._clock.now()
        with self._database.write() as session:
            user = accounts.require(session, user_id)
            if not user.active:
                raise RequestError("This account is switched off; switch it on first.")
            link = _new_link(session, user_id, by, now)
            token, link.token_hash = links.new_token()
            audit.record(session, now, by, audit.Action("issue_reset", "user", user_id, {"mailed": False}))
            return token

    def address(self, token: str) -> str | None:
        """Return the address of the account that ``token`` gives a new password now, or None."""
        with self._database.read() as session:
            link = links.find(session, LinkKind.RESET, token, self._clock.now())
            user = None if link is None else session.get(User, link.user_id)
            return user.email if user is not None and user.active else None

    def redeem(self, token: str, password_hash: str) -> UserRecord:
        """Return the account with its new password, all its sessions ended; RequestError where the token opens none."""
        now = self._clock.now()
        with self._database.write() as session:
            link = links.spend(session, LinkKind.RESET, token, now)
            user = None if link is None else session.get(User, link.user_id)
            if user is None or not user.active:
                raise RequestError(GONE)
            user.password_hash = password_hash
            accounts.end_sessions_of(user)
            links.revoke(session, now, AccountLink.user_id == user.id, AccountLink.kind == LinkKind.RESET.value)
            sign_ins.forgive(session, user.email)
            audit.record(session, now, user.id, audit.Action("reset_password", "user", user.id))
            return accounts.record(user)

    def forget(self, before: datetime) -> int:
        """Delete links of either kind that expired before then, and return how many."""
        with self._database.write() as session:
            old = delete(AccountLink).where(AccountLink.expires_at < before).returning(AccountLink.id)
            return len(session.scalars(old).all())


def _told_since(now: datetime) -> ColumnElement[bool]:
    recent = AccountLink.user_id == User.id, AccountLink.created_at > now - AGAIN_AFTER
    return exists().where(AccountLink.kind == LinkKind.RESET.value, AccountLink.made_by.is_(None), *recent)


def _new_link(session: Session, user_id: int, by: int | None, now: datetime) -> AccountLink:
    links.revoke(session, now, AccountLink.user_id == user_id, AccountLink.kind == LinkKind.RESET.value)
    link = AccountLink(
        kind=LinkKind.RESET.value, user_id=user_id, made_by=by, created_at=now, expires_at=now + LIFETIME
    )
    session.add(link)
    session.flush()
    return link
