"""The one scheduler of a deployment: jobs by interval or by time of day, in the supervisor's process."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from engage.errors import SettingsError

THREADS = 2

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do again and again: ``every_s`` seconds, or by ``cron`` (five fields, UTC), one of the two.

    A run that is late by more than ``late_by_s`` is skipped, runs that were missed are made up for by one, and a job
    never runs twice at the same time.
    """

    name: str
    run: Callable[[], None]
    every_s: float | None = None
    cron: str | None = None
    late_by_s: float = 3600.0

    def trigger(self) -> IntervalTrigger | CronTrigger:
        """Return when it runs. Raises SettingsError where that is not said, or in no valid form."""
        if (self.every_s is None) == (self.cron is None):
            raise SettingsError(f"Job {self.name}: give either an interval or a cron line.")
        try:
            if self.cron is not None:
                return CronTrigger.from_crontab(self.cron, timezone=UTC)
            return IntervalTrigger(seconds=self.every_s, timezone=UTC)
        except ValueError as error:
            raise SettingsError(f"Job {self.name}: {error}.") from None


class Schedule:
    """Runs ``jobs`` in threads of this process. A job that fails is logged and counted, and runs again next time."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.failures: Counter[str] = Counter()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(THREADS)},
            job_defaults={"coalesce": True, "max_instances": 1},
        )
        for job in jobs:
            self._scheduler.add_job(
                self._guarded(job),
                job.trigger(),
                id=job.name,
                name=job.name,
                misfire_grace_time=max(1, int(job.late_by_s)),
            )

    def start(self) -> None:
        """Begin to run the jobs."""
        self._scheduler.start()

    def stop(self) -> None:
        """Start no further run; one that is under way ends on its own."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def next_runs(self) -> dict[str, datetime]:
        """Return when each job runs next, aware UTC."""
        return {job.id: job.next_run_time for job in self._scheduler.get_jobs() if getattr(job, "next_run_time", None)}

    def _guarded(self, job: Job) -> Callable[[], None]:
        def run() -> None:
            try:
                job.run()
            except Exception:
                self.failures[job.name] += 1
                logger.exception("job=%s failed", job.name)

        return run
