"""Accounts, and the one-time token that makes the first administrator."""

from __future__ import annotations

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.storage.database import Database
from engage.storage.records import Role, UserRecord


class Accounts:
    """Users as the sign-in pages need them. Passwords arrive hashed; how is not this module's business."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def count_users(self) -> int:
        """Return the number of accounts, inactive ones included."""
        raise NotImplementedError

    def create_user(self, email: str, name: str, password_hash: str, role: Role) -> UserRecord:
        """Return the new account; RequestError where the address is taken, empty or has no @."""
        raise NotImplementedError

    def user(self, user_id: int) -> UserRecord | None:
        """Return an account, active or not."""
        raise NotImplementedError

    def user_by_email(self, email: str) -> UserRecord | None:
        """Return the account with this address, in any case, active or not."""
        raise NotImplementedError

    def password_hash(self, user_id: int) -> str | None:
        """Return the stored hash, or None where there is no such user or no password."""
        raise NotImplementedError

    def issue_setup_token(self, lifetime_s: float) -> str:
        """Return a new token, URL-safe, this once: only its SHA-256 is stored. Older unused tokens stop working."""
        raise NotImplementedError

    def setup_token_valid(self, token: str) -> bool:
        """Return whether ``token`` would be taken now."""
        raise NotImplementedError

    def redeem_setup_token(self, token: str, email: str, name: str, password_hash: str) -> UserRecord:
        """Return the new administrator; RequestError where the token is wrong, used, revoked or expired.

        Token and account change in one transaction: one token makes one administrator, however often it is sent.
        """
        raise NotImplementedError
