"""The life of one supervised process, on an injected clock and with processes that are only pretended."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from engage.errors import EngageError
from engage.runtime.messages import Heartbeat
from engage.runtime.processes import SERVED_S, START_FACTOR, Supervised
from engage.runtime.specs import ProcessSpec, WorkerSpec
from engage.runtime_settings import Runtime

RUNTIME = Runtime(heartbeat_timeout_s=10.0, restart_budget=3, restart_window_s=100.0)
WORKER = ProcessSpec("inference", WorkerSpec("inference", "a:b"))


@dataclass
class FakeProcess:
    code: int | None = None
    killed: bool = False
    pid: int = 1

    def exit_code(self) -> int | None:
        return self.code

    def wait(self, timeout_s: float) -> bool:
        return self.code is not None

    def stop(self) -> None:
        self.code = 0

    def kill(self) -> None:
        self.code, self.killed = -9, True


@dataclass
class FakeLauncher:
    launched: list[FakeProcess] = field(default_factory=list)
    broken: bool = False

    def launch(self, process: ProcessSpec, incarnation: int) -> FakeProcess:
        if self.broken:
            raise EngageError("no room for another process")
        self.launched.append(FakeProcess())
        return self.launched[-1]


@pytest.fixture
def launcher() -> FakeLauncher:
    return FakeLauncher()


def supervised(launcher: FakeLauncher, spec: ProcessSpec = WORKER) -> Supervised:
    process = Supervised(spec, launcher, RUNTIME)
    process.tick(0.0)
    return process


def beat(process: Supervised, now_s: float, **words) -> None:
    ages = words.pop("ages", {"inference": 0.1})
    process.hear(Heartbeat(process.spec.name, process.incarnation, 1, ages, **words), now_s)


def test_restarts_are_immediate_first_then_ever_slower_until_the_budget_is_spent(launcher):
    process = supervised(launcher)
    starts, now_s = [0.0], 0.0
    while not process.given_up:
        if launcher.launched[-1].code is None:
            launcher.launched[-1].code = 1
        before = len(launcher.launched)
        process.tick(now_s)
        if len(launcher.launched) > before:
            starts.append(now_s)
        now_s += 0.25
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert len(gaps) == RUNTIME.restart_budget
    assert gaps == sorted(gaps)
    assert gaps[0] <= 0.25
    assert gaps[-1] >= 1.0
    process.tick(now_s + 1000)
    assert len(launcher.launched) == 1 + RUNTIME.restart_budget


def test_falls_long_ago_do_not_count(launcher):
    process = supervised(launcher)
    for fall in range(20):
        now_s = (fall + 1) * (RUNTIME.restart_window_s / RUNTIME.restart_budget + 1)
        launcher.launched[-1].code = -9
        process.tick(now_s)
        process.tick(now_s + 5)
    assert not process.given_up
    assert process.state(now_s).restarts == 20


def restarted(process, launcher, now_s):
    """Kill the process and return when it is started again, which is looked for eight times a second."""
    launcher.launched[-1].code = -9
    before = len(launcher.launched)
    while len(launcher.launched) == before and not process.given_up:
        process.tick(now_s)
        now_s += 0.125
    return now_s


def waits_of_one_that_ends(launcher, after_ready_s, times):
    """Return how long each next start waits of a process that ends so long after it was ready."""
    process, now_s, waits = Supervised(WORKER, launcher, RUNTIME.model_copy(update={"restart_budget": 50})), 0.0, []
    process.tick(now_s)
    for _ in range(times):
        beat(process, now_s)
        fallen_s = now_s + after_ready_s
        now_s = restarted(process, launcher, fallen_s)
        waits.append(now_s - fallen_s)
    return waits


def test_what_had_served_is_started_again_at_once_each_time(launcher):
    assert max(waits_of_one_that_ends(launcher, SERVED_S, 6)) <= 0.25


def test_what_ends_soon_after_it_was_ready_waits_ever_longer(launcher):
    waits = waits_of_one_that_ends(launcher, SERVED_S - 1.0, 6)
    assert waits[0] <= 0.25
    assert waits == sorted(waits)
    assert waits[-1] >= 8.0


def test_one_that_had_served_ends_the_row_of_those_that_had_not(launcher):
    process = supervised(launcher)
    now_s = 0.0
    for after_ready_s in (0.0, 0.0, SERVED_S):
        beat(process, now_s)
        now_s = restarted(process, launcher, now_s + after_ready_s)
    beat(process, now_s)
    assert restarted(process, launcher, now_s) - now_s <= 0.25


def test_the_budget_counts_also_what_had_served(launcher):
    process = supervised(launcher)
    now_s = 0.0
    for _ in range(RUNTIME.restart_budget):
        beat(process, now_s)
        now_s = restarted(process, launcher, now_s + SERVED_S)
    assert not process.given_up
    beat(process, now_s)
    launcher.launched[-1].code = -9
    process.tick(now_s + SERVED_S)
    assert process.given_up


def test_silence_is_a_hang_and_is_cured_by_killing(launcher):
    process = supervised(launcher)
    beat(process, 1.0)
    process.tick(10.9)
    assert not launcher.launched[0].killed
    process.tick(11.1)
    assert launcher.launched[0].killed
    process.tick(11.2)
    process.tick(11.3)
    assert len(launcher.launched) == 2


def test_start_may_take_longer_than_a_beat(launcher):
    process = supervised(launcher)
    process.tick(START_FACTOR * RUNTIME.heartbeat_timeout_s - 1)
    assert not launcher.launched[0].killed
    process.tick(START_FACTOR * RUNTIME.heartbeat_timeout_s + 1)
    assert launcher.launched[0].killed


def test_worker_that_hangs_in_a_process_that_beats_is_named(launcher):
    process = supervised(launcher, ProcessSpec("capture-1"))
    beat(process, 1.0, ages={"good": 0.1, "bad": 10.5}, starting={"slow": 20.0})
    process.tick(1.1)
    assert launcher.launched[0].killed
    assert process.hung_worker == "bad"


def test_words_of_an_earlier_incarnation_are_ignored(launcher):
    process = supervised(launcher)
    late = Heartbeat("inference", 1, 1, {"inference": 0.0})
    launcher.launched[0].code = -9
    process.tick(1.0)
    process.tick(1.1)
    process.hear(late, 1.2)
    assert not process.ready


def test_nobody_is_blamed_for_a_supervisor_that_stood_still(launcher):
    process = supervised(launcher)
    beat(process, 1.0)
    process.excuse(500.0)
    process.tick(500.0)
    assert not launcher.launched[0].killed


def test_readiness_needs_the_worker_itself(launcher):
    process = supervised(launcher)
    assert not process.state(0.0).ready
    beat(process, 1.0, ages={}, starting={"inference": 1.0})
    assert process.heard
    assert not process.ready
    beat(process, 2.0)
    assert process.state(2.5).ready
    assert process.state(2.5).age_s == 0.5


def test_refusal_at_first_is_final_but_later_it_is_bad_luck(launcher):
    first = supervised(launcher)
    beat(first, 0.5, ages={}, refusal="Port 1 is in use.")
    launcher.launched[-1].code = 2
    first.tick(1.0)
    assert first.given_up
    assert first.refused
    assert first.state(1.0).refusal == "Port 1 is in use."
    second = supervised(launcher)
    beat(second, 1.0)
    launcher.launched[-1].code = 2
    second.tick(50.0)
    assert not second.given_up


def test_launcher_that_fails_is_tried_again(launcher):
    launcher.broken = True
    process = supervised(launcher)
    launcher.broken = False
    process.tick(0.1)
    assert len(launcher.launched) == 1
