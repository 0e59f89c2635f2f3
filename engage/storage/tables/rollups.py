"""What samples come to, by minute and by session; which minutes must be counted again; who runs a job now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from engage.core.types import EMOTIONS
from engage.storage.tables.base import OWN_IDS, ROUNDING, Base, Id, SessionId, StudentId

EMOTION_SECONDS = tuple(f"{name}_s" for name in EMOTIONS)
"""The columns of the expression, in FER+ order."""


class Sums:
    """The columns of ``engage.core.tally.Tally``."""

    samples: Mapped[int]
    observed_s: Mapped[float]
    face_s: Mapped[float]
    scored_s: Mapped[float]
    score_sum: Mapped[float]
    square_sum: Mapped[float]
    confidence_sum: Mapped[float]
    attentive_s: Mapped[float]
    away_s: Mapped[float]
    drowsy_s: Mapped[float]
    neutral_s: Mapped[float]
    happiness_s: Mapped[float]
    surprise_s: Mapped[float]
    sadness_s: Mapped[float]
    anger_s: Mapped[float]
    disgust_s: Mapped[float]
    fear_s: Mapped[float]
    contempt_s: Mapped[float]
    gestures: Mapped[dict[str, Any]]
    """How many of each kind began."""


def _sound() -> CheckConstraint:
    """Return the constraint that a mean score lies in 0-10, as that of each sample does."""
    return CheckConstraint(
        f"scored_s >= 0 AND score_sum >= -{ROUNDING} * scored_s AND score_sum <= (10 + {ROUNDING}) * scored_s",
        name="mean_range",
    )


class MinuteRollup(Sums, Base):
    """One student, one minute (Unix seconds // 60), counted from samples, scores and gestures."""

    __tablename__ = "minute_rollups"
    __table_args__ = (_sound(), Index(None, "student_id"))

    session_id: Mapped[SessionId] = mapped_column(primary_key=True)
    student_id: Mapped[StudentId] = mapped_column(primary_key=True)
    minute: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class SessionRollup(Sums, Base):
    """One student, one session: the sum of the minutes."""

    __tablename__ = "session_rollups"
    __table_args__ = (_sound(), Index(None, "student_id"))

    session_id: Mapped[SessionId] = mapped_column(primary_key=True)
    student_id: Mapped[StudentId] = mapped_column(primary_key=True)


class RollupMark(Base):
    """A minute of a session (or all of it: null) in which something was written since it was counted.

    Rows are only added, in the transaction that writes the samples, and deleted by whoever has counted them; there may
    be many of one minute. So no sample can become visible without its mark.
    """

    __tablename__ = "rollup_marks"
    __table_args__ = (OWN_IDS,)

    id: Mapped[Id]
    session_id: Mapped[SessionId] = mapped_column(index=True)
    minute: Mapped[int | None] = mapped_column(BigInteger)


class Lease(Base):
    """Who runs a job now, until when, and for which period it was done last."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str | None] = mapped_column(String(64))
    held_until: Mapped[datetime | None]
    done_period: Mapped[str | None] = mapped_column(String(32))
