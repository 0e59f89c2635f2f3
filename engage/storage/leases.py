"""Jobs that one process does, once in a period, however many processes run.

A process claims the job for a while (``claim``), works, and writes what it found together with ``complete`` in one
transaction. A process that dies lets its claim run out, and another does the job; one that was too slow finds its claim
gone and commits nothing. Works alike on SQLite and PostgreSQL: a claim is one conditional UPDATE.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, or_, update
from sqlalchemy.orm import Session

from engage.storage.database import Database
from engage.storage.insert import insert_new
from engage.storage.tables import Lease


def claim(database: Database, name: str, period: str, now: datetime, lease_s: float) -> str | None:
    """Return a token to ``complete`` the job with, or None where it is done for ``period`` or another process does it.

    Periods sort as text, such as ``2026-11-22``: one that lies before the last one done (a clock put back) is done too.
    """
    token = secrets.token_hex(16)
    free = (
        Lease.name == name,
        or_(Lease.done_period.is_(None), Lease.done_period < period),
        or_(Lease.held_until.is_(None), Lease.held_until <= now),
    )
    with database.write() as session:
        insert_new(session, Lease, [{"name": name}])
        taken = session.execute(
            update(Lease).where(*free).values(holder=token, held_until=now + timedelta(seconds=lease_s))
        )
        return token if isinstance(taken, CursorResult) and taken.rowcount == 1 else None


def renew(database: Database, name: str, token: str, now: datetime, lease_s: float) -> bool:
    """Hold the job for longer; False where another process has taken it over meanwhile."""
    mine = Lease.name == name, Lease.holder == token
    with database.write() as session:
        held = session.execute(update(Lease).where(*mine).values(held_until=now + timedelta(seconds=lease_s)))
        return isinstance(held, CursorResult) and held.rowcount == 1


def complete(session: Session, name: str, period: str, token: str) -> bool:
    """Record in the caller's transaction that the job is done; False where another process has taken it over."""
    mine = Lease.name == name, Lease.holder == token
    done = session.execute(update(Lease).where(*mine).values(holder=None, held_until=None, done_period=period))
    return isinstance(done, CursorResult) and done.rowcount == 1


def hold(database: Database, name: str, holder: str, now: datetime, lease_s: float) -> bool:
    """Take ``name`` for ``lease_s``, or prolong it; return whether ``holder`` has it now and no other has."""
    mine_or_free = or_(Lease.holder == holder, Lease.held_until.is_(None), Lease.held_until <= now)
    with database.write() as session:
        insert_new(session, Lease, [{"name": name}])
        taken = session.execute(
            update(Lease)
            .where(Lease.name == name, mine_or_free)
            .values(holder=holder, held_until=now + timedelta(seconds=lease_s))
        )
        return isinstance(taken, CursorResult) and taken.rowcount == 1


def let_go(database: Database, name: str, holder: str) -> None:
    """Free ``name`` where ``holder`` has it, so that another need not wait for the lease to run out."""
    with database.write() as session:
        mine = Lease.name == name, Lease.holder == holder
        session.execute(update(Lease).where(*mine).values(holder=None, held_until=None))
