"""The write side of samples: one transaction per batch."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.protocols import Clock, Store
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import GestureEvent, ScoredSample, SourceStatus
from engage.errors import StorageError
from engage.storage.bulk import insert_many
from engage.storage.database import Database
from engage.storage.insert import insert_new
from engage.storage.rollups import marks_of
from engage.storage.rows import event_row, gesture_row, sample_row, score_row
from engage.storage.tables import Base, GestureRow, RollupMark, SampleRow, ScoreRow, ScoringVersion, SourceEvent

log = logging.getLogger(__name__)

Rows = list[tuple[type[Base], list[dict[str, Any]]]]


class SqlStore(Store):
    """Writes samples, scores, gestures and source states.

    A row that was written before is left as it is. A row whose session or student does not exist, or that breaks a
    constraint, is refused with one logged line per batch; the rest of the batch is committed.
    """

    def __init__(self, database: Database, scoring: ScoringSettings | None = None, clock: Clock | None = None) -> None:
        """Use ``database``; the numbers of ``scoring`` are stored beside its first score. ``clock`` is for tests."""
        self._database = database
        self._scoring = scoring
        self._clock = clock or SystemClock()
        self._version_ids: dict[str, int] = {}

    def write(
        self,
        samples: Sequence[ScoredSample],
        gestures: Sequence[GestureEvent] = (),
        statuses: Sequence[SourceStatus] = (),
    ) -> None:
        """Commit all of it, or raise StorageError having committed nothing."""
        versions = self._ids({scored.scoring_version for scored in samples})
        rows: Rows = [
            (SampleRow, [sample_row(scored.sample) for scored in samples]),
            (ScoreRow, [score_row(scored, versions[scored.scoring_version]) for scored in samples]),
            (GestureRow, [gesture_row(gesture) for gesture in gestures]),
            (SourceEvent, [event_row(status) for status in statuses]),
            (RollupMark, marks_of((scored.sample for scored in samples), gestures)),
        ]
        try:
            with self._database.write() as session:
                for table, values in rows:
                    insert_many(session, table, values)
        except StorageError as error:
            if not isinstance(error.__cause__, IntegrityError | DataError):
                raise
            self._write_singly(rows)

    def _write_singly(self, rows: Rows) -> None:
        """Commit the rows that the database takes, in one transaction, and log how many it does not."""
        refused = 0
        reason = ""
        with self._database.write() as session:
            for table, values in rows:
                for value in values:
                    try:
                        with session.begin_nested():
                            insert_new(session, table, [value])
                    except (IntegrityError, DataError) as error:
                        refused += 1
                        reason = reason or f"{table.__tablename__}: {str(error.orig).splitlines()[0]}"
        log.error("rows refused count=%d first=%r", refused, reason)

    def _ids(self, names: set[str]) -> dict[str, int]:
        """Return the row id of each scoring version; new ones are added, and all are remembered."""
        if not names <= self._version_ids.keys():
            with self._database.write() as session:
                for name in sorted(names - self._version_ids.keys()):
                    self._add_version(session, name)
                found = session.scalars(select(ScoringVersion).where(ScoringVersion.name.in_(names)))
                added = {version.name: version.id for version in found}
            self._version_ids |= added
        return self._version_ids

    def _add_version(self, session: Session, name: str) -> None:
        known = self._scoring is not None and self._scoring.version == name
        settings = asdict(self._scoring) if known and self._scoring else None
        insert_new(session, ScoringVersion, [{"name": name, "settings": settings, "created_at": self._clock.now()}])
        if settings is not None:  # also where its scores came before its settings
            unexplained = ScoringVersion.name == name, ScoringVersion.settings.is_(None)
            session.execute(update(ScoringVersion).where(*unexplained).values(settings=settings))
