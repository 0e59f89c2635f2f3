"""Where the school is and what may be inferred: the settings first, then the answer given at first run."""

from __future__ import annotations

from pathlib import Path

from engage.config import Settings
from engage.core.policy import Jurisdiction
from engage.core.types import Mode
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.records import SetupRecord

SQLITE = "sqlite:///"


def rules_in_force(settings: Settings, answer: SetupRecord | None) -> tuple[Jurisdiction | None, Mode | None]:
    """Return jurisdiction and mode as asked for, each None where neither the settings nor ``answer`` say."""
    policy = settings.policy
    if policy.jurisdiction is not None:
        jurisdiction: Jurisdiction | None = Jurisdiction(policy.jurisdiction)
    else:
        jurisdiction = None if answer is None else answer.jurisdiction
    return jurisdiction, policy.mode or (None if answer is None else answer.mode)


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
