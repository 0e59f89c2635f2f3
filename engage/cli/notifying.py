"""The jobs that tell people outside the pages: send what is due, forget what is long sent."""

from __future__ import annotations

from datetime import timedelta

from engage.alerts import Dispatcher, build_senders
from engage.config import Settings
from engage.core.clock import SystemClock
from engage.runtime.schedule import Job
from engage.storage.database import Database
from engage.storage.notifications import Notifications
from engage.storage.outbox import Outbox
from engage.storage.resets import Resets
from engage.storage.sign_ins import SignIns

FORGET_EVERY_S = 6 * 3600.0


def notification_jobs(settings: Settings, database: Database) -> list[Job]:
    """Return the jobs; sending runs in threads of the dispatcher, so that no other job waits for a channel."""
    clock = SystemClock()
    dispatcher = Dispatcher(Outbox(database), build_senders(settings, clock), clock)

    resets = Resets(database, clock)

    def tell() -> None:
        resets.answer()
        dispatcher.run_once()

    def forget() -> None:
        before = clock.now() - timedelta(days=settings.notifications.keep_days)
        Notifications(database).forget(before)
        resets.forget(before)
        SignIns(database).forget(before)

    return [
        Job("notifications", tell, settings.notifications.every_s),
        Job("forget what was told", forget, FORGET_EVERY_S),
    ]
