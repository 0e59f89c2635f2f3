"""Inserting many rows of one table quickly: what SQLAlchemy does for each row is done once for all.

SQLite gets tuples for one prepared statement. PostgreSQL gets all rows as one JSON parameter, which is one statement
and one answer instead of one for each row: Python writes a float's shortest text that reads back as the same float.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from numbers import Integral
from typing import Any

from sqlalchemy import Dialect, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from engage.storage.insert import insert_new
from engage.storage.tables import Base

AT_ONCE = 5_000
"""Rows in one parameter: some 3 MB of samples."""

Row = dict[str, Any]
Processor = Callable[[Any], Any]


def insert_many(session: Session, table: type[Base], rows: Sequence[Row]) -> None:
    """Insert ``rows``, which all have the same columns, as ``insert_new`` does: a taken key is left as it is.

    The columns are numbers, texts, times, days and documents; those that the rows lack may stay unset. A row that the
    database refuses raises, as there; what JSON cannot hold (NaN) is refused in PostgreSQL too.
    """
    if len(rows) < 2:
        insert_new(session, table, list(rows))
        return
    target = table.__table__
    if not isinstance(target, Table):
        raise TypeError(f"{table.__name__} is not a plain table")
    connection, names = session.connection(), tuple(rows[0])
    if connection.dialect.name == "postgresql":
        statement = _from_json(target, names)
        for first in range(0, len(rows), AT_ONCE):
            connection.exec_driver_sql(statement, (json.dumps(rows[first : first + AT_ONCE], default=_plain),))
        return
    prepared = _prepared(target, names)
    connection.exec_driver_sql(prepared.statement, prepared.parameters(rows))


@dataclass(frozen=True, slots=True)
class _Prepared:
    statement: str
    processors: tuple[tuple[int, Processor], ...]

    def parameters(self, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        made = []
        for row in rows:
            values = list(row.values())
            for place, processor in self.processors:
                values[place] = processor(values[place])
            made.append(tuple(values))
        return made


@cache
def _prepared(table: Table, names: tuple[str, ...]) -> _Prepared:
    dialect: Dialect = sqlite.dialect()
    columns = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" for _ in names)
    found = (
        (place, table.c[name].type.dialect_impl(dialect).bind_processor(dialect)) for place, name in enumerate(names)
    )
    processors = tuple((place, processor) for place, processor in found if processor is not None)
    statement = f"INSERT INTO {table.name} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608 (our names)
    return _Prepared(statement, processors)


@cache
def _from_json(table: Table, names: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    rows = f"json_populate_recordset(NULL::{table.name}, %s::json)"
    return f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {rows} ON CONFLICT DO NOTHING"  # noqa: S608


def _plain(value: Any) -> str | int:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone; pass aware times")
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Integral):  # of NumPy
        return int(value)
    raise TypeError(f"{type(value).__name__} does not belong in a row")
