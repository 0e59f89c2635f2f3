"""What people and rules say about what was seen: markers, alerts, risk flags, attendance, feedback."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from engage.core.risk import Attendance
from engage.storage.tables.base import Base, CourseId, Id, SessionId, StudentId, UserId, Word, not_blank, one_of


class Marker(Base):
    """A teacher's note on the timeline."""

    __tablename__ = "markers"
    __table_args__ = (not_blank("text"), Index(None, "session_id", "at"))

    id: Mapped[Id]
    session_id: Mapped[SessionId]
    user_id: Mapped[UserId | None]
    at: Mapped[datetime]
    text: Mapped[str] = mapped_column(Text)


def one_firing(name: str, where: str, *columns: str) -> Index:
    """Return the index by which a firing is one row, however often it is written."""
    return Index(name, *columns, "started_at", unique=True, sqlite_where=text(where), postgresql_where=text(where))


class Alert(Base):
    """A rule that held for a student, or for the class (``student_id`` null), during a session."""

    __tablename__ = "alerts"
    __table_args__ = (
        not_blank("rule"),
        one_of("state", ("firing", "resolved")),
        CheckConstraint("(state = 'resolved') = (ended_at IS NOT NULL)", name="resolved_when"),
        Index(None, "session_id", "started_at"),
        one_firing("uq_alerts_student_firing", "student_id IS NOT NULL", "session_id", "student_id", "rule"),
        one_firing("uq_alerts_class_firing", "student_id IS NULL", "session_id", "rule"),
    )

    id: Mapped[Id]
    session_id: Mapped[SessionId]
    student_id: Mapped[StudentId | None] = mapped_column(index=True)
    rule: Mapped[Word]
    state: Mapped[Word]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UserId | None]
    snoozed_until: Mapped[datetime | None]
    details: Mapped[dict[str, Any]]


class RiskFlag(Base):
    """A student who may need help, with reasons, until a person confirms or dismisses it.

    A student has one open flag in a course at most.
    """

    __tablename__ = "risk_flags"
    __table_args__ = (
        not_blank("level"),
        one_of("state", ("open", "confirmed", "dismissed")),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_when"),
        Index(None, "student_id", "raised_at"),
        Index(
            "uq_risk_flags_open",
            "student_id",
            "course_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[Id]
    student_id: Mapped[StudentId]
    course_id: Mapped[CourseId | None] = mapped_column(index=True)
    level: Mapped[Word]
    reasons: Mapped[list[Any]]
    state: Mapped[Word]
    raised_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UserId | None]
    note: Mapped[str | None] = mapped_column(Text)


class AttendanceRow(Base):
    """Whether a student was there, as a person marked it. No camera writes here."""

    __tablename__ = "attendance"
    __table_args__ = (one_of("state", Attendance),)

    session_id: Mapped[SessionId] = mapped_column(primary_key=True)
    student_id: Mapped[StudentId] = mapped_column(primary_key=True, index=True)
    state: Mapped[Word]
    marked_by: Mapped[UserId | None]
    marked_at: Mapped[datetime]


class Feedback(Base):
    """What a person says about a stretch of a session: a student's check-in 1-5, or a teacher's correction 0 or 1."""

    __tablename__ = "feedback"
    __table_args__ = (
        one_of("kind", ("check_in", "correction")),
        CheckConstraint("until_at >= from_at", name="in_order"),
        CheckConstraint(
            "(kind = 'check_in' AND value BETWEEN 1 AND 5) OR (kind = 'correction' AND value BETWEEN 0 AND 1)",
            name="value_range",
        ),
        Index(None, "session_id", "student_id"),
    )

    id: Mapped[Id]
    session_id: Mapped[SessionId]
    student_id: Mapped[StudentId] = mapped_column(index=True)
    user_id: Mapped[UserId | None]
    kind: Mapped[Word]
    value: Mapped[int]
    from_at: Mapped[datetime]
    until_at: Mapped[datetime]
    created_at: Mapped[datetime]
