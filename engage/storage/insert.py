"""Inserting rows that may be there already."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from engage.storage.tables import Base


def insert_new(session: Session, table: type[Base], rows: list[dict[str, Any]]) -> None:
    """Insert ``rows``, leaving as they are those whose primary or unique key is taken; one statement for all."""
    if not rows:
        return
    target = table.__table__
    if not isinstance(target, Table):
        raise TypeError(f"{table.__name__} is not a plain table")
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(postgresql.insert(target).on_conflict_do_nothing(), rows)
    else:
        session.connection().execute(sqlite.insert(target).on_conflict_do_nothing(), rows)
