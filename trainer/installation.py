"""The installation's database, for the commands of the trainer, where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engage.config import Settings
from engage.storage.database import Database

SQLITE = "sqlite:///"


@contextmanager
def existing_database(settings: Settings) -> Iterator[Database | None]:
    """Give the installation's database, or None where it has not been made yet; none is made."""
    url = settings.database_url
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).is_file():
        yield None
        return
    database = Database(url)
    try:
        database.open()
        database.check()
        yield database
    finally:
        database.close()
