"""The jobs that tell people outside the pages, as ``engage serve`` runs them."""

from __future__ import annotations

import threading

from engage.cli.notifying import notification_jobs
from engage.config import Settings
from engage.core.notices import NoticeKind
from engage.storage.database import Database
from engage.storage.notifications import Notifications
from tests.databases import School


def test_what_is_due_is_taken_by_the_job_and_what_is_old_forgotten(database: Database, school: School) -> None:
    notifications = Notifications(database)
    channel, _ = notifications.add_channel(school.teacher.id, "https://127.0.0.1/hook", [NoticeKind.REPORT])
    notifications.test(school.teacher.id, channel.id)
    jobs = {job.name: job for job in notification_jobs(Settings(), database)}
    jobs["notifications"].run()
    for thread in threading.enumerate():
        if thread.name.startswith("tell-"):
            thread.join(20)
    (told,) = notifications.channels(school.teacher.id)
    assert told.waiting == 0 and "not on the public internet" in (told.error or "")
    jobs["forget what was told"].run()
    assert len(notifications.channels(school.teacher.id)) == 1
