"""What the database's own errors mean, in one clear line."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError, TimeoutError

from engage.errors import StorageError

SQLITE_TEXTS = {
    "SQLITE_BUSY": "is locked by another program; close what else has it open, or try again",
    "SQLITE_LOCKED": "is locked by another program; close what else has it open, or try again",
    "SQLITE_FULL": "cannot grow: the disk is full; make room and try again",
    "SQLITE_READONLY": "cannot be written: the file or its folder is read-only; change its permissions",
    "SQLITE_CANTOPEN": "cannot be opened; check that its folder exists and that you may write there",
    "SQLITE_PERM": "may not be opened by this user; change its permissions",
    "SQLITE_NOTADB": "is not a SQLite database; give another file as database.url",
    "SQLITE_CORRUPT": "is damaged; restore a backup",
    "SQLITE_IOERR": "cannot be read or written: the disk reports an error",
}

POSTGRES_TEXTS = {
    "53100": "cannot grow: its disk is full; make room and try again",
    "53300": "has no connection left; raise max_connections or stop other programs",
    "25006": "cannot be written: it is read-only",
    "55P03": "is locked by another program; try again",
    "57014": "took too long to answer; try again",
    "28P01": "refuses the user name or password in database.url",
    "28000": "refuses the user in database.url",
    "3D000": "does not exist; create it, or give another in database.url",
    "42501": "does not let this user do that; grant it the rights on the database",
    "42P01": "lacks a table; run 'engage db upgrade'",
    "42703": "lacks a column; run 'engage db upgrade'",
}

NO_ANSWER = "timeout expired"
"""What libpq says of a connection that takes too long, and ``patience`` of an answer."""

SILENT = "does not answer; check that the server runs and the address is right"


def shown(url: URL) -> str:
    """Return the database's name for messages: the file, or the address without its password."""
    if url.get_backend_name() == "sqlite":
        return f"The database {url.database}"
    return f"The database {url.render_as_string(hide_password=True)}"


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn the database's errors inside the block into StorageError; the original stays as its cause."""
    try:
        yield
    except TimeoutError as error:
        raise StorageError(f"{shown(url)} has no free connection; try again.") from error
    except DBAPIError as error:
        raise StorageError(f"{shown(url)} {_text(error)}.") from error
    except SQLAlchemyError as error:
        raise StorageError(f"{shown(url)} cannot be used ({_first_line(error)}).") from error


def silent(error: BaseException | None) -> bool:
    """Return whether the cause of a StorageError is a server that said nothing."""
    return isinstance(error, DBAPIError) and NO_ANSWER in str(error.orig)


def _text(error: DBAPIError) -> str:
    original = error.orig
    if isinstance(error, IntegrityError):
        return f"refuses the row ({_first_line(original)})"
    if isinstance(original, sqlite3.Error):
        return _sqlite_text(original)
    state = getattr(original, "sqlstate", None)
    if state in POSTGRES_TEXTS:
        return POSTGRES_TEXTS[state]
    if state is None or state.startswith("08") or error.connection_invalidated:
        return _unreachable_text(str(original))
    return f"reports an error ({_first_line(original)})"


def _unreachable_text(reason: str) -> str:
    """Return the line for a server that cannot be reached; libpq tells these cases apart only in words."""
    if "password authentication failed" in reason:
        return POSTGRES_TEXTS["28P01"]
    if "does not exist" in reason and "database" in reason:
        return POSTGRES_TEXTS["3D000"]
    return SILENT if NO_ANSWER in reason else "cannot be reached; check that the server runs and the address is right"


def _sqlite_text(original: sqlite3.Error) -> str:
    name = getattr(original, "sqlite_errorname", "") or ""
    text = next((text for known, text in SQLITE_TEXTS.items() if name.startswith(known)), None)
    if text is None and str(original).startswith(("no such table", "no such column")):
        return "lacks a table or column; run 'engage db upgrade'"
    return text or f"reports an error ({_first_line(original)})"


def _first_line(error: BaseException | None) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
