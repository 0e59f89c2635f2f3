"""Alembic's entry: the tables are those of ``engage.storage``; the connection comes from ``engage.storage.migrate``.

Under Alembic's own command line (to write a new revision) the database is that of the settings.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from engage.storage.tables import Base


def run(connection: Connection) -> None:
    """Run the migrations in the transaction that ``connection`` is in, or in one of their own."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,  # true of SQLite too, since the program begins its own transactions
    )
    with context.begin_transaction():
        context.run_migrations()


def run_from_settings() -> None:
    """Run on the database of the settings."""
    from engage.config import load
    from engage.storage.database import Database

    database = Database(load().database_url)
    with database.engine.connect() as connection:
        run(connection)
    database.close()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    run_from_settings()
