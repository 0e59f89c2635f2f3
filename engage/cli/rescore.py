"""``engage rescore``: score a stored session again with other settings, beside the scores it has."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import click

from engage.config import Settings
from engage.errors import RequestError

if TYPE_CHECKING:
    from engage.core.scoring_settings import ScoringSettings
    from engage.core.types import ScoredSample
    from engage.storage.database import Database

BATCH = 2000


@click.command()
@click.argument("session_id", metavar="SESSION", type=int)
@click.option("--scoring", "name_or_file", metavar="NAME|FILE", help="Settings to score with; those in force if none.")
@click.pass_obj
def rescore(settings: Settings, session_id: int, name_or_file: str | None) -> None:
    """Score the stored session number SESSION again; the scores it has are kept beside the new ones.

    What was stored of the session decides, so the same settings give the same numbers. Pages and reports show the
    scores of the version that was made last.
    """
    from engage.storage.database import Database
    from engage.storage.scores import Scores
    from engage.storage.versions import named_scoring

    database = Database.of(settings)
    try:
        database.open()
        database.check()
        scoring = named_scoring(name_or_file, settings, database) if name_or_file else settings.scoring
        _must_have_ended(database, session_id)
        scores = Scores(database)
        before = scores.versions(session_id)
        score_session(database, session_id, scoring)
        after = scores.versions(session_id)
    finally:
        database.close()
    new = after.get(scoring.version, 0) - before.get(scoring.version, 0)
    others = ", ".join(name for name in before if name != scoring.version)
    if new:
        click.echo(f"Session {session_id}: {new} seconds scored by {scoring.version}, kept beside {others or 'none'}.")
    else:
        click.echo(f"Session {session_id} was scored by {scoring.version} before; nothing was changed.")


def score_session(database: Database, session_id: int, scoring: ScoringSettings) -> None:
    """Score all students of a session, one after the other, and commit; scores of this version stay as they are."""
    from engage.core.scoring import score_all
    from engage.core.types import ScoredSample
    from engage.storage.queries import Queries
    from engage.storage.scores import Scores
    from engage.storage.store import SqlStore

    queries, store = Queries(database), SqlStore(database, scoring)
    for student_id in Scores(database).students(session_id):
        samples = queries.student_samples(session_id, student_id)
        scores = score_all(samples, scoring, queries.student_gestures(session_id, student_id))
        scored = (ScoredSample(*pair, scoring.version) for pair in zip(samples, scores, strict=True))
        for batch in _batches(scored):
            store.write(batch)


def _must_have_ended(database: Database, session_id: int) -> None:
    from engage.storage.queries import Queries
    from engage.storage.records import SessionState

    lesson = Queries(database).session(session_id)
    if lesson is None:
        raise RequestError(f"There is no session {session_id}; its number stands in the address of its page.")
    if lesson.state is SessionState.RUNNING:
        raise RequestError(f"Session {session_id} is still running; end it first, then score it again.")
    if lesson.reduced_at is not None:
        raise RequestError(
            f"The seconds of session {session_id} were reduced to minutes on {lesson.reduced_at:%Y-%m-%d} "
            "(retention.samples_days), so it cannot be scored again."
        )


def _batches(scored: Iterator[ScoredSample]) -> Iterator[list[ScoredSample]]:
    while batch := list(islice(scored, BATCH)):
        yield batch
