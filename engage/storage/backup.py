"""A backup: one file (a ZIP) with a copy of the database, and what it is: schema, time, size, checksum."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from alembic.runtime.migration import MigrationContext

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.errors import StorageError
from engage.storage import postgres_programs
from engage.storage.database import Database

FORMAT = 1
MANIFEST, CONTENT = "manifest.json", "database"
AT_ONCE = 1 << 20
LONGEST_MANIFEST = 1 << 16


BROKEN = (
    zipfile.BadZipFile, KeyError, IndexError, TypeError, ValueError, EOFError, RuntimeError, NotImplementedError,
    struct.error, zlib.error,
)  # fmt: skip
"""What Python's reader makes of damaged archives."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. ``engine`` is ``sqlite`` or ``postgresql``; ``made_at`` lies before its state."""

    format: int
    engine: str
    revision: str
    made_at: datetime
    size: int
    sha256: str


def back_up(database: Database, file: Path, replace: bool = False, clock: Clock | None = None) -> Manifest:
    """Write the state of ``database`` to ``file`` (mode 0600), while others read and write on.

    Written aside and renamed: whoever looks finds the whole backup, or what was there before. StorageError where
    ``file`` is there (but for ``replace``), cannot be written, or the database has no tables or is damaged.
    """
    if file.is_dir() or (file.exists() and not replace):
        raise StorageError(f"{file} is there already; give --yes to replace it, or another name.")
    made_at = (clock or SystemClock()).now()
    revision = _revision(database)
    with _folder_beside(file) as folder:
        content = folder / CONTENT
        if database.sqlite:
            _copy_sqlite(database, content)
        else:
            postgres_programs.dump(database.address, content)
        manifest = Manifest(
            FORMAT, database.engine.dialect.name, revision, made_at, content.stat().st_size, _sha256(content)
        )
        whole = folder / "whole"
        _pack(content, manifest, whole)
        os.replace(whole, file)  # noqa: PTH105 (replaces a file that is there)
    return manifest


def read_manifest(file: Path) -> Manifest:
    """Return what the backup ``file`` says of itself. StorageError where it is no backup, or of a newer format."""
    with _opened(file) as archive:
        given = json.loads(archive.open(MANIFEST).read(LONGEST_MANIFEST))
        if given["format"] != FORMAT:
            raise StorageError(f"{file} was made by another version of this program; install that version.")
        return Manifest(**{**given, "made_at": datetime.fromisoformat(given["made_at"])})


def unpack(file: Path, manifest: Manifest, target: Path) -> None:
    """Write the copy in the backup ``file`` to ``target``. StorageError where it is not what ``manifest`` says."""
    with _opened(file) as archive, archive.open(CONTENT) as packed, target.open("xb") as plain:
        target.chmod(0o600)
        shutil.copyfileobj(packed, plain, AT_ONCE)
    if target.stat().st_size != manifest.size or _sha256(target) != manifest.sha256:
        raise StorageError(f"{file} is damaged: its checksum is wrong; take another backup. Nothing was changed.")


def _revision(database: Database) -> str:
    if database.sqlite and not database.file.is_file():
        raise StorageError(f"The database {database.name} does not exist, so there is nothing to back up.")
    database.open()
    with database.translated(), database.engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        raise StorageError(f"The database {database.name} has no tables, so there is nothing to back up.")
    return revision


@contextmanager
def _folder_beside(file: Path) -> Iterator[Path]:
    """Give a private folder on the same disk as ``file``, removed at the end."""
    try:
        with tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".engage-backup-") as folder:
            yield Path(folder)
    except OSError as error:
        raise StorageError(f"{file} cannot be written ({error.strerror}); give another name.") from error


def _copy_sqlite(database: Database, target: Path) -> None:
    """Copy by SQLite's online backup, in one step: one state, and in WAL mode no writer waits; then look it through."""
    target.touch(mode=0o600)
    try:
        with database.translated(), database.engine.connect() as connection, closing(sqlite3.connect(target)) as copy:
            cast(sqlite3.Connection, connection.connection.dbapi_connection).backup(copy)
            copy.execute("PRAGMA journal_mode = delete")  # one file, without write-ahead log
            found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise StorageError(f"The database {database.name} cannot be copied ({error}).") from error
    if found != "ok":
        raise StorageError(f"The database {database.name} is damaged ({found}); restore a backup.")


def _pack(content: Path, manifest: Manifest, target: Path) -> None:
    about = json.dumps({**asdict(manifest), "made_at": manifest.made_at.isoformat()}, indent=2)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(MANIFEST, about)
            archive.write(content, CONTENT)
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except BROKEN as error:
        raise StorageError(f"{file} is no backup of this program, or damaged. Nothing was changed.") from error
    except OSError as error:
        raise StorageError(f"The backup {file} cannot be read ({error.strerror}).") from error


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
