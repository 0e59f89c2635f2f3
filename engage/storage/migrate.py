"""Schema changes, by Alembic, each call in one transaction: it is done whole or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from engage.errors import StorageError
from engage.storage import revisions
from engage.storage.database import Database

LOCK_KEY = 0x656E6761_6765  # "engage"
LOCK_TIMEOUT_S = 60.0
_one_at_a_time = threading.Lock()
"""Alembic keeps the migration it is at in a global."""


def upgrade(database: Database) -> None:
    """Bring the tables up to this program, in one transaction; two programs may do so at once."""

    def steps(connection: Connection, config: Config) -> None:
        if revisions.state(connection) == "newer":
            raise StorageError(
                f"The database {database.name} was written by a newer version of this program; install that version."
            )
        command.upgrade(config, "head")

    _migrate(database, steps)


def downgrade(database: Database, revision: str) -> None:
    """Take the tables back to ``revision`` (``base``: none at all), in one transaction. Data of dropped tables is lost.

    StorageError where there is no such revision.
    """
    _migrate(database, lambda _, config: command.downgrade(config, revision))


def _migrate(database: Database, steps: Callable[[Connection, Config], None]) -> None:
    database.open()
    config = revisions.alembic_config()
    with _one_at_a_time, database.translated(), _exclusive(database) as connection:
        config.attributes["connection"] = connection
        try:
            steps(connection, config)
        except CommandError as error:
            raise StorageError(f"The database {database.name} cannot be migrated: {error}.") from error


@contextmanager
def _exclusive(database: Database) -> Iterator[Connection]:
    """Give a connection in a transaction that no other migration shares; whoever comes second waits."""
    engine = database.new_engine(migrating=True)
    try:
        with engine.connect().execution_options(engage_write=True) as connection, connection.begin():
            if not database.sqlite:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S:.0f}s'")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")
            yield connection
            if database.sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise StorageError(f"The database {database.name} would hold dangling rows; nothing was changed.")
    finally:
        engine.dispose()
