"""Jobs of a deployment run in one process of several, also when that process is killed or stands still."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engage.cli.turn import NAME, Turn
from engage.errors import StorageError
from engage.storage.database import Database
from engage.storage.leases import claim, hold, let_go
from tests.databases import SetClock

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0
LEASE_S = 2.0


@dataclass(frozen=True)
class Line:
    """What a process wrote down."""

    name: str
    word: str
    at_s: float


class Runners:
    """Processes that share a database and a file."""

    def __init__(self, url: str, file: Path) -> None:
        self.url, self.file = url, file
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        file.touch()

    def start(self, *names: str) -> None:
        for name in names:
            command = [sys.executable, "-m", "tests.cluster.job_runner", self.url, str(self.file), name, str(LEASE_S)]
            self.processes[name] = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})

    def lines(self, word: str | None = None) -> list[Line]:
        read = [line.split() for line in self.file.read_text().splitlines()]
        found = [Line(name, said, float(at)) for name, said, at in read]
        return [line for line in found if word in (None, line.word)]

    def until(self, fact: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not fact():
            assert time.monotonic() < deadline, self.lines()[-20:]
            time.sleep(0.05)


@pytest.fixture
def runners(url: str, tmp_path: Path) -> Iterator[Runners]:
    made = Runners(url, tmp_path / "runs")
    yield made
    for process in made.processes.values():
        process.kill()
        process.wait()


def others(names: set[str], name: str) -> str:
    return next(iter(names - {name}))


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_one_process_runs_the_jobs_and_another_goes_on(runners: Runners, end: signal.Signals) -> None:
    """Whoever does is ended in the middle of a run; one that merely stood still does not come back to it."""
    names = {"first", "second"}
    runners.start(*names)
    runners.until(lambda: {line.name for line in runners.lines("lives")} == names)  # both could
    runners.until(lambda: len(runners.lines("ended")) >= 3)
    assert len({line.name for line in runners.lines("began")}) == 1
    here = runners.lines("began")[0].name
    there = others(names, here)
    begun = len(runners.lines("began"))
    runners.until(lambda: len(runners.lines("began")) > begun)
    runners.processes[here].send_signal(end)
    runners.until(lambda: len([line for line in runners.lines("ended") if line.name == there]) >= 2)
    if end is signal.SIGSTOP:
        lived = len([line for line in runners.lines("lives") if line.name == here])
        runners.processes[here].send_signal(signal.SIGCONT)
        runners.until(lambda: len([line for line in runners.lines("lives") if line.name == here]) > lived + 5)
    began = runners.lines("began")
    first = next(k for k, line in enumerate(began) if line.name == there)
    assert {line.name for line in began[:first]} == {here}
    assert {line.name for line in began[first:]} == {there}, "a process that lost its turn ran a job again"


def test_a_lease_is_prolonged_by_its_holder_and_taken_when_it_has_run_out(database: Database, clock: SetClock) -> None:
    assert hold(database, NAME, "first", clock.now(), 15)
    assert not hold(database, NAME, "second", clock.now(), 15)
    clock.advance(10)
    assert hold(database, NAME, "first", clock.now(), 15)
    clock.advance(10)
    assert not hold(database, NAME, "second", clock.now(), 15)
    clock.advance(5)
    assert hold(database, NAME, "second", clock.now(), 15)
    let_go(database, NAME, "first")  # it is not the first's any more
    assert not hold(database, NAME, "first", clock.now(), 15)
    let_go(database, NAME, "second")
    assert hold(database, NAME, "first", clock.now(), 15)
    assert claim(database, "the nightly review", "2026-11-22", clock.now(), 60), "other leases stand on their own"


class Gone(Database):
    """A database that cannot be reached once told so."""

    away = False

    def write(self):  # type: ignore[no-untyped-def]
        if self.away:
            raise StorageError("it is away")
        return super().write()


def test_without_the_database_a_turn_ends_with_its_lease(url: str, clock: SetClock) -> None:
    database = Gone(url)
    turn = Turn(database, 15, clock)
    turn.take()
    assert turn.mine()
    database.away = True
    clock.advance(14)
    turn.take()
    assert turn.mine()
    clock.advance(1)
    turn.take()
    assert not turn.mine()
    database.away = False
    turn.take()
    assert turn.mine()
    turn.stop()
    assert Turn(database, 15, clock).mine() is False
    other = Turn(database, 15, clock)
    other.take()
    assert other.mine(), "a program that ends lets go at once"
    database.close()
