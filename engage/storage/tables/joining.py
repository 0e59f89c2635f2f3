"""How students join with a browser of their own: their links and PINs, and the device each uses in a session."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from engage.storage.tables.base import OWN_IDS, Base, CourseId, Id, SessionId, StudentId, UserId


class JoinKey(Base):
    """A student's own link and PIN for a course; a new pair replaces it, and it is gone once revoked.

    Only the SHA-256 of the link's token is kept, and a keyed hash of the PIN: six digits are soon tried through.
    """

    __tablename__ = "join_keys"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        UniqueConstraint("course_id", "student_id"),
        UniqueConstraint("course_id", "pin_hash"),
        OWN_IDS,
    )

    id: Mapped[Id]
    course_id: Mapped[CourseId]
    student_id: Mapped[StudentId] = mapped_column(index=True)
    token_hash: Mapped[str] = mapped_column(String(64))
    pin_hash: Mapped[str] = mapped_column(String(64))
    made_by: Mapped[UserId | None]
    created_at: Mapped[datetime]


OPEN = "ended_at IS NULL"


class JoinDevice(Base):
    """A browser with which a student takes part in a session, from the Yes until it stops. One at a time.

    ``ticket_hash`` is of the one-time ticket that opens its next socket.
    """

    __tablename__ = "join_devices"
    __table_args__ = (
        CheckConstraint("(ticket_hash IS NULL) = (ticket_until IS NULL)", name="ticket_whole"),
        UniqueConstraint("ticket_hash"),
        Index(
            "uq_join_devices_open",
            "session_id",
            "student_id",
            unique=True,
            sqlite_where=text(OPEN),
            postgresql_where=text(OPEN),
        ),
        OWN_IDS,
    )

    id: Mapped[Id]
    key_id: Mapped[int] = mapped_column(ForeignKey("join_keys.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[SessionId] = mapped_column(index=True)
    student_id: Mapped[StudentId] = mapped_column(index=True)
    device_hash: Mapped[str] = mapped_column(String(64))
    ticket_hash: Mapped[str | None] = mapped_column(String(64))
    ticket_until: Mapped[datetime | None]
    joined_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
