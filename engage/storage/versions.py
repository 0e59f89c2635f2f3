"""Scoring versions: the settings behind stored scores, by the name the scores carry."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import or_, select, update

from engage.config import Settings
from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.core.scoring_settings import ScoringSettings
from engage.errors import SettingsError
from engage.scoring_file import find_scoring, to_scoring
from engage.storage.database import Database
from engage.storage.insert import insert_new
from engage.storage.tables import ScoringVersion


class ScoringVersions:
    """Reads and registers scoring versions; a version is never changed. StorageError where the database fails."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def names(self) -> list[str]:
        """Return the names of all versions, the oldest first."""
        with self._database.read() as session:
            return list(session.scalars(select(ScoringVersion.name).order_by(ScoringVersion.id)))

    def settings(self, name: str) -> dict[str, Any] | None:
        """Return the settings of the version ``name``, else of the newest whose own name that is; None where none."""
        version = ScoringVersion
        own = version.name.like(f"{_literal(name)}-__________", escape="\\")
        query = (
            select(version.settings)
            .where(or_(version.name == name, own), version.settings.is_not(None))
            .order_by((version.name == name).desc(), version.id.desc())
            .limit(1)
        )
        with self._database.read() as session:
            found: dict[str, Any] | None = session.scalar(query)
            return found

    def register(self, scoring: ScoringSettings) -> None:
        """Store the settings under their version's name; what is there already stays as it is."""
        version, values = ScoringVersion, asdict(scoring)
        row = {"name": scoring.version, "settings": values, "created_at": self._clock.now()}
        with self._database.write() as session:
            insert_new(session, version, [row])
            unexplained = version.name == scoring.version, version.settings.is_(None)
            session.execute(update(version).where(*unexplained).values(settings=values))


def named_scoring(name_or_file: str, settings: Settings, database: Database | None) -> ScoringSettings:
    """Return the scoring settings of a file, a name or a version stored in ``database``; SettingsError where none."""
    found = find_scoring(name_or_file, settings)
    if found is not None:
        return found
    stored = ScoringVersions(database).settings(name_or_file) if database is not None else None
    if stored is None:
        raise SettingsError(
            f"There is no scoring '{name_or_file}': neither a file, nor a name, nor a version in the database."
        )
    return to_scoring(stored, f"the stored version {name_or_file}")


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
