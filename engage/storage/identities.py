"""Accounts at other sign-in services, bound to those here by an address the service has verified."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.errors import RequestError
from engage.storage import accounts, audit, entries
from engage.storage.database import Database
from engage.storage.invitations import Invitations
from engage.storage.records import UserRecord
from engage.storage.tables import Identity, User

SUBJECT_LENGTH = 255
"""OpenID Connect Core 1.0, section 2: a subject has at most 255 characters."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who somebody is, says a service: ``email`` is verified by it, or None."""

    issuer: str
    subject: str
    email: str | None
    name: str


class Identities:
    """Each method is one transaction; StorageError where the database fails."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def enter(self, claim: Claim) -> UserRecord | None:
        """Return the active account ``claim`` opens: known from before, else found or invited by its verified address.

        None for everybody else: a service's word makes no account that nobody here has asked for.
        """
        if not 0 < len(claim.subject) <= SUBJECT_LENGTH:
            return None
        with self._database.write() as session:
            known = Identity.issuer == claim.issuer, Identity.subject == claim.subject
            user_id = session.scalar(select(Identity.user_id).where(*known))
            user = None if user_id is None else session.get(User, user_id)
            if user is None and claim.email is not None:
                user = self._bind(session, claim, claim.email)
            return accounts.record(user) if user is not None and user.active else None

    def of(self, user_id: int) -> list[str]:
        """Return the issuers an account may sign in by."""
        query = select(Identity.issuer).where(Identity.user_id == user_id).order_by(Identity.id)
        with self._database.read() as session:
            return list(session.scalars(query))

    def _bind(self, session: Session, claim: Claim, email: str) -> User | None:
        try:
            address = entries.email(email)
        except RequestError:
            return None
        user = session.scalar(select(User).where(User.email == address))
        if user is None:
            name = " ".join(claim.name.split())[: entries.NAME_LENGTH] or address.partition("@")[0]
            made = Invitations(self._database, self._clock).accept_address(session, address, name)
            user = None if made is None else session.get_one(User, made.id)
        if user is None or not user.active:
            return None
        now = self._clock.now()
        session.add(Identity(user_id=user.id, issuer=claim.issuer, subject=claim.subject, created_at=now))
        audit.record(session, now, user.id, audit.Action("bind_identity", "user", user.id))
        return user
