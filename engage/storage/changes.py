"""One transaction that changes something, with its line in the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from engage.core.protocols import Clock
from engage.storage import audit
from engage.storage.database import Database


@dataclass(frozen=True, slots=True)
class Change:
    """One transaction that changes something: its session, its time and who asked for it."""

    session: Session
    now: datetime
    user_id: int | None

    def record(self, action: str, kind: str, row_id: int | None, /, **details: Any) -> None:
        """Append to the audit log."""
        audit.record(self.session, self.now, self.user_id, audit.Action(action, kind, row_id, details))


@contextmanager
def changing(database: Database, clock: Clock, user_id: int | None) -> Iterator[Change]:
    """Give a change; it commits at the end, or rolls back on an error. ``user_id`` is for the audit log."""
    with database.write() as session:
        yield Change(session, clock.now(), user_id)
