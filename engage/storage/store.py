"""The write side of samples: one transaction per batch."""

from __future__ import annotations

from collections.abc import Sequence

from engage.core.protocols import Store
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import GestureEvent, ScoredSample, SourceStatus
from engage.storage.database import Database


class SqlStore(Store):
    """Writes samples, scores, gestures and source states.

    A row that was written before is left as it is. A row whose session or student does not exist, or that breaks a
    constraint, is refused with one logged line per batch; the rest of the batch is committed.
    """

    def __init__(self, database: Database) -> None:
        """Use ``database``."""
        self._database = database

    def register(self, settings: ScoringSettings) -> None:
        """Store the numbers behind ``settings.version``, so that old scores stay explained."""
        raise NotImplementedError

    def write(
        self,
        samples: Sequence[ScoredSample],
        gestures: Sequence[GestureEvent] = (),
        statuses: Sequence[SourceStatus] = (),
    ) -> None:
        """Commit all of it, or raise StorageError having committed nothing."""
        raise NotImplementedError
