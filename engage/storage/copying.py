"""A whole database copied into an empty one, of the other kind or the same: SQLite to PostgreSQL, and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.orm import Session

from engage.errors import StorageError
from engage.storage import next_ids
from engage.storage.bulk import insert_many
from engage.storage.database import Database
from engage.storage.migrate import upgrade
from engage.storage.tables import Base

AT_ONCE = 2_000
CHECKSUM_BYTES = 8

OnProgress = Callable[[str, int, int], None]
"""Called with the table, the rows done and the rows of all tables."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A table as it was copied: how many rows, and a checksum over them that no order or engine changes."""

    table: str
    rows: int
    checksum: str


def copy(source: Database, target: Database, on_progress: OnProgress = lambda *_: None) -> list[Copied]:
    """Copy all rows of ``source`` to ``target``, in one transaction, and return what each table came to.

    What is read is one state of ``source``; what is written meanwhile is missing. The target gets this program's
    tables where it has none. Before the commit each table is read back: row count and checksum must agree. Ids that
    were given and deleted are not given again. StorageError, the target's rows as before, where the source is not of
    this program's version, the target holds a row, or a table differs.
    """
    source.verify()
    target.open()
    if target.schema_state() == "empty":
        upgrade(target)
    target.check()
    with _one_state(source) as reading, target.write() as writing:
        _refuse_rows(writing.connection(), target)
        total = sum(_count(reading.connection(), table) for table in Base.metadata.sorted_tables)
        copied: list[Copied] = []
        for table in Base.metadata.sorted_tables:
            progress = partial(_add_progress, on_progress, table.name, sum(each.rows for each in copied), total)
            sent = _send(reading, writing, table, progress)
            arrived = _tally(table, _batches(writing.connection(), table))
            if sent != arrived:
                raise StorageError(
                    f"The table {table.name} came out otherwise than it was ({sent.rows} rows read, {arrived.rows} "
                    f"written, checksums {sent.checksum} and {arrived.checksum}); nothing was copied."
                )
            next_ids.follow(writing.connection(), table, next_ids.last_given(reading.connection(), table))
            copied.append(sent)
    return copied


def _add_progress(on_progress: OnProgress, table: str, before: int, total: int, rows: int) -> None:
    on_progress(table, before + rows, total)


@contextmanager
def _one_state(database: Database) -> Iterator[Session]:
    with database.read() as session:
        if not database.sqlite:
            session.connection().exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield session


def _refuse_rows(connection: Connection, target: Database) -> None:
    for table in Base.metadata.sorted_tables:
        if connection.execute(select(1).select_from(table).limit(1)).first():
            raise StorageError(
                f"The database {target.name} is not empty ({table.name} holds rows); give one that is new."
            )


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _batches(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    query = select(table).order_by(*table.primary_key.columns)
    with connection.execute(query, execution_options={"yield_per": AT_ONCE}) as result:
        for part in result.mappings().partitions():
            yield [dict(row) for row in part]


def _send(reading: Session, writing: Session, table: Table, on_rows: Callable[[int], None]) -> Copied:
    mapped = next(mapper.class_ for mapper in Base.registry.mappers if mapper.local_table is table)

    def sent() -> Iterator[list[dict[str, Any]]]:
        done = 0
        for rows in _batches(reading.connection(), table):
            insert_many(writing, mapped, rows)
            yield rows
            done += len(rows)
            on_rows(done)

    return _tally(table, sent())


def _tally(table: Table, batches: Iterable[list[dict[str, Any]]]) -> Copied:
    """Return count and checksum: the sum of the rows' digests, since texts sort otherwise in another engine."""
    count = total = 0
    for rows in batches:
        count += len(rows)
        total += sum(_digest(row) for row in rows)
    return Copied(table.name, count, f"{total % 2 ** (8 * CHECKSUM_BYTES):0{2 * CHECKSUM_BYTES}x}")


def _digest(row: dict[str, Any]) -> int:
    text = json.dumps({name: _comparable(value) for name, value in row.items()}, sort_keys=True)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=CHECKSUM_BYTES).digest())


def _comparable(value: Any) -> Any:
    """Return a value as both engines give it: PostgreSQL keeps the numbers of a document as decimals."""
    if isinstance(value, date):  # or a time
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _comparable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_comparable(each) for each in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) < 2**53 or isinstance(value, float) else value
    return value
