"""The answer given at first run to where the school is and what may be inferred (see ``core.policy``)."""

from __future__ import annotations

from pathlib import Path

from engage.config import Settings
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.records import SetupRecord

SQLITE = "sqlite:///"


def stored_answer(settings: Settings) -> SetupRecord | None:
    """Return the answer given at first run, or None where there is no database yet; none is made."""
    url = settings.database_url
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).is_file():
        return None
    database = Database(url)
    database.open()
    try:
        if database.schema_state() == "empty":
            return None
        database.check()
        return Classroom(database).setup()
    finally:
        database.close()
