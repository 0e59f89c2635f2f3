"""What every page needs at hand: settings, the database's two sides, passwords, and the policy in force."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from engage.config import Settings
from engage.core.clock import SystemClock
from engage.core.policy import Decision, Jurisdiction, capped_mode, decide, rules_in_force
from engage.core.protocols import Clock
from engage.core.types import Mode
from engage.storage.accounts import Accounts
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.feedback import FeedbackBook
from engage.storage.queries import Queries
from engage.storage.records import RosterEntry, UserRecord

EXTENSION = "engage"


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """Where the school is and what may be inferred: the settings file, where it says so, else the stored answer."""

    jurisdiction: Jurisdiction | None
    mode: Mode | None
    """As asked for; ``capped`` is what holds."""
    jurisdiction_fixed: bool
    mode_fixed: bool
    """True where the settings file decides and the page cannot."""

    @property
    def answered(self) -> bool:
        """Return whether both questions have an answer."""
        return self.jurisdiction is not None and self.mode is not None

    @property
    def capped(self) -> Mode | None:
        """Return the mode that holds, or None while a question is open."""
        if self.jurisdiction is None or self.mode is None:
            return None
        return capped_mode(self.jurisdiction, self.mode)

    def decide(self, entry: RosterEntry) -> Decision:
        """Return the gate's answer for one student."""
        return decide(self.jurisdiction, self.mode, entry.subject)


class Passwords:
    """Hashes and verifies by argon2id, the library's own parameters (RFC 9106, low memory)."""

    def __init__(self) -> None:
        """Take the library's parameters."""
        self._hasher = PasswordHasher()

    def hash(self, password: str) -> str:
        """Return the text to store."""
        return self._hasher.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """Return whether ``password`` is the one behind ``stored``; None is nobody's."""
        try:
            return self._hasher.verify(stored or _hash_of_nobody(), password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


@cache
def _hash_of_nobody() -> str:
    """Return a hash to compare with where there is no account, so that both cases take equally long."""
    return PasswordHasher().hash("no account has this password")


@dataclass(frozen=True, slots=True)
class Services:
    """The dashboard's way to everything behind it."""

    settings: Settings
    database: Database
    accounts: Accounts
    classroom: Classroom
    queries: Queries
    feedback: FeedbackBook
    passwords: Passwords
    clock: Clock

    @classmethod
    def on(cls, settings: Settings, database: Database) -> Services:
        """Return the services on an open database."""
        clock = SystemClock()
        return cls(
            settings=settings,
            database=database,
            accounts=Accounts(database),
            classroom=Classroom(database),
            queries=Queries(database),
            feedback=FeedbackBook(database),
            passwords=Passwords(),
            clock=clock,
        )

    def policy(self) -> PolicyInForce:
        """Return the policy in force; the settings file wins over the stored answer."""
        fixed, stored = self.settings.policy, self.classroom.setup()
        jurisdiction, mode = rules_in_force(fixed, stored)
        return PolicyInForce(
            jurisdiction=jurisdiction,
            mode=mode,
            jurisdiction_fixed=fixed.jurisdiction is not None,
            mode_fixed=fixed.mode is not None,
        )

    def sign_in(self, email: str, password: str) -> tuple[UserRecord | None, int | None]:
        """Return the active account with this address and password, or None, after the same time either way.

        The second is the id of the account that has the address, for the audit log.
        """
        user = self.accounts.user_by_email(email)
        stored = self.accounts.password_hash(user.id) if user else None
        matches = self.passwords.verify(stored, password)
        whose = None if user is None else user.id
        return (user if matches and user is not None and user.active else None), whose


def services() -> Services:
    """Return the services of the application at work."""
    return cast(Services, current_app.extensions[EXTENSION])
