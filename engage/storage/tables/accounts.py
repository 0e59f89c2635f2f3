"""How people get into their accounts: one-time links, accounts of other services, and trials that failed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from engage.storage.records import Role
from engage.storage.tables.base import OWN_IDS, Base, Id, StudentId, UserId, Word, one_of


class LinkKind(StrEnum):
    """What a one-time link is for."""

    INVITATION = "invitation"
    RESET = "reset"


class AccountLink(Base):
    """A one-time link that makes an account (an invitation) or gives one a new password (a reset).

    Only the SHA-256 of its token is kept; it is null where the link is mailed and its letter has not been sent yet.
    ``user_id`` is whose password it is, or the account that an invitation became.
    """

    __tablename__ = "account_links"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        one_of("kind", LinkKind),
        one_of("role", Role),
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint(
            "(kind = 'invitation' AND email IS NOT NULL AND role IS NOT NULL)"
            " OR (kind = 'reset' AND user_id IS NOT NULL AND email IS NULL AND role IS NULL)",
            name="whom",
        ),
        CheckConstraint("(role = 'student') = (student_id IS NOT NULL)", name="student_given"),
        OWN_IDS,
    )

    id: Mapped[Id]
    kind: Mapped[Word]
    token_hash: Mapped[str | None] = mapped_column(String(64))
    email: Mapped[str | None] = mapped_column(String(320))
    role: Mapped[Word | None]
    student_id: Mapped[StudentId | None] = mapped_column(index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    made_by: Mapped[UserId | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ResetRequest(Base):
    """Somebody asked for a new password for this address, known here or not; gone once it was looked up."""

    __tablename__ = "reset_requests"
    __table_args__ = (OWN_IDS,)

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(320))
    asked_at: Mapped[datetime]


class Identity(Base):
    """An account at another sign-in service (issuer and subject, as OpenID Connect tells people apart)."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"), OWN_IDS)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    issuer: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]


class SignInTrial(Base):
    """Failed sign-ins in a row: of one address, or of one browser with one address. ``key`` is a SHA-256 of that."""

    __tablename__ = "sign_in_trials"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]
