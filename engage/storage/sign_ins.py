"""Signing in: how soon it may be tried again, and what the audit log says of it.

After some failures in a row for one address, further trials must wait, each time longer, up to a minute; what is tried
meanwhile is not looked at and does not count. A browser that has signed in to the account before has a row of its own
(OWASP's "device cookies"), so that a stranger's trials never keep its owner out. Unknown addresses are treated alike.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.storage import audit
from engage.storage.database import Database
from engage.storage.insert import insert_new
from engage.storage.tables import SignInTrial, User

FREE_TRIALS = 5
LONGEST_WAIT_S = 60.0
FORGOTTEN_AFTER = timedelta(minutes=15)


class SignIns:
    """Each method is one transaction; StorageError where the database fails."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def begin(self, email: str, device: str | None) -> float:
        """Return how many seconds to wait; 0 means that a trial was counted, and may be made.

        It is counted before it is made, so that many at once are not more than one after another. ``device`` names a
        browser that has signed in to this address before.
        """
        now = self._clock.now()
        with self._database.write() as session:
            insert_new(session, SignInTrial, [{"key": trial_key(email, device), "failures": 0, "last_at": now}])
            row = session.get_one(SignInTrial, trial_key(email, device), with_for_update=True)
            if now - row.last_at > FORGOTTEN_AFTER:
                row.failures = 0
            wait_s = _wait_s(row.failures) - max(0.0, (now - row.last_at).total_seconds())
            if wait_s > 0:
                return wait_s
            row.failures, row.last_at = row.failures + 1, now
            return 0.0

    def failed(self, user_id: int | None) -> None:
        """Leave a line in the audit log; ``user_id`` is None for an address nobody has."""
        audit.note(self._database, self._clock.now(), None, audit.Action("sign_in_failed", "user", user_id))

    def succeeded(self, user_id: int, email: str, device: str | None, by: str) -> None:
        """Forget this row of failures, and leave a line in the audit log; ``by`` is ``password`` or a service."""
        now = self._clock.now()
        with self._database.write() as session:
            session.execute(delete(SignInTrial).where(SignInTrial.key == trial_key(email, device)))
            session.get_one(User, user_id).signed_in_at = now
            audit.record(session, now, user_id, audit.Action("sign_in", "user", user_id, {"by": by}))

    def forget(self, before: datetime) -> int:
        """Delete rows of failures that ended before then, and return how many."""
        with self._database.write() as session:
            old = session.scalars(select(SignInTrial.key).where(SignInTrial.last_at < before)).all()
            session.execute(delete(SignInTrial).where(SignInTrial.key.in_(old)))
            return len(old)


def forgive(session: Session, email: str) -> None:
    """Forget the failures of an address, in the caller's transaction: its owner has shown who they are."""
    session.execute(delete(SignInTrial).where(SignInTrial.key == trial_key(email, None)))


def trial_key(email: str, device: str | None) -> str:
    """Return what a row of failures is kept under: no address can be read from the table."""
    text = f"{email.strip().lower()}\n{device or ''}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _wait_s(failures: int) -> float:
    return 0.0 if failures < FREE_TRIALS else min(2.0 ** min(failures - FREE_TRIALS, 10), LONGEST_WAIT_S)
