"""Rules of alerts per course, and how people are told outside the pages: channels, choices, and the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from engage.core.notices import NoticeKind, Service
from engage.storage.tables.base import OWN_IDS, Base, CourseId, Id, UserId, Word, not_blank, one_of


class AlertRules(Base):
    """The numbers of a course's alert rules, where they differ from the program's own."""

    __tablename__ = "alert_rules"

    course_id: Mapped[CourseId] = mapped_column(primary_key=True)
    rules: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]
    updated_by: Mapped[UserId | None]


class NotificationPreference(Base):
    """A user's clock: time zone, quiet hours and the time of the daily digest, as minutes after midnight there."""

    __tablename__ = "notification_preferences"
    __table_args__ = (
        not_blank("time_zone"),
        CheckConstraint("(quiet_from IS NULL) = (quiet_until IS NULL)", name="quiet_whole"),
        CheckConstraint(
            "quiet_from BETWEEN 0 AND 1439 AND quiet_until BETWEEN 0 AND 1439 AND digest_at BETWEEN 0 AND 1439",
            name="minutes_range",
        ),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    time_zone: Mapped[str] = mapped_column(String(64))
    quiet_from: Mapped[int | None]
    quiet_until: Mapped[int | None]
    digest_at: Mapped[int]


CHANNEL_SERVICES = (Service.APPRISE, Service.WEBHOOK)


class NotificationChannel(Base):
    """An address at which a user wants to be told. ``address`` and ``signing_key`` are never shown again."""

    __tablename__ = "notification_channels"
    __table_args__ = (one_of("service", CHANNEL_SERVICES), not_blank("address"), not_blank("shown"), OWN_IDS)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    service: Mapped[Word]
    address: Mapped[str] = mapped_column(Text)
    """Complete, with passwords and tokens."""
    shown: Mapped[str] = mapped_column(String(200))
    """What pages show of the address."""
    signing_key: Mapped[str | None] = mapped_column(String(64))
    kinds: Mapped[list[Any]]
    digest: Mapped[bool]
    enabled: Mapped[bool]
    created_at: Mapped[datetime]

    def __repr__(self) -> str:
        """Return the row without its address."""
        return f"NotificationChannel(id={self.id}, shown={self.shown!r})"


OPEN = "sent_at IS NULL AND given_up_at IS NULL"


class OutboxEntry(Base):
    """One notice for one channel, or one letter: waiting, leased to whoever sends it now, sent, or given up.

    A letter's ``link`` is without its token, which is made when the letter is claimed.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        one_of("kind", NoticeKind),
        UniqueConstraint("channel_id", "key"),
        CheckConstraint("sent_at IS NULL OR given_up_at IS NULL", name="one_end"),
        CheckConstraint("(lease_until IS NULL) = (lease_token IS NULL)", name="lease_whole"),
        CheckConstraint("(channel_id IS NULL) <> (account_link_id IS NULL)", name="one_receiver"),
        Index("ix_outbox_open", "due_at", sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
        OWN_IDS,
    )

    id: Mapped[Id]
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("notification_channels.id", ondelete="CASCADE"))
    account_link_id: Mapped[int | None] = mapped_column(ForeignKey("account_links.id", ondelete="CASCADE"), index=True)
    course_id: Mapped[CourseId | None] = mapped_column(index=True)
    key: Mapped[str] = mapped_column(String(120))
    kind: Mapped[Word]
    link: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int]
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(32))
    sent_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
