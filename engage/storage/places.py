"""Where a restored database is made ready beside the present one, and how it takes its place, all at once."""

from __future__ import annotations

import os
import secrets
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, text

from engage.errors import StorageError
from engage.storage import postgres_programs
from engage.storage.database import Database

IN_USE = "is in use; stop what has it open ('engage serve': Ctrl-C) and try again. Nothing was changed."
WAIT_MS = 2000
CLIENTS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = :name AND backend_type = 'client backend'")


class Place(Protocol):
    """The present database of one engine, and room beside it. A failure on the way leaves the present one alone."""

    def folder(self) -> AbstractContextManager[Path]:
        """Give a private folder for the unpacked copy, removed at the end."""

    def held(self) -> AbstractContextManager[None]:
        """Refuse where another program has the database open, by StorageError; where possible let none open it."""

    def beside(self, content: Path) -> AbstractContextManager[Database]:
        """Give a database made from ``content``, which is removed at the end, unless ``swap`` has put it in place."""

    def swap(self) -> None:
        """Put the database made ``beside``, to which no connection is open, in the place of the present one."""


def place_of(database: Database) -> Place:
    """Return the place of ``database``, of which no connection may be open."""
    return SqlitePlace(database) if database.sqlite else PostgresPlace(database)


class SqlitePlace:
    """A file. It is held by SQLite's own exclusive lock, and replaced by one rename."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._staged: Path | None = None

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Give a folder beside the file: what lies there can be renamed to it."""
        file = self._database.file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=file.parent, prefix=".engage-restore-") as folder:
                yield Path(folder)
        except OSError as error:
            raise StorageError(f"The database {file} cannot be replaced ({error.strerror or error}).") from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the file by an exclusive lock; a damaged one cannot be locked, and is replaced all the same."""
        file = self._database.file
        if not file.exists():
            yield
            return
        with closing(sqlite3.connect(file, timeout=WAIT_MS / 1000, isolation_level=None)) as connection:
            try:
                # Leaving WAL mode is possible for the only connection, and folds the log into the file.
                connection.execute("PRAGMA journal_mode = delete").fetchone()
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                    raise StorageError(f"The database {file} {IN_USE}") from error
                raise StorageError(f"The database {file} cannot be replaced ({error}).") from error
            except sqlite3.DatabaseError:
                pass  # damaged: there is nothing to hold, and that is why a backup is restored
            yield

    @contextmanager
    def beside(self, content: Path) -> Iterator[Database]:
        """Give the database that ``content`` is."""
        self._staged = content
        database = Database(f"sqlite:///{content}")
        try:
            yield database
        finally:
            database.close()

    def swap(self) -> None:
        """Rename the file made ready, all its rows in it."""
        file, staged = self._database.file, self._staged
        if staged is None:
            raise ValueError("nothing was made beside it")
        with closing(sqlite3.connect(staged)) as connection:
            connection.execute("PRAGMA journal_mode = delete")  # so that all of it is in the one file
        with staged.open("rb") as stream:
            os.fsync(stream.fileno())
        for log in (file.with_name(file.name + "-wal"), file.with_name(file.name + "-shm")):
            log.unlink(missing_ok=True)  # only of a damaged one: a log must not meet another file
        os.replace(staged, file)  # noqa: PTH105 (replaces a file that is there)


class PostgresPlace:
    """A database of a server. Another is made beside it, and takes its name in one transaction: two are renamed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._name = str(database.address.database)
        self._aside = f"{self._name[:40]}_restoring_{secrets.token_hex(4)}"
        self._swapped = False

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Give a folder among the temporary ones."""
        with tempfile.TemporaryDirectory(prefix="engage-restore-") as folder:
            yield Path(folder)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Refuse where anybody is connected. The renaming refuses those who come later."""
        with self._server() as connection:
            until = time.monotonic() + WAIT_MS / 1000  # a connection just closed, ours too, is seen a moment longer
            while connection.execute(CLIENTS, {"name": self._name}).scalar():
                if time.monotonic() > until:
                    raise StorageError(f"The database {self._database.name} {IN_USE}")
                connection.exec_driver_sql("SELECT pg_sleep(0.05)")
        yield

    @contextmanager
    def beside(self, content: Path) -> Iterator[Database]:
        """Give a new database of the server, filled from ``content``."""
        url = self._database.address.set(database=self._aside)
        with self._server() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {_quoted(self._aside)} TEMPLATE template0{self._locale()}")
        database = Database(url.render_as_string(hide_password=False))
        try:
            postgres_programs.load(url, content)
            yield database
        finally:
            database.close()
            with self._server() as connection:
                left = f"{self._aside}_old" if self._swapped else self._aside
                connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {_quoted(left)}")

    def swap(self) -> None:
        """Rename both in one transaction; the old one is dropped at the end of ``beside``."""
        present, aside, old = (_quoted(name) for name in (self._name, self._aside, f"{self._aside}_old"))
        with self._server() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                if self._exists(connection):
                    connection.exec_driver_sql(f"ALTER DATABASE {present} RENAME TO {old}")
                connection.exec_driver_sql(f"ALTER DATABASE {aside} RENAME TO {present}")
            except Exception as error:
                connection.exec_driver_sql("ROLLBACK")
                if getattr(getattr(error, "orig", None), "sqlstate", None) == "55006":  # a program has come meanwhile
                    raise StorageError(f"The database {self._database.name} {IN_USE}") from error
                raise
            connection.exec_driver_sql("COMMIT")
        self._swapped = True

    def _exists(self, connection: Connection) -> bool:
        query = text("SELECT 1 FROM pg_database WHERE datname = :name")
        return connection.execute(query, {"name": self._name}).first() is not None

    def _locale(self) -> str:
        """Return the clause that gives the new database the present one's encoding and sorting."""
        query = text(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = :name"
        )
        with self._server() as connection:
            found = connection.execute(query, {"name": self._name}).first()
        if found is None:
            return ""
        encoding, collate, ctype = (str(value).replace("'", "''") for value in found)
        return f" ENCODING '{encoding}' LC_COLLATE '{collate}' LC_CTYPE '{ctype}'"

    @contextmanager
    def _server(self) -> Iterator[Connection]:
        """Give a connection to the server's own database, without transaction."""
        engine = _autocommitting(self._database.address.set(database="postgres"))
        try:
            with self._database.translated(), engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()


def _autocommitting(url: URL) -> Engine:
    return create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool, connect_args={"connect_timeout": 5})


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'
