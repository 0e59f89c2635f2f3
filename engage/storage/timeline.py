"""The class second by second, computed by the database."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Double, case, cast, func, select
from sqlalchemy.orm import Session

from engage.storage.records import ClassSecond
from engage.storage.selects import newest_score
from engage.storage.tables import SampleRow, ScoreRow


def of_session(session: Session, session_id: int, since_second: int, n_students: int) -> list[ClassSecond]:
    """Return the class at each second with a sample from ``since_second`` on.

    Quartiles lie between ranks in proportion (Hyndman & Fan 1996, type 7, NumPy's default): with ranks 0..n of the
    n + 1 scores of a second, quartile k lies at rank k n / 4.
    """
    rank = func.row_number().over(partition_by=ScoreRow.second, order_by=ScoreRow.value) - 1
    last = func.count().over(partition_by=ScoreRow.second) - 1
    ranked = (
        select(ScoreRow.second, ScoreRow.value, rank.label("rank"), last.label("last"))
        .where(
            ScoreRow.session_id == session_id,
            ScoreRow.second >= since_second,
            ScoreRow.value.is_not(None),
            newest_score(),
        )
        .subquery()
    )
    value, second = ranked.c.value, ranked.c.second
    scored = (
        select(
            second,
            func.avg(value).label("mean"),
            func.sum(value * _weight(ranked.c.rank, ranked.c.last, 1)).label("low"),
            func.sum(value * _weight(ranked.c.rank, ranked.c.last, 3)).label("high"),
            func.count().label("n_scored"),
        )
        .group_by(second)
        .subquery()
    )
    seconds = (
        select(SampleRow.second)
        .distinct()
        .where(SampleRow.session_id == session_id, SampleRow.second >= since_second)
        .subquery()
    )
    query = (
        select(seconds.c.second, scored.c.mean, scored.c.low, scored.c.high, func.coalesce(scored.c.n_scored, 0))
        .outerjoin(scored, scored.c.second == seconds.c.second)
        .order_by(seconds.c.second)
    )
    return [ClassSecond(*row, n_students) for row in session.execute(query)]


def _weight(rank: ColumnElement[int], last: ColumnElement[int], quartile: int) -> ColumnElement[float]:
    """Return how much the value at ``rank`` counts towards a quartile: what lies between two ranks is shared."""
    place = quartile * last
    beyond = cast(place % 4, Double) / 4.0
    return case((rank == place // 4, 1.0 - beyond), (rank == place // 4 + 1, beyond), else_=0.0)
