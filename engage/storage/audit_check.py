"""Reading the audit log: its chain recomputed row by row, and its rows listed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from engage.errors import StorageError
from engage.storage.audit import FIRST_HASH, row_hash
from engage.storage.database import Database
from engage.storage.tables import AuditEntry

ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A row of the audit log: ``actor_id`` did ``action`` to the object ``(kind, object_id)``."""

    id: int
    at: datetime
    actor_id: int | None
    action: str
    kind: str
    object_id: int | None
    details: str


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain found whole: how many rows, and the newest row's hash (64 zeros where there is none)."""

    rows: int
    newest: str


def verify_chain(database: Database, known: str | None = None) -> Chain:
    """Return the chain, recomputed from the first row on. StorageError names the first row at which it breaks.

    A chain cannot tell by itself that its newest rows were taken off: ``known`` is a hash noted down earlier, and a
    chain that no longer holds it is an error too.
    """
    previous, rows, known_found = FIRST_HASH, 0, known in (None, FIRST_HASH)
    with database.read() as session:
        for entry in _in_order(session):
            if entry.prev_hash != previous:
                raise StorageError(
                    f"The audit log is broken at row {entry.id}: it does not follow the row before it, so rows were "
                    "taken out, put in or re-ordered there; compare with a backup."
                )
            if row_hash(entry) != entry.hash:
                raise StorageError(
                    f"The audit log is broken at row {entry.id}: its content was altered; compare with a backup."
                )
            previous, rows = entry.hash, rows + 1
            known_found = known_found or entry.hash == known
    if not known_found:
        raise StorageError(
            f"The audit log's {rows} rows are chained, but none has the hash {known}: rows were taken off its end; "
            "compare with a backup."
        )
    return Chain(rows, previous)


def _in_order(session: Session) -> Iterator[AuditEntry]:
    """Yield all rows by id, page by page: a cursor would stay open where the reader stops at a broken row."""
    query = select(AuditEntry).order_by(AuditEntry.id).limit(ROWS_AT_ONCE)
    page = session.scalars(query).all()
    while page:
        yield from page
        last = page[-1].id
        session.expunge_all()
        page = session.scalars(query.where(AuditEntry.id > last)).all()


def newest_records(database: Database, limit: int) -> list[AuditRecord]:
    """Return the newest ``limit`` rows, oldest first."""
    with database.read() as session:
        found = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit))
        records = [
            AuditRecord(row.id, row.at, row.actor_id, row.action, row.object_type, row.object_id, row.details)
            for row in found
        ]
    return records[::-1]
