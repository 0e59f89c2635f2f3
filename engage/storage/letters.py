"""Letters: one-time links on their way to one address by the school's mail server.

The token in a link is made when its letter is claimed, so the database never holds one that works. A letter that is
sent twice carries a new token the second time, and the first stops working.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from engage.core.notices import Delivery, NoticeKind, Parcel, Service
from engage.storage import due
from engage.storage.links import PATHS, new_token, usable
from engage.storage.tables import AccountLink, LinkKind, OutboxEntry, User

KINDS = {LinkKind.INVITATION: NoticeKind.INVITATION, LinkKind.RESET: NoticeKind.PASSWORD_RESET}
NO_CHANNEL = 0


def enqueue(session: Session, link: AccountLink, now: datetime) -> None:
    """Have a link mailed, within seconds, in the caller's transaction."""
    kind = LinkKind(link.kind)
    session.add(
        OutboxEntry(
            account_link_id=link.id,
            key=f"{kind.value}:{link.id}",
            kind=KINDS[kind].value,
            link=PATHS[kind],
            created_at=now,
            due_at=now,
            attempts=0,
        )
    )


def drop(session: Session, link_id: int, now: datetime) -> None:
    """Send a link's letter no more, where it was not sent yet: somebody has the link in another way."""
    unsent = OutboxEntry.account_link_id == link_id, due.waits()
    session.execute(update(OutboxEntry).where(*unsent).values(given_up_at=now))


def claim(session: Session, now: datetime, lease_until: datetime, most: int) -> list[Delivery]:
    """Return at most ``most`` letters that are due, claimed until ``lease_until``; those too late are given up."""
    of_letters = OutboxEntry.account_link_id.is_not(None)
    waiting = select(OutboxEntry.id).where(of_letters, due.waits(), OutboxEntry.due_at <= now, due.unclaimed(now))
    ids = session.scalars(waiting.order_by(OutboxEntry.id).limit(most)).all()
    deliveries = [_claim(session, row_id, now, lease_until) for row_id in ids]
    return [delivery for delivery in deliveries if delivery is not None]


def _claim(session: Session, row_id: int, now: datetime, lease_until: datetime) -> Delivery | None:
    token, rows = due.claim(session, [row_id], now, lease_until)
    if not rows:
        return None
    (row,) = rows
    link = session.scalar(select(AccountLink).where(AccountLink.id == row.account_link_id, usable(now)))
    address = None if link is None else _address(session, link)
    if link is None or address is None:
        row.given_up_at, row.error = now, "The link is no longer wanted, or has expired."
        row.lease_until = row.lease_token = None
        return None
    opens, link.token_hash = new_token()
    parcel = Parcel(row.id, row.key, NoticeKind(row.kind), f"{row.link}/{opens}", row.created_at, row.attempts)
    return Delivery(token, NO_CHANNEL, Service.LETTER, address, None, (parcel,))


def _address(session: Session, link: AccountLink) -> str | None:
    """Return whom a link is for; None where that account is no longer active."""
    if link.user_id is None:
        return link.email
    user = session.get(User, link.user_id)
    return user.email if user is not None and user.active else None
