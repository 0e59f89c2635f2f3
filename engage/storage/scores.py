"""Stored scores for whoever scores again or explains: who was seen, by which versions, and one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from engage.core.types import ScoredSample
from engage.storage.database import Database
from engage.storage.entries import possible, second
from engage.storage.rows import SCORED_COLUMNS, scored_sample
from engage.storage.selects import newest_score, same_sample
from engage.storage.tables import SampleRow, ScoreRow, ScoringVersion

AT_MOST_BEFORE_S = 5
"""A moment between two samples is explained by the one before it, if that is not older."""


@dataclass(frozen=True, slots=True)
class ExplainedSample:
    """A scored sample with the settings of its scoring version, None where they were never registered."""

    scored: ScoredSample
    settings: dict[str, Any] | None


class Scores:
    """Reads; raises StorageError where the database fails. What does not exist is None or empty."""

    def __init__(self, database: Database) -> None:
        """Use ``database``."""
        self._database = database

    def students(self, session_id: int) -> list[int]:
        """Return the ids of the students of whom a session has samples, archived ones too."""
        query = select(SampleRow.student_id).where(SampleRow.session_id == session_id).distinct()
        with self._database.read() as session:
            return sorted(session.scalars(query))

    def versions(self, session_id: int) -> dict[str, int]:
        """Return how many scores of a session each scoring version made, by its name, the oldest version first."""
        query = (
            select(ScoringVersion.name, func.count())
            .join(ScoreRow, ScoreRow.scoring_version_id == ScoringVersion.id)
            .where(ScoreRow.session_id == session_id)
            .group_by(ScoringVersion.id, ScoringVersion.name)
            .order_by(ScoringVersion.id)
        )
        with self._database.read() as session:
            return {name: int(n) for name, n in session.execute(query)}

    def of_student(self, session_id: int, student_id: int, since_second: int = 0) -> list[ScoredSample]:
        """Return a student's samples from ``since_second`` on in order of time, each by its newest scoring version."""
        if not possible(session_id) or not possible(student_id):
            return []
        here = SampleRow.session_id == session_id, SampleRow.student_id == student_id, newest_score()
        query = (
            select(*SCORED_COLUMNS)
            .join(ScoreRow, same_sample())
            .join(ScoringVersion, ScoringVersion.id == ScoreRow.scoring_version_id)
            .where(*here, SampleRow.second >= second(since_second))
            .order_by(SampleRow.second)
        )
        with self._database.read() as session:
            return [scored_sample(row) for row in session.execute(query)]

    def at(self, session_id: int, student_id: int, at: float | None = None) -> ExplainedSample | None:
        """Return a student's newest sample at ``at`` (Unix seconds) or at most five seconds before, None where none.

        Without ``at``, the student's newest sample of all. Its score is that of its newest scoring version.
        """
        if not possible(session_id) or not possible(student_id):
            return None
        here = [SampleRow.session_id == session_id, SampleRow.student_id == student_id, newest_score()]
        if at is not None:
            last = second(int(at))
            here += [SampleRow.second <= last, SampleRow.second > last - AT_MOST_BEFORE_S]
        query = (
            select(*SCORED_COLUMNS, ScoringVersion.settings)
            .join(ScoreRow, same_sample())
            .join(ScoringVersion, ScoringVersion.id == ScoreRow.scoring_version_id)
            .where(*here)
            .order_by(SampleRow.second.desc())
            .limit(1)
        )
        with self._database.read() as session:
            row = session.execute(query).first()
            return None if row is None else ExplainedSample(scored_sample(row[:-1]), row[-1])
