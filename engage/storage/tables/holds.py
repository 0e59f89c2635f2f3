"""What must be kept although its time is over: legal holds."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from engage.storage.tables.base import OWN_IDS, Base, Id, UserId, not_blank


class Hold(Base):
    """A legal hold on one course, session or student, until it is released.

    The foreign keys refuse what the program would have to have asked about: deleting what is held.
    """

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN course_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN session_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN student_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="one_object",
        ),
        not_blank("reason"),
        not_blank("ask"),
        OWN_IDS,
    )

    id: Mapped[Id]
    course_id: Mapped[int | None] = mapped_column(ForeignKey("courses.id", ondelete="RESTRICT"), index=True)
    session_id: Mapped[int | None] = mapped_column(ForeignKey("class_sessions.id", ondelete="RESTRICT"), index=True)
    student_id: Mapped[int | None] = mapped_column(ForeignKey("students.id", ondelete="RESTRICT"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    ask: Mapped[str] = mapped_column(Text)
    """Whom a student asks about it."""
    placed_at: Mapped[datetime]
    placed_by: Mapped[UserId | None]
    released_at: Mapped[datetime | None]
    released_by: Mapped[UserId | None]
