"""The connection to the database: SQLite in WAL mode, or PostgreSQL."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, NullPool, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from engage.config import Settings
from engage.errors import SettingsError, StorageError
from engage.storage import revisions
from engage.storage.engines import postgres_engine, sqlite_engine
from engage.storage.faults import SILENT, shown, silent, translated
from engage.storage.silence import Silence

SchemaState = Literal["empty", "old", "current", "newer"]


@dataclass(frozen=True, slots=True)
class Pool:
    """How many connections a process keeps, how many more it may open, and how long a thread waits for one."""

    size: int = 5
    extra: int = 15
    timeout_s: float = 10.0


DEFAULT_POOL = Pool()


class Database:
    """A database by its address: ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/NAME``.

    Cheap to create, one per process; after a fork the child gets connections of its own. ``write`` and ``read`` are
    for the other modules of this package: no session leaves it. A PostgreSQL server that says nothing for ``answer_s``
    while it should counts as away; meanwhile one thread at a time asks whether it is back, the others are told at once.
    """

    def __init__(
        self, url: str, busy_timeout_s: float = 5.0, pool: Pool = DEFAULT_POOL, answer_s: float | None = None
    ) -> None:
        """Remember the address; nothing is opened yet. SettingsError where the address cannot be understood."""
        self._url = _parsed(url)
        self._pool = pool
        self._answer_s = answer_s
        self._silence = Silence()
        self._busy_timeout_s = busy_timeout_s
        self._engine: Engine | None = None
        self._engine_pid = 0
        self._lock = threading.Lock()

    @classmethod
    def of(cls, settings: Settings, answer_s: float = inf) -> Database:
        """Return the database of the settings; who must not wait for an answer so long gives less ``answer_s``."""
        section = settings.database
        pool = Pool(section.pool_size, section.pool_extra, section.pool_timeout_s)
        return cls(settings.database_url, pool=pool, answer_s=min(answer_s, section.answer_within_s))

    @property
    def name(self) -> str:
        """Return the file or address for messages, without password."""
        return shown(self._url).removeprefix("The database ")

    @property
    def sqlite(self) -> bool:
        """Return whether this is a SQLite file."""
        return self._url.get_backend_name() == "sqlite"

    @property
    def address(self) -> URL:
        """Return the address, password included: for other programs, never for messages."""
        return self._url

    @property
    def file(self) -> Path:
        """Return the SQLite file."""
        return Path(self._url.database or "")

    @property
    def engine(self) -> Engine:
        """Return this process's engine, made on first use."""
        if self._engine_pid != os.getpid():  # new, or a fork: the parent may have held the lock, and uses its engine on
            self._lock = threading.Lock()
        with self._lock:
            if self._engine is not None and self._engine_pid != os.getpid():
                self._engine.dispose(close=False)
                self._engine = None
            if self._engine is None:
                self._engine, self._engine_pid = self.new_engine(), os.getpid()
            return self._engine

    def new_engine(self, migrating: bool = False) -> Engine:
        """Return another engine on this database; ``migrating``: without pool and without SQLite's foreign keys.

        (SQLite changes a table by making a new one; with foreign keys on, dropping the old one would empty others.)
        """
        kept = {"pool_size": self._pool.size, "max_overflow": self._pool.extra, "pool_timeout": self._pool.timeout_s}
        pool: dict[str, Any] = {"poolclass": NullPool} if migrating else kept
        if self.sqlite:
            return sqlite_engine(self._url, self._busy_timeout_s, not migrating, pool)
        return postgres_engine(self._url, self._busy_timeout_s, None if migrating else self._answer_s, pool)

    def open(self) -> None:
        """Connect; a SQLite file and its folder are made where missing. StorageError with one line."""
        if self.sqlite:
            self._prepare_file()
        with self.translated(), self.engine.connect() as connection:
            if not self.sqlite:
                return
            self._use_wal(connection)

    def close(self) -> None:
        """Let go of all connections; any number of times."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose(close=self._engine_pid == os.getpid())
                self._engine = None

    def ask(self) -> None:
        """Raise StorageError unless the database answers now."""
        with self.translated(), self._connected() as connection:
            connection.exec_driver_sql("SELECT 1")

    def schema_state(self) -> SchemaState:
        """Return how the tables stand to this program."""
        with self.translated(), self.engine.connect() as connection:
            return revisions.state(connection)

    def check(self) -> None:
        """Raise StorageError, saying what to do, unless the tables are those of this program."""
        match self.schema_state():
            case "empty":
                raise StorageError(f"{shown(self._url)} has no tables yet; run 'engage db upgrade'.")
            case "old":
                raise StorageError(f"{shown(self._url)} is older than this program; run 'engage db upgrade'.")
            case "newer":
                raise StorageError(
                    f"{shown(self._url)} was written by a newer version of this program; install that version, "
                    "or give another database.url."
                )

    def verify(self) -> None:
        """Raise StorageError unless the database exists, is undamaged and has this program's tables. Makes nothing."""
        if self.sqlite and not self.file.is_file():
            raise StorageError(f"{shown(self._url)} does not exist yet; run 'engage db upgrade'.")
        self.open()
        self.check()
        if self.sqlite:
            with self.translated(), self.engine.connect() as connection:
                found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
                if found != "ok" or connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise StorageError(f"{shown(self._url)} is damaged ({found}); restore a backup.")

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session in a transaction that may write; it commits at the end, or rolls back on an error."""
        with self._session(write=True) as session:
            yield session

    @contextmanager
    def overwrite(self) -> Iterator[Session]:
        """Give a session as ``write`` does, in which SQLite fills with zeros what is deleted: it is not just unlinked.

        (PostgreSQL frees such space when it vacuums; see there for its log and backups.)
        """
        with self._session(write=True) as session:
            if self.sqlite:
                session.connection().exec_driver_sql("PRAGMA secure_delete = ON")
            yield session
            if self.sqlite:
                session.flush()
                session.connection().exec_driver_sql("PRAGMA secure_delete = OFF")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that sees one state of the database and writes nothing."""
        with self._session(write=False) as session:
            yield session

    @contextmanager
    def _session(self, write: bool) -> Iterator[Session]:
        with self.translated(), self._connected() as connection:
            connection = connection.execution_options(engage_write=write)
            with Session(connection, expire_on_commit=False) as session, session.begin():
                yield session

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with self._silence.turn() as may_ask:
            if not may_ask:
                raise StorageError(f"{shown(self._url)} {SILENT}.")
            connection = self.engine.connect()
        with connection:
            yield connection

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the database's errors inside the block into StorageError."""
        try:
            with translated(self._url):
                yield
        except StorageError as error:
            if silent(error.__cause__):
                self._silence.begin()
            raise

    def _prepare_file(self) -> None:
        file = self.file
        try:
            if not file.parent.is_dir():
                file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The folder {file.parent} of the database cannot be made ({error.strerror}); "
                "give another in database.url."
            ) from error
        if file.is_dir():
            raise StorageError(f"The database {file} is a folder; give a file in database.url.")
        if not file.exists() and _may_write(file.parent):
            file.touch(mode=0o600)  # it holds names; SQLite gives its side files the same rights
        if not _may_write(file.parent) or (file.exists() and not _may_write(file)):
            raise StorageError(
                f"The database {file} cannot be written: the file or its folder is read-only; "
                "change its permissions, or give another in database.url."
            )

    def _use_wal(self, connection: Connection) -> None:
        """Switch the file to write-ahead logging, so that readers never wait; the file remembers it."""
        raw = connection.connection.dbapi_connection
        cursor = raw.cursor()  # type: ignore[union-attr]  # an open connection has one
        try:
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                mode = cursor.execute("PRAGMA journal_mode = wal").fetchone()[0]
                if mode != "wal":
                    raise StorageError(f"{shown(self._url)} lies where SQLite cannot use WAL; use a local disk.")
        finally:
            cursor.close()


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _parsed(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise SettingsError(
            "database.url cannot be understood; write sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME."
        ) from None
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        if not url.database or ":memory:" in url.database:
            raise SettingsError("database.url names no file, and several processes need one: write sqlite:///PATH.")
        return url
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    raise SettingsError(f"database.url begins with '{url.drivername}'; use sqlite:/// or postgresql://.")
