"""The language each account chose for its pages."""

from __future__ import annotations

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.storage.database import Database
from engage.storage.entries import possible
from engage.storage.tables import Setting


class Languages:
    """One answer for each account; none where it never chose."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def of(self, user_id: int) -> str | None:
        """Return the code the account chose, such as ``de``, or None."""
        with self._database.read() as session:
            row = session.get(Setting, _key(user_id)) if possible(user_id) else None
            return None if row is None else str(row.value.get("language"))

    def choose(self, user_id: int, code: str) -> None:
        """Store the account's choice in place of an earlier one."""
        now = self._clock.now()
        with self._database.write() as session:
            value = {"language": code}
            session.merge(Setting(key=_key(user_id), value=value, answered_by=user_id, answered_at=now))


def _key(user_id: int) -> str:
    return f"language:{user_id}"
