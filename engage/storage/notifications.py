"""A user's channels, quiet hours and digest: what the page of notifications shows and changes."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.notices import LETTERS, NoticeKind, Service, service_of, shown_address, zone_of
from engage.core.protocols import Clock
from engage.errors import RequestError
from engage.storage import audit
from engage.storage.database import Database
from engage.storage.entries import given, possible
from engage.storage.insert import insert_new
from engage.storage.outbox import DEFAULT_DIGEST_MINUTE, DEFAULT_ZONE, at_minute, enqueue_test
from engage.storage.tables import NotificationChannel, NotificationPreference, OutboxEntry

MOST_CHANNELS = 10
DIGEST_AT = at_minute(DEFAULT_DIGEST_MINUTE)
ADDRESS_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """A channel as pages show it: without its address and signing key."""

    id: int
    service: Service
    shown: str
    kinds: tuple[NoticeKind, ...]
    digest: bool
    enabled: bool
    last_sent_at: datetime | None
    waiting: int
    error: str | None
    """Why the newest message was not taken, if it was not."""


@dataclass(frozen=True, slots=True)
class UserClock:
    """A user's time zone, quiet hours (both None, or neither) and time of the digest."""

    zone: str = DEFAULT_ZONE
    quiet_from: time | None = None
    quiet_until: time | None = None
    digest_at: time = DIGEST_AT


class Notifications:
    """Each method is one transaction; RequestError with a line for the page, StorageError where the database fails."""

    def __init__(self, database: Database, clock: Clock | None = None, zone: str = DEFAULT_ZONE) -> None:
        """Use ``database``; ``zone`` is where users are who have not said; ``clock`` is for tests."""
        self._database = database
        self._zone = zone
        self._clock = clock or SystemClock()

    def channels(self, user_id: int) -> list[ChannelRecord]:
        """Return a user's channels, the oldest first."""
        mine = NotificationChannel.user_id == user_id
        with self._database.read() as session:
            rows = session.scalars(select(NotificationChannel).where(mine).order_by(NotificationChannel.id)).all()
            return [_record(session, row) for row in rows]

    def add_channel(
        self, user_id: int, address: str, kinds: Iterable[NoticeKind], digest: bool = False
    ) -> tuple[ChannelRecord, str | None]:
        """Return a new channel, and the signing key of a webhook: shown this once, and never again."""
        text = given(address, "an address", ADDRESS_LENGTH)
        try:
            service = service_of(text)
            shown = shown_address(text)
        except ValueError as error:
            raise RequestError(str(error)) from None
        key = secrets.token_hex(32) if service is Service.WEBHOOK else None
        with self._database.write() as session:
            mine = NotificationChannel.user_id == user_id
            if (
                session.scalar(select(func.count()).select_from(NotificationChannel).where(mine)) or 0
            ) >= MOST_CHANNELS:
                raise RequestError(f"You have {MOST_CHANNELS} channels already; remove one first.")
            row = NotificationChannel(
                user_id=user_id, service=service.value, address=text, shown=shown[:200], signing_key=key,
                kinds=_names(kinds), digest=digest, enabled=True, created_at=self._clock.now(),
            )  # fmt: skip
            session.add(row)
            session.flush()
            usual = {"user_id": user_id, "time_zone": self._zone, "digest_at": DEFAULT_DIGEST_MINUTE}
            insert_new(session, NotificationPreference, [usual])
            self._record(session, user_id, "add_channel", row.id)
            return _record(session, row), key

    def change_channel(
        self, user_id: int, channel_id: int, kinds: Iterable[NoticeKind], digest: bool, enabled: bool
    ) -> None:
        """Choose what a channel is told, and whether at once or once a day."""
        with self._database.write() as session:
            row = _own(session, user_id, channel_id)
            row.kinds, row.digest, row.enabled = _names(kinds), digest, enabled
            self._record(session, user_id, "change_channel", row.id)

    def remove_channel(self, user_id: int, channel_id: int) -> None:
        """Forget a channel, and what waits for it."""
        with self._database.write() as session:
            session.delete(_own(session, user_id, channel_id))
            self._record(session, user_id, "remove_channel", channel_id)

    def test(self, user_id: int, channel_id: int) -> None:
        """Have a test sent to a channel within seconds."""
        with self._database.write() as session:
            enqueue_test(session, _own(session, user_id, channel_id).id, self._clock.now())

    def clock(self, user_id: int) -> UserClock:
        """Return a user's time zone, quiet hours and digest."""
        with self._database.read() as session:
            row = session.get(NotificationPreference, user_id)
            if row is None:
                return UserClock(self._zone)
            quiet = [None if minute is None else at_minute(minute) for minute in (row.quiet_from, row.quiet_until)]
            return UserClock(row.time_zone, quiet[0], quiet[1], at_minute(row.digest_at))

    def save_clock(self, user_id: int, clock: UserClock) -> None:
        """Store a user's time zone, quiet hours and digest."""
        try:
            zone_of(clock.zone)
        except ValueError as error:
            raise RequestError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
        if (clock.quiet_from is None) != (clock.quiet_until is None):
            raise RequestError("Give both ends of the quiet hours, or neither.")
        values = {
            "time_zone": clock.zone,
            "quiet_from": _minute(clock.quiet_from),
            "quiet_until": _minute(clock.quiet_until),
            "digest_at": _minute(clock.digest_at),
        }
        with self._database.write() as session:
            insert_new(session, NotificationPreference, [{"user_id": user_id, **values}])
            row = session.get_one(NotificationPreference, user_id)
            for name, value in values.items():
                setattr(row, name, value)

    def forget(self, before: datetime) -> int:
        """Delete what was sent or given up before then, and return how much that was."""
        done = func.coalesce(OutboxEntry.sent_at, OutboxEntry.given_up_at)
        with self._database.write() as session:
            ids = session.scalars(select(OutboxEntry.id).where(done < before)).all()
            session.execute(delete(OutboxEntry).where(OutboxEntry.id.in_(ids)))
            return len(ids)

    def _record(self, session: Session, user_id: int, action: str, channel_id: int) -> None:
        audit.record(session, self._clock.now(), user_id, audit.Action(action, "notification_channel", channel_id))


def _names(kinds: Iterable[NoticeKind]) -> list[str]:
    chosen = set(kinds) - {NoticeKind.TEST, *LETTERS}
    return [kind.value for kind in NoticeKind if kind in chosen]


def _minute(moment: time | None) -> int | None:
    return None if moment is None else moment.hour * 60 + moment.minute


def _own(session: Session, user_id: int, channel_id: int) -> NotificationChannel:
    row = session.get(NotificationChannel, channel_id) if possible(channel_id) else None
    if row is None or row.user_id != user_id:
        raise RequestError("There is no such channel of yours.")
    return row


def _record(session: Session, row: NotificationChannel) -> ChannelRecord:
    mine = OutboxEntry.channel_id == row.id
    still = OutboxEntry.sent_at.is_(None), OutboxEntry.given_up_at.is_(None)
    newest = session.scalar(
        select(OutboxEntry).where(mine, OutboxEntry.attempts > 0).order_by(OutboxEntry.id.desc()).limit(1)
    )
    return ChannelRecord(
        id=row.id,
        service=Service(row.service),
        shown=row.shown,
        kinds=tuple(NoticeKind(kind) for kind in row.kinds),
        digest=row.digest,
        enabled=row.enabled,
        last_sent_at=session.scalar(select(func.max(OutboxEntry.sent_at)).where(mine)),
        waiting=session.scalar(select(func.count()).select_from(OutboxEntry).where(mine, *still)) or 0,
        error=newest.error if newest is not None and newest.sent_at is None else None,
    )
