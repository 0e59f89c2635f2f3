"""The scheduler of a deployment: jobs by interval or by time of day, in the supervisor's process.

Where several supervisors run, each has one, and one of them runs the jobs at a time (``engage.cli.turn``).
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.errors import EngageError, SettingsError

THREADS = 2
CLOCK_EVERY_S = 1.0
SET_BACK_S = 2.0

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
    everywhere: bool = False
    """Whether each process with a schedule runs it, not one of the deployment: about the process itself."""

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
    """Runs ``jobs`` in threads of this process. A job that fails is logged and counted, and runs again next time.

    Of several processes with the same jobs, those run them where ``mine()`` says so: it is asked before every run.
    """

    def __init__(
        self, jobs: Sequence[Job], clock: Clock | None = None, mine: Callable[[], bool] = lambda: True
    ) -> None:
        """Take ``jobs``; ``clock`` is for tests."""
        self.failures: Counter[str] = Counter()
        self._mine = mine
        self._clock = clock or SystemClock()
        self._every_s = {job.name: job.every_s for job in jobs if job.every_s is not None}
        self._over = threading.Event()
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
        threading.Thread(target=self._watch_clock, name="schedule-clock", daemon=True).start()

    def stop(self) -> None:
        """Start no further run; one that is under way ends on its own."""
        self._over.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def next_runs(self) -> dict[str, datetime]:
        """Return when each job runs next, aware UTC."""
        return {job.id: job.next_run_time for job in self._scheduler.get_jobs() if getattr(job, "next_run_time", None)}

    def _watch_clock(self) -> None:
        """Plan the jobs by interval anew when the clock is set back: their next run would be that far away."""
        ahead_s = self._ahead_s()
        while not self._over.wait(CLOCK_EVERY_S):
            earlier_s, ahead_s = ahead_s, self._ahead_s()
            if ahead_s < earlier_s - SET_BACK_S:
                logger.warning("the clock was set back by_s=%.0f; jobs are planned anew", earlier_s - ahead_s)
                for name in self._every_s:
                    with suppress(JobLookupError):
                        self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def _ahead_s(self) -> float:
        """Return by how much the time of day is ahead of the monotonic clock, which nobody sets."""
        return self._clock.now().timestamp() - self._clock.monotonic()

    def _guarded(self, job: Job) -> Callable[[], None]:
        def run() -> None:
            try:
                if job.everywhere or self._mine():
                    job.run()
            except EngageError as error:  # such as a database that is away: it says itself what to do
                self.failures[job.name] += 1
                logger.error("job=%s failed: %s", job.name, error)
            except Exception:
                self.failures[job.name] += 1
                logger.exception("job=%s failed", job.name)

        return run
