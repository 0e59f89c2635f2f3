"""Which rows of the outbox wait to be sent, and the claim that keeps them for one sender."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from engage.storage.tables import OutboxEntry


def waits() -> ColumnElement[bool]:
    """Return the condition that a row was neither sent nor given up."""
    return and_(OutboxEntry.sent_at.is_(None), OutboxEntry.given_up_at.is_(None))


def unclaimed(now: datetime) -> ColumnElement[bool]:
    """Return the condition that nobody is sending a row."""
    return or_(OutboxEntry.lease_until.is_(None), OutboxEntry.lease_until <= now)


def claim(session: Session, ids: Sequence[int], now: datetime, lease_until: datetime) -> tuple[str, list[OutboxEntry]]:
    """Claim those rows that nobody else has; return the claim's token and the rows, the oldest first."""
    token = secrets.token_hex(16)
    session.execute(
        update(OutboxEntry)
        .where(OutboxEntry.id.in_(ids), unclaimed(now))
        .values(lease_until=lease_until, lease_token=token, attempts=OutboxEntry.attempts + 1)
    )
    claimed = select(OutboxEntry).where(OutboxEntry.lease_token == token).order_by(OutboxEntry.id)
    return token, list(session.scalars(claimed))
