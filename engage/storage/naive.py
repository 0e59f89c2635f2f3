"""The naive way to write a sample: objects of the mapper, one commit each. ``engage bench store`` compares with it."""

from __future__ import annotations

from sqlalchemy import select

from engage.core.types import ScoredSample
from engage.storage.database import Database
from engage.storage.rows import sample_row, score_row
from engage.storage.tables import SampleRow, ScoreRow, ScoringVersion


def write_singly(database: Database, scored: ScoredSample, version: str) -> None:
    """Write one new sample and its score in a transaction of their own; ``version`` must be known."""
    with database.write() as session:
        version_id = session.scalars(select(ScoringVersion.id).where(ScoringVersion.name == version)).one()
        session.add(SampleRow(**sample_row(scored.sample)))
        session.flush()
        session.add(ScoreRow(**score_row(scored, version_id)))
