"""Minutes counted from samples, scores and gestures: in the database where it can, in bulk where it cannot."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import CTE, ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from engage.core.gestures.kinds import GestureKind
from engage.core.tally import SUMS, Tally
from engage.core.types import Reason
from engage.storage.selects import newest_score, same_sample
from engage.storage.tables import (
    EMOTION_SECONDS,
    PROBABILITIES,
    GestureRow,
    MinuteRollup,
    SampleRow,
    ScoreRow,
    SessionRollup,
    Student,
)

AWAY_BELOW = 0.25
"""Attention under which a student counts as looking elsewhere: about 28 degrees off. Lasting downward looks, which may
be note-taking, have .3 (``scoring.downward_floor_after``) and count as attentive."""

SUMMED = (*SUMS, *EMOTION_SECONDS)
"""The columns that are plain sums."""


def minute_of(moment: datetime) -> int:
    """Return the Unix minute of a time."""
    return int(moment.timestamp() // 60)


def spans(minutes: Sequence[int]) -> list[tuple[int, int]]:
    """Return sorted ``minutes`` as stretches without a gap, first and last."""
    breaks = [k for k, (a, b) in enumerate(pairwise(minutes), 1) if b > a + 1]
    starts, ends = [0, *breaks], [*breaks, len(minutes)]
    return [(minutes[start], minutes[end - 1]) for start, end in zip(starts, ends, strict=True)]


def tally_columns(table: type[MinuteRollup | SessionRollup]) -> list[ColumnElement[Any]]:
    """Return the columns that ``tally`` reads."""
    return [getattr(table, name) for name in (*SUMMED, "gestures")]


def tally(row: Sequence[Any]) -> Tally:
    """Return the tally of a row of ``tally_columns``."""
    n = len(SUMS)
    values: list[Any] = [*row[:n], tuple(row[n:-1]), row[-1]]
    return Tally(*values)


def count(session: Session, session_id: int, minutes: list[int] | None) -> list[dict[str, Any]]:
    """Return the rows of ``MinuteRollup`` of a session, in ``minutes`` (sorted) or all, from what is stored now."""
    students = _students(session, session_id)
    if not students:
        return []
    rows: list[dict[str, Any]] = []
    for span in [None] if minutes is None else spans(minutes):
        gestures = _gestures(session, session_id, span)
        for student_id, minute, *sums in session.execute(_minutes(session_id, students, span)):
            row = {"session_id": session_id, "student_id": student_id, "minute": minute}
            row.update(zip(SUMMED, sums, strict=True))
            row["gestures"] = gestures.pop((student_id, minute), {})
            rows.append(row)
        for (student_id, minute), kinds in gestures.items():  # without a sample in that minute
            row = {"session_id": session_id, "student_id": student_id, "minute": minute, **dict.fromkeys(SUMMED, 0)}
            rows.append({**row, "gestures": kinds})
    return rows


def session_sums(session: Session, session_id: int) -> list[dict[str, Any]]:
    """Return the rows of ``SessionRollup``: the sums of the minutes there are now."""
    here = MinuteRollup.session_id == session_id
    columns = [func.sum(getattr(MinuteRollup, name)) for name in SUMMED]
    sums = session.execute(select(MinuteRollup.student_id, *columns).where(here).group_by(MinuteRollup.student_id))
    gestures: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for student_id, kinds in session.execute(select(MinuteRollup.student_id, MinuteRollup.gestures).where(here)):
        if kinds:
            gestures[student_id].update(kinds)
    return [
        {
            "session_id": session_id,
            "student_id": student_id,
            **dict(zip(SUMMED, values, strict=True)),
            "gestures": dict(gestures[student_id]) if student_id in gestures else {},
        }
        for student_id, *values in sums
    ]


def _students(session: Session, session_id: int) -> list[int]:
    """Return who has samples or gestures in a session.

    With their ids a stretch of time is a range of the samples' key; without, all of the session is looked through.
    """
    samples = exists().where(SampleRow.session_id == session_id, SampleRow.student_id == Student.id)
    gestures = exists().where(GestureRow.session_id == session_id, GestureRow.student_id == Student.id)
    return list(session.scalars(select(Student.id).where(or_(samples, gestures))))


def _minutes(session_id: int, students: list[int], span: tuple[int, int] | None) -> Any:
    """Return the query of (student, minute, the sums of ``SUMMED``); a sample counts for its duration.

    The samples are materialized first: written as one query, SQLite reads the JSON of the terms again for every sum
    (6.7 s instead of 2 s for 216,000 samples).
    """
    query = (
        select(
            SampleRow.student_id,
            (SampleRow.second // 60).label("minute"),
            SampleRow.duration_s.label("length"),
            (SampleRow.duration_s * SampleRow.face_share).label("face"),
            ScoreRow.value,
            ScoreRow.confidence,
            ScoreRow.reason,
            ScoreRow.terms["attention"].as_float().label("attention"),
            ScoreRow.terms["drowsy"].as_float().label("drowsy"),
            *(getattr(SampleRow, name) for name in PROBABILITIES),
        )
        .outerjoin(ScoreRow, same_sample())
        .where(
            SampleRow.session_id == session_id,
            SampleRow.student_id.in_(students),
            or_(ScoreRow.second.is_(None), newest_score()),
        )
    )
    if span is not None:
        query = query.where(SampleRow.second.between(span[0] * 60, span[1] * 60 + 59))
    seconds = query.cte("seconds").prefix_with("MATERIALIZED")
    key = seconds.c.student_id, seconds.c.minute
    return select(*key, *_sums(seconds)).group_by(*key)


def _sums(seconds: CTE) -> list[ColumnElement[Any]]:
    """Return the sums in the order of ``SUMMED``."""
    row = seconds.c
    scored = row.value.is_not(None)
    away = or_(row.reason == Reason.AWAY.value, row.attention < AWAY_BELOW)
    appears = case((row.drowsy > 0, "drowsy"), (away, "away"), (row.attention.is_not(None), "attentive"))
    return [
        func.count(),
        func.sum(row.length),
        func.sum(row.face),
        _sum_where(scored, row.length),
        _sum_where(scored, row.length * row.value),
        _sum_where(scored, row.length * row.value * row.value),
        _sum_where(scored, row.length * row.confidence),
        *(_sum_where(appears == word, row.length) for word in ("attentive", "away", "drowsy")),
        *(func.coalesce(func.sum(row.face * row[name]), 0.0) for name in PROBABILITIES),
    ]


def _sum_where(condition: ColumnElement[bool], value: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.sum(case((condition, value), else_=0.0))


def _gestures(session: Session, session_id: int, span: tuple[int, int] | None) -> dict[tuple[int, int], dict[str, int]]:
    """Return how many gestures of each kind began, by (student, minute)."""
    query = select(GestureRow.student_id, GestureRow.kind, GestureRow.started_at)
    made = GestureRow.kind != GestureKind.CALIBRATION.value  # asked for, not made by the student
    here: list[ColumnElement[bool]] = [GestureRow.session_id == session_id, made]
    if span is not None:
        first, end = (datetime.fromtimestamp(minute * 60, UTC) for minute in (span[0], span[1] + 1))
        here.append(and_(GestureRow.started_at >= first, GestureRow.started_at < end))
    found: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    for student_id, kind, started_at in session.execute(query.where(*here)):
        found[student_id, minute_of(started_at)][kind] += 1
    return {key: dict(kinds) for key, kinds in found.items()}
