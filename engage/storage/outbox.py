"""The outbox: what is to be told outside the pages, written in the transaction that makes it true.

A notice is stored once per channel and key, so that enqueueing it again changes nothing. Whoever sends claims rows for
a while; a sender that dies lets its claim run out, and the rows are sent by the next. So nothing is lost; a crash
between the sending and its record can make a channel hear twice, and carries the same key both times.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import Select, and_, case, func, select, update
from sqlalchemy.orm import Session

from engage.core.notices import Delivery, Failure, Notice, NoticeKind, Parcel, QuietHours, Service, next_time
from engage.storage import due, letters
from engage.storage.database import Database
from engage.storage.insert import insert_new
from engage.storage.records import Role
from engage.storage.tables import (
    CourseStaff,
    NotificationChannel,
    NotificationPreference,
    OutboxEntry,
    User,
)

DEFAULT_ZONE = "UTC"
DEFAULT_DIGEST_MINUTE = 16 * 60
MOST_CHANNELS = 64
MOST_AT_ONCE = 50
"""Parcels of one channel that are claimed together."""


def enqueue(session: Session, notice: Notice, now: datetime) -> int:
    """Store ``notice`` for every channel of the course's active staff that wants its kind; return how many are new.

    In the caller's transaction: what is told and what it tells about are committed together, or not at all.
    """
    wanted = (
        select(NotificationChannel, NotificationPreference)
        .join(User, User.id == NotificationChannel.user_id)
        .join(CourseStaff, CourseStaff.user_id == User.id)
        .outerjoin(NotificationPreference, NotificationPreference.user_id == User.id)
        .where(CourseStaff.course_id == notice.course_id, User.active, User.role != Role.STUDENT.value)
        .where(NotificationChannel.enabled)
    )
    found = [(channel, clock) for channel, clock in session.execute(wanted) if notice.kind.value in channel.kinds]
    taken = set(
        session.scalars(
            select(OutboxEntry.channel_id).where(
                OutboxEntry.key == notice.key, OutboxEntry.channel_id.in_([channel.id for channel, _ in found])
            )
        )
    )
    rows = [_row(channel.id, notice, now, _due(channel, clock, now)) for channel, clock in found]
    insert_new(session, OutboxEntry, rows)
    return len(found) - len(taken)


def enqueue_test(session: Session, channel_id: int, now: datetime) -> None:
    """Store a test for one channel, to be sent at once, also in quiet hours: its owner asked for it just now."""
    key = f"test:{secrets.token_hex(8)}"
    insert_new(
        session,
        OutboxEntry,
        [{**_row(channel_id, Notice(NoticeKind.TEST, "/notifications", key, 0), now, now), "course_id": None}],
    )


class Outbox:
    """The sender's side. Each method is one transaction; StorageError where the database fails."""

    def __init__(self, database: Database) -> None:
        """Use ``database``."""
        self._database = database

    def claim(self, now: datetime, lease_s: float, most: int = MOST_CHANNELS) -> list[Delivery]:
        """Return what is due, one delivery per channel and ``most`` in all, claimed for ``lease_s`` seconds.

        What falls into its user's quiet hours is put off until they end; a channel with a claim that still holds gets
        no second one, so that its messages keep their order. Letters go first: somebody waits for them.
        """
        until = now + timedelta(seconds=lease_s)
        with self._database.write() as session:
            written = letters.claim(session, now, until, most)
            return written + [
                delivery
                for channel_id in session.scalars(_channels_due(now).limit(most - len(written))).all()
                if (delivery := _claim_channel(session, channel_id, now, until))
            ]

    def sent(self, token: str, parcel_ids: Sequence[int], now: datetime) -> int:
        """Record that parcels were taken by their channel; return how many were still claimed under ``token``."""
        with self._database.write() as session:
            return _close(session, token, parcel_ids, {"sent_at": now, "error": None})

    def failed(self, token: str, parcel_ids: Sequence[int], failure: Failure, now: datetime) -> int:
        """Record that parcels were not taken; return how many were still claimed under ``token``."""
        end = {"given_up_at": now} if failure.again_at is None else {"due_at": failure.again_at}
        with self._database.write() as session:
            return _close(session, token, parcel_ids, {"error": failure.error[:500], **end})


def tallies(database: Database) -> dict[str, int]:
    """Return how many notices are ``waiting``, were ``sent`` and were ``given up``, of those not yet forgotten."""
    outcome = case(
        (OutboxEntry.sent_at.is_not(None), "sent"), (OutboxEntry.given_up_at.is_not(None), "given up"), else_="waiting"
    )
    with database.read() as session:
        rows = session.execute(select(outcome, func.count()).group_by(outcome)).all()
    return {"waiting": 0, "sent": 0, "given up": 0} | {str(name): int(number) for name, number in rows}


def _row(channel_id: int, notice: Notice, now: datetime, due_at: datetime) -> dict[str, object]:
    return {
        "channel_id": channel_id,
        "course_id": notice.course_id,
        "key": notice.key,
        "kind": notice.kind.value,
        "link": notice.link,
        "created_at": now,
        "due_at": due_at,
        "attempts": 0,
    }


def _due(channel: NotificationChannel, clock: NotificationPreference | None, now: datetime) -> datetime:
    if not channel.digest:
        return now
    zone = clock.time_zone if clock else DEFAULT_ZONE
    return next_time(at_minute(clock.digest_at if clock else DEFAULT_DIGEST_MINUTE), zone, now)


def at_minute(minute: int) -> time:
    """Return the time of day ``minute`` minutes after midnight."""
    return time(minute // 60, minute % 60)


def quiet_hours(clock: NotificationPreference | None) -> QuietHours | None:
    """Return a user's quiet hours, or None where there are none."""
    if clock is None or clock.quiet_from is None or clock.quiet_until is None:
        return None
    return QuietHours(at_minute(clock.quiet_from), at_minute(clock.quiet_until), clock.time_zone)


def _channels_due(now: datetime) -> Select[int]:
    waiting = due.waits(), OutboxEntry.due_at <= now, due.unclaimed(now)
    return select(NotificationChannel.id).where(
        NotificationChannel.id.in_(select(OutboxEntry.channel_id).where(OutboxEntry.channel_id.is_not(None), *waiting))
    )


def _claim_channel(session: Session, channel_id: int, now: datetime, lease_until: datetime) -> Delivery | None:
    mine = OutboxEntry.channel_id == channel_id
    held = select(OutboxEntry.id).where(mine, due.waits(), OutboxEntry.lease_until > now)
    if session.scalar(held.limit(1)) is not None:
        return None
    channel = session.get_one(NotificationChannel, channel_id)
    quiet = quiet_hours(session.get(NotificationPreference, channel.user_id))
    ready = and_(mine, due.waits(), due.unclaimed(now), OutboxEntry.due_at <= now)
    until = quiet.ends_at(now) if quiet else None
    if until is not None and until > now:
        told = and_(ready, OutboxEntry.kind != NoticeKind.TEST.value)
        session.execute(update(OutboxEntry).where(told).values(due_at=until))
    ids = session.scalars(select(OutboxEntry.id).where(ready).order_by(OutboxEntry.id).limit(MOST_AT_ONCE)).all()
    token, rows = due.claim(session, ids, now, lease_until)
    if not rows:
        return None
    parcels = tuple(Parcel(r.id, r.key, NoticeKind(r.kind), r.link, r.created_at, r.attempts) for r in rows)
    return Delivery(token, channel_id, Service(channel.service), channel.address, channel.signing_key, parcels)


def _close(session: Session, token: str, parcel_ids: Sequence[int], values: dict[str, object]) -> int:
    mine = and_(OutboxEntry.id.in_(parcel_ids), OutboxEntry.lease_token == token, due.waits())
    ids = session.scalars(select(OutboxEntry.id).where(mine)).all()
    session.execute(
        update(OutboxEntry).where(OutboxEntry.id.in_(ids)).values(lease_until=None, lease_token=None, **values)
    )
    return len(ids)
