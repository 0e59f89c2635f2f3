"""The one scheduler: jobs run, a failing one does not stop itself or others, and nonsense is refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from engage.errors import SettingsError, StorageError
from engage.runtime.schedule import Job, Schedule

PATIENCE_S = 20.0


@pytest.fixture
def running() -> Iterator[list[Schedule]]:
    schedules: list[Schedule] = []
    yield schedules
    for schedule in schedules:
        schedule.stop()


def test_failing_job_is_counted_and_runs_again_beside_the_others(running, log):
    twice, other = threading.Semaphore(0), threading.Event()

    def fail() -> None:
        twice.release()
        raise ValueError("the disk is full")

    schedule = Schedule([Job("fails", fail, every_s=0.05), Job("other", other.set, every_s=0.05)])
    running.append(schedule)
    schedule.start()
    assert all(twice.acquire(timeout=PATIENCE_S) for _ in range(2))
    assert other.wait(PATIENCE_S)
    assert schedule.failures["fails"] >= 1
    assert any("job=fails" in record.message for record in log.records)


def test_job_never_runs_twice_at_once(running):
    entered, leave, overlaps = threading.Semaphore(0), threading.Event(), []
    inside = threading.Lock()

    def slow() -> None:
        overlaps.append(not inside.acquire(blocking=False))
        entered.release()
        leave.wait(PATIENCE_S)
        inside.release()

    others = threading.Semaphore(0)
    schedule = Schedule([Job("slow", slow, every_s=0.02), Job("others", others.release, every_s=0.02)])
    running.append(schedule)
    schedule.start()
    assert entered.acquire(timeout=PATIENCE_S)
    assert all(others.acquire(timeout=PATIENCE_S) for _ in range(5))
    leave.set()
    assert overlaps == [False]


def test_times_of_day_are_utc():
    schedule = Schedule([Job("nightly", lambda: None, cron="30 2 * * *")])
    schedule.start()
    due = schedule.next_runs()["nightly"]
    schedule.stop()
    assert (due.astimezone(UTC).hour, due.astimezone(UTC).minute) == (2, 30)


@pytest.mark.parametrize("when", [{}, {"every_s": 1, "cron": "* * * * *"}, {"cron": "often"}])
def test_job_without_a_valid_time_is_refused(when):
    with pytest.raises(SettingsError, match="Job nightly"):
        Schedule([Job("nightly", lambda: None, **when)])


class SetBack:
    """A clock whose time of day can be set."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        return time.monotonic()


def test_jobs_are_planned_anew_when_the_clock_is_set_back(running, log):
    """The scheduler plans by the time of day: a job would not run until an hour that was taken back is over."""
    ran = threading.Semaphore(0)
    clock = SetBack()
    schedule = Schedule([Job("hourly", ran.release, every_s=3600.0)], clock)
    running.append(schedule)
    schedule.start()
    assert not ran.acquire(timeout=0.1)
    clock.ahead = timedelta(hours=-1)
    assert ran.acquire(timeout=PATIENCE_S)


def test_what_a_job_says_itself_needs_no_traceback(running, log):
    failed = threading.Event()

    def fail() -> None:
        failed.set()
        raise StorageError("The database is away; start it.")

    schedule = Schedule([Job("fails", fail, every_s=0.05)])
    running.append(schedule)
    schedule.start()
    assert failed.wait(PATIENCE_S)
    schedule.stop()
    deadline = time.monotonic() + PATIENCE_S
    while not log.records and time.monotonic() < deadline:
        time.sleep(0.01)
    assert all(record.exc_info is None for record in log.records)
    assert "The database is away" in log.records[0].message
