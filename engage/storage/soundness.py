"""Whether the database holds together: undamaged, this program's tables, no row without what it belongs to."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ForeignKeyConstraint, and_, exists, func, select
from sqlalchemy.orm import Session

from engage.errors import StorageError
from engage.storage.audit_check import verify_chain
from engage.storage.database import Database
from engage.storage.tables import Base

UNSOUND_IN_POSTGRES = (
    ("constraint", "SELECT conname FROM pg_constraint WHERE NOT convalidated ORDER BY conname"),
    ("index", "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1"),
)
"""What PostgreSQL knows to be not enforced, or half built."""


def check(database: Database) -> None:
    """Raise StorageError, naming the first thing found and what to do, unless everything holds. Makes nothing.

    The damage SQLite finds itself, the schema's revision, on both databases every foreign key (a sample without its
    session, a score without its sample …), and the chain of the audit log.
    """
    database.verify()
    if not database.sqlite:  # which has looked through its foreign keys itself
        with database.read() as session:
            for problem in _problems(session):
                raise StorageError(f"The database {database.name} is not sound: {problem}; restore a backup.")
    verify_chain(database)


def _problems(session: Session) -> Iterator[str]:
    """Yield what PostgreSQL has not looked through itself."""
    for kind, query in UNSOUND_IN_POSTGRES:
        for name in session.connection().exec_driver_sql(query).scalars():
            yield f"the {kind} {name} is not valid"
    for table in Base.metadata.sorted_tables:
        for key in sorted(table.foreign_key_constraints, key=lambda key: str(key.name)):
            count = _orphans(session, key)
            if count:
                yield f"{count} rows of {table.name} have no {key.referred_table.name}"


def _orphans(session: Session, key: ForeignKeyConstraint) -> int:
    """Return how many rows have a ``key`` that leads nowhere."""
    parent = key.referred_table.alias()
    pairs = [(element.parent, parent.c[element.column.name]) for element in key.elements]
    given = and_(*(column.is_not(None) for column, _ in pairs))
    found = exists(select(1).select_from(parent).where(*(column == other for column, other in pairs)))
    lonely = select(func.count()).select_from(key.table).where(given, ~found.correlate(key.table))
    return session.scalar(lonely) or 0
