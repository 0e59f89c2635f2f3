"""Whose turn it is to run the deployment's jobs: one process of all, by a lease in the database."""

from __future__ import annotations

import logging
import secrets
import threading

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.errors import StorageError
from engage.storage.database import Database
from engage.storage.leases import hold, let_go

NAME = "jobs"
LEASE_S = 15.0
"""A process that was killed is followed by another within this time, and a third of it."""

log = logging.getLogger("engage.jobs")


class Turn:
    """Holds the lease while it can, in a thread of its own, so that a long job does not lose it.

    ``mine`` is False from the moment on at which another process may have it: also in a process that stood still, or
    that cannot reach the database. What a job begun before then still does must bear another run beside it; jobs that
    must not (the nightly review, notices) take claims of their own in the database.
    """

    def __init__(self, database: Database, lease_s: float = LEASE_S, clock: Clock | None = None) -> None:
        self._database = database
        self._lease_s = lease_s
        self._clock = clock or SystemClock()
        self._holder = secrets.token_hex(16)
        self._until_s = float("-inf")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="turn", daemon=True)

    def mine(self) -> bool:
        """Return whether this process runs the jobs now."""
        return self._clock.monotonic() < self._until_s

    def start(self) -> None:
        """Try to get the lease now, and go on trying, or prolonging it."""
        self.take()
        self._thread.start()

    def stop(self) -> None:
        """Let the lease go; the database must still be open."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(2.0)
        had, self._until_s = self.mine(), float("-inf")
        if had:
            let_go(self._database, NAME, self._holder)

    def take(self) -> None:
        """Take or prolong the lease where that is possible."""
        had, asked_s = self.mine(), self._clock.monotonic()
        try:
            held = hold(self._database, NAME, self._holder, self._clock.now(), self._lease_s)
        except StorageError as error:  # what is held runs out by itself
            log.warning("event=lease_not_prolonged reason=%s", error)
            return
        self._until_s = asked_s + self._lease_s if held else float("-inf")
        if held != had:
            log.info("event=%s", "jobs_here" if held else "jobs_elsewhere")

    def _keep(self) -> None:
        while not self._ended.wait(self._lease_s / 3):
            self.take()
