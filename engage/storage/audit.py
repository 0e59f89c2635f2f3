"""The audit log: what was done, by whom, to what. Ids only, no names; each row is chained to the one before."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engage.storage.database import Database
from engage.storage.tables import AuditEntry

FIRST_HASH = "0" * 64
"""What the first row names as its predecessor."""
LOCK_KEY = 0x656E6761_6175  # "engaau"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing done: ``name`` to the object ``(kind, id)``; ``details`` holds ids and choices, never names."""

    name: str
    kind: str
    id: int | None
    details: dict[str, Any] = field(default_factory=dict)


def record(session: Session, at: datetime, actor_id: int | None, action: Action) -> None:
    """Append ``action`` in the caller's transaction."""
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        session.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_KEY})"))
    newest = select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)
    entry = AuditEntry(
        at=at,
        actor_id=actor_id,
        action=action.name,
        object_type=action.kind,
        object_id=action.id,
        details=json.dumps(action.details, sort_keys=True, separators=(",", ":")),
        prev_hash=session.scalar(newest) or FIRST_HASH,
    )
    entry.hash = row_hash(entry)
    session.add(entry)
    session.flush()


def note(database: Database, at: datetime, actor_id: int | None, action: Action) -> None:
    """Append ``action`` by itself, where nothing else is written: something was handed out."""
    with database.write() as session:
        record(session, at, actor_id, action)


def origin(session: Session) -> str | None:
    """Return the hash of the first row, by which a database knows its own backups; None where there is none."""
    return session.scalar(select(AuditEntry.hash).order_by(AuditEntry.id).limit(1))


def row_hash(entry: AuditEntry) -> str:
    """Return the SHA-256 over a row and its predecessor's hash, in hexadecimal."""
    parts = [
        entry.prev_hash,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor_id,
        entry.action,
        entry.object_type,
        entry.object_id,
        entry.details,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
