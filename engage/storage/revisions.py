"""Which schema revisions this program knows, and which one a database has."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from engage.errors import StorageError
from engage.storage.tables import Base

FOLDER = Path(__file__).resolve().parents[2] / "migrations"
"""Beside the package ``engage``, in a checkout as in an installation."""


def alembic_config() -> Config:
    """Return Alembic's settings; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@cache
def known() -> tuple[str, frozenset[str]]:
    """Return the newest revision, and all of them."""
    script = ScriptDirectory.from_config(alembic_config())
    head = script.get_current_head()
    if head is None:
        raise StorageError(f"There are no migrations in {FOLDER}; install the program again.")
    return head, frozenset(revision.revision for revision in script.walk_revisions())


def state(connection: Connection) -> Literal["empty", "old", "current", "newer"]:
    """Return how the tables behind ``connection`` stand to this program.

    StorageError where they are another program's.
    """
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        ours = set(Base.metadata.tables) & set(inspect(connection).get_table_names())
        if ours:
            raise StorageError(f"The database holds tables of another program ({min(ours)}); give another.")
        return "empty"
    head, all_revisions = known()
    if revision == head:
        return "current"
    return "old" if revision in all_revisions else "newer"
