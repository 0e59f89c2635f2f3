"""Schema changes, by Alembic."""

from __future__ import annotations

from engage.storage.database import Database


def upgrade(database: Database) -> None:
    """Bring the tables up to this program, in one transaction; two programs may do so at once."""
    raise NotImplementedError


def downgrade(database: Database, revision: str) -> None:
    """Take the tables back to ``revision`` (``base``: none at all), in one transaction."""
    raise NotImplementedError
