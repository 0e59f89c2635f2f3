"""Accounts, students and their consent; settings and the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from engage.core.policy import GivenBy
from engage.storage.records import Role
from engage.storage.tables.base import OWN_IDS, Base, Id, StudentId, UserId, Word, not_blank, one_of


class Setting(Base):
    """An answer given in the program, such as the jurisdiction: what the settings file does not hold."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[dict[str, Any]]
    answered_by: Mapped[UserId | None]
    answered_at: Mapped[datetime]


class SetupToken(Base):
    """A one-time link; only the SHA-256 of its token is kept."""

    __tablename__ = "setup_tokens"
    __table_args__ = (UniqueConstraint("token_hash"),)

    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class User(Base):
    """An account. ``password_hash`` is null for one that has none yet, or signs in elsewhere."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("email"),
        CheckConstraint("email = lower(email)", name="email_lower"),
        not_blank("email"),
        not_blank("name"),
        one_of("role", Role),
        OWN_IDS,
    )

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(320))
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    role: Mapped[Word]
    student_id: Mapped[StudentId | None] = mapped_column(index=True)
    active: Mapped[bool]
    created_at: Mapped[datetime]
    session_stamp: Mapped[str | None] = mapped_column(String(32))
    """Part of every session's cookie: a new one ends all sessions. Null until that was done for the first time."""
    signed_in_at: Mapped[datetime | None]


class Student(Base):
    """A student, or a drawing of one (``virtual``)."""

    __tablename__ = "students"
    __table_args__ = (UniqueConstraint("external_id"), not_blank("name"), OWN_IDS)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(200))
    external_id: Mapped[str | None] = mapped_column(String(255))
    minor: Mapped[bool]
    virtual: Mapped[bool]
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class ConsentAnswer(Base):
    """One answer to the consent question; the newest of a student holds."""

    __tablename__ = "consents"
    __table_args__ = (
        one_of("given_by", GivenBy),
        Index(None, "student_id", "answered_at"),
    )

    id: Mapped[Id]
    student_id: Mapped[StudentId]
    granted: Mapped[bool]
    given_by: Mapped[Word]
    answered_at: Mapped[datetime]
    recorded_by: Mapped[UserId | None]
    notice_version: Mapped[str | None] = mapped_column(String(64))


class AuditEntry(Base):
    """What was done, by whom, to what. Rows are only ever added: triggers refuse anything else.

    It holds ids and no names, and no foreign keys, so that it outlives what it tells about. ``hash`` is over
    ``prev_hash`` and the row, so that a missing or changed row shows.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        UniqueConstraint("hash"),
        UniqueConstraint("prev_hash"),
        Index(None, "object_type", "object_id"),
        OWN_IDS,
    )

    id: Mapped[Id]
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(64))
    object_type: Mapped[Word]
    object_id: Mapped[int | None]
    details: Mapped[str] = mapped_column(Text)
    """JSON, kept as text so that its hash can be computed again."""
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
