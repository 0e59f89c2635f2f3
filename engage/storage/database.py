"""The connection to the database: SQLite in WAL mode, or PostgreSQL."""

from __future__ import annotations

from typing import Literal

SchemaState = Literal["empty", "old", "current", "newer"]


class Database:
    """A database by its address: ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/NAME``.

    Cheap to create, one per process; after a fork the child gets connections of its own.
    """

    def __init__(self, url: str, busy_timeout_s: float = 5.0) -> None:
        """Remember the address; nothing is opened yet. SettingsError where the address cannot be understood."""
        self.url = url

    def open(self) -> None:
        """Connect; a SQLite file and its folder are made where missing. StorageError with one line."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of all connections; any number of times."""
        raise NotImplementedError

    def schema_state(self) -> SchemaState:
        """Return how the tables stand to this program."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise StorageError, saying what to do, unless the tables are those of this program."""
        raise NotImplementedError
