"""What was seen: samples, their scores, gestures."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from engage.core.types import EMOTIONS, Mode, Reason
from engage.storage.tables.base import ROUNDING, Base, Id, SessionId, StudentId, Word, not_blank, one_of, share

PROBABILITIES = tuple(f"p_{name}" for name in EMOTIONS)
"""The columns of the expression, in FER+ order."""


class SampleRow(Base):
    """One student, one second: the fields of ``engage.core.types.Sample``, as doubles, so that nothing is rounded."""

    __tablename__ = "samples"
    __table_args__ = (
        one_of("mode", Mode),
        share("face_share"),
        share("confidence"),
        share("brightness"),
        share("lids_closed_share"),
        share("mouth_open_share"),
        share("eyes_open"),
        CheckConstraint("frames >= 0 AND duration_s >= 0", name="not_negative"),
        CheckConstraint(
            f"COALESCE({', '.join(PROBABILITIES)}) IS NULL OR ({' + '.join(PROBABILITIES)}) IS NOT NULL",
            name="expression_whole",
        ),
        CheckConstraint("mode = 'full' OR p_neutral IS NULL", name="expression_allowed"),
        Index(None, "session_id", "captured_at"),
        Index(None, "student_id", "second"),
    )

    session_id: Mapped[SessionId] = mapped_column(primary_key=True)
    student_id: Mapped[StudentId] = mapped_column(primary_key=True)
    second: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    captured_at: Mapped[datetime]
    frames: Mapped[int]
    duration_s: Mapped[float]
    face_share: Mapped[float]
    confidence: Mapped[float | None]
    brightness: Mapped[float]
    p_neutral: Mapped[float | None]
    p_happiness: Mapped[float | None]
    p_surprise: Mapped[float | None]
    p_sadness: Mapped[float | None]
    p_anger: Mapped[float | None]
    p_disgust: Mapped[float | None]
    p_fear: Mapped[float | None]
    p_contempt: Mapped[float | None]
    yaw_deg: Mapped[float | None]
    yaw_spread_deg: Mapped[float | None]
    pitch_deg: Mapped[float | None]
    pitch_spread_deg: Mapped[float | None]
    roll_deg: Mapped[float | None]
    gaze_x: Mapped[float | None]
    gaze_x_spread: Mapped[float | None]
    gaze_y: Mapped[float | None]
    gaze_y_spread: Mapped[float | None]
    lids_closed_share: Mapped[float | None]
    mouth_open_share: Mapped[float | None]
    eyes_open: Mapped[float | None]
    mode: Mapped[Word]


class ScoringVersion(Base):
    """The settings that made scores, by the name the scores carry."""

    __tablename__ = "scoring_versions"
    __table_args__ = (UniqueConstraint("name"), not_blank("name"))

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(128))
    settings: Mapped[dict[str, Any] | None]
    """Null where scores came before their settings were registered."""
    created_at: Mapped[datetime]


class ScoreRow(Base):
    """The score of one sample by one scoring version; null with a reason where there is none."""

    __tablename__ = "scores"
    __table_args__ = (
        ForeignKeyConstraint(
            ["session_id", "student_id", "second"],
            ["samples.session_id", "samples.student_id", "samples.second"],
            ondelete="CASCADE",
        ),
        CheckConstraint(f"value >= -{ROUNDING} AND value <= 10 + {ROUNDING}", name="value_range"),
        share("confidence"),
        one_of("reason", Reason),
        CheckConstraint("value IS NOT NULL OR reason IS NOT NULL", name="explained"),
    )

    session_id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[int] = mapped_column(primary_key=True)
    second: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    scoring_version_id: Mapped[int] = mapped_column(
        ForeignKey("scoring_versions.id", ondelete="RESTRICT"), primary_key=True
    )
    value: Mapped[float | None]
    confidence: Mapped[float]
    reason: Mapped[Word | None]
    terms: Mapped[dict[str, Any]]


class GestureRow(Base):
    """A gesture of one student."""

    __tablename__ = "gestures"
    __table_args__ = (
        UniqueConstraint("session_id", "student_id", "kind", "started_at"),
        not_blank("kind"),
        CheckConstraint("ended_at >= started_at", name="in_order"),
        share("strength"),
    )

    id: Mapped[Id]
    session_id: Mapped[SessionId]
    student_id: Mapped[StudentId] = mapped_column(index=True)
    kind: Mapped[Word]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    strength: Mapped[float]
