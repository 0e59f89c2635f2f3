"""What a session has stored, as the alert rules look at it: played again after a restart, and for a preview."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from engage.core.rules.student import NEGATIVE, Reading, level_of
from engage.core.types import Reason, SourceStatus
from engage.storage.database import Database
from engage.storage.rows import source_status
from engage.storage.selects import newest_score, same_sample
from engage.storage.tables import PROBABILITIES, SampleRow, ScoreRow, SourceEvent

STRIDE = timedelta(seconds=120)
"""Readings are fetched so many at a time: no transaction is long, and few are in memory."""
COLUMNS = (
    SampleRow.student_id,
    SampleRow.captured_at,
    SampleRow.duration_s,
    SampleRow.face_share,
    SampleRow.lids_closed_share,
    ScoreRow.value,
    ScoreRow.reason,
    cast(ScoreRow.terms, String),
    *(getattr(SampleRow, PROBABILITIES[k]) for k in NEGATIVE),
)
_terms = msgspec.json.Decoder(dict[str, float]).decode


def readings(database: Database, session_id: int, since_second: int = 0) -> Iterator[list[Reading | SourceStatus]]:
    """Yield what a session has stored from a second on, in order of time and in pieces."""
    with database.read() as session:
        states = select(SourceEvent).where(SourceEvent.session_id == session_id).order_by(SourceEvent.at)
        statuses = [source_status(row) for row in session.scalars(states)]
        first, last = _span(session, session_id)
    if first is None or last is None:
        return
    start = max(first, datetime.fromtimestamp(since_second, UTC))
    while start <= last:
        end = start + STRIDE
        with database.read() as session:
            piece: list[Any] = [_reading(row) for row in session.connection().execute(_between(session_id, start, end))]
        yield [*piece, *(status for status in statuses if start <= status.at < end)]
        start = end


def _span(session: Session, session_id: int) -> tuple[datetime | None, datetime | None]:
    query = select(func.min(SampleRow.captured_at), func.max(SampleRow.captured_at))
    first, last = session.execute(query.where(SampleRow.session_id == session_id)).one()
    return None if first is None else first.replace(microsecond=0), last


def _between(session_id: int, start: datetime, end: datetime) -> Any:
    return (
        select(*COLUMNS)
        .join(ScoreRow, same_sample())
        .where(
            SampleRow.session_id == session_id,
            SampleRow.captured_at >= start,
            SampleRow.captured_at < end,
            newest_score(),
        )
        .order_by(SampleRow.captured_at, SampleRow.student_id)
    )


def _reading(row: Sequence[Any]) -> Reading:
    student_id, captured_at, duration_s, face_share, lids, value, reason, text, *negative = row
    terms = _terms(text)
    return Reading(
        student_id,
        captured_at.timestamp(),
        duration_s,
        face_share,
        level_of(value, terms),
        terms.get("drowsy", 0.0) > 0,
        reason == Reason.TOO_DARK,
        None if negative[0] is None else sum(negative),
        lids,
    )
