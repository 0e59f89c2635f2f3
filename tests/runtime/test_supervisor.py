"""The supervisor with real processes: what is killed, hangs or refuses, and what is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from engage.config import Settings
from engage.core.types import SourceStatus
from engage.errors import EngageError
from engage.runtime.launcher import LocalLauncher
from engage.runtime.specs import ProcessSpec, WorkerSpec
from engage.runtime.supervisor import Supervisor

HERE = Path(__file__).parent
PATIENCE_S = 30.0


def worker(name: str, trouble: str = "", marker: str = "") -> WorkerSpec:
    return WorkerSpec(name, "small_workers:small", {"trouble": trouble, "marker": marker})


def process(name: str, trouble: str = "", marker: str = "") -> ProcessSpec:
    return ProcessSpec(name, worker(name, trouble, marker))


class Deployment:
    """A supervisor in a thread, and what its workers say."""

    def __init__(
        self, home: Path, fixed: Sequence[ProcessSpec], plan: Sequence[WorkerSpec] = (), **runtime: float
    ) -> None:
        self.settings = Settings(home=home, runtime={"capture_processes": 2, "heartbeat_timeout_s": 2.0, **runtime})
        self.plan = tuple(plan)
        self.launcher = LocalLauncher(self.settings, {"PYTHONPATH": str(HERE)}).__enter__()
        self.supervisor = Supervisor(self.settings, self.launcher, fixed, lambda: self.plan)
        self.error: EngageError | None = None
        self.said = self.launcher.channels.receiver("signals")
        self._words: list[list[str]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.supervisor.run(self._stop)
        except EngageError as error:
            self.error = error

    def hear(self, what: str, name: str, other_than: int = 0) -> int:
        """Wait until worker ``name`` says ``what``; return the process id it says it from."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for words in list(self._words):
                if words[:2] == [what, name] and int(words[2]) != other_than:
                    self._words.remove(words)
                    return int(words[2])
            self._words += [m.detail.split() for m in self.said.receive(0.2) if isinstance(m, SourceStatus)]
        raise AssertionError(f"{name} has not said {what}; heard {self._words}, state {self.supervisor.state()}")

    def hear_no_more(self, what: str, name: str) -> bool:
        self._words += [m.detail.split() for m in self.said.receive(0) if isinstance(m, SourceStatus)]
        return not [words for words in self._words if words[:2] == [what, name]]

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def wait_for_end(self) -> None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def close(self) -> None:
        self.stop()
        self.said.close()
        self.launcher.__exit__(None, None, None)


def offspring() -> set[psutil.Process]:
    """Return the worker processes of this one; a browser that other tests share comes and goes as it likes."""
    workers = set()
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "engage.runtime.host" in child.cmdline():
                workers.add(child)
    return workers


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    before = offspring()
    deployments: list[Deployment] = []

    def start(*args: Sequence[ProcessSpec] | Sequence[WorkerSpec], **runtime: float) -> Deployment:
        deployments.append(Deployment(tmp_path, *args, **runtime))
        return deployments[-1]

    yield start
    for deployment in deployments:
        deployment.close()
    assert offspring() <= before


def state_of(deployment: Deployment, name: str):
    return next((each for each in deployment.supervisor.state() if each.name == name), None)


def test_killed_process_is_started_again_and_the_rest_runs_on(deploy):
    system = deploy([process("web"), process("collector")], [worker("camera-1"), worker("camera-2")])
    web, collector = system.hear("started", "web"), system.hear("started", "collector")
    first, second = system.hear("started", "camera-1"), system.hear("started", "camera-2")
    assert len({web, collector, first, second}) == 4, "every core has its group"
    for name, pid in (("collector", collector), ("camera-1", first)):
        os.kill(pid, signal.SIGKILL)
        assert system.hear("started", name, other_than=pid) != pid
    assert psutil.pid_exists(web)
    assert psutil.pid_exists(second)
    assert system.supervisor.wait_ready(PATIENCE_S)
    assert [state_of(system, name).restarts for name in ("web", "collector", "capture-1", "capture-2")] == [0, 1, 1, 0]


def test_hung_worker_gets_its_process_replaced_and_the_others_come_back(deploy, tmp_path):
    marker = tmp_path / "hung"
    system = deploy([], [worker("good"), worker("bad", "hang", str(marker))], capture_processes=1)
    old = system.hear("started", "good")
    assert system.hear("started", "bad") == old
    new = system.hear("started", "good", other_than=old)
    assert system.hear("started", "bad", other_than=old) == new
    assert not psutil.pid_exists(old)


def test_plan_is_followed_and_a_failing_worker_does_not_disturb_its_group(deploy, tmp_path):
    system = deploy([], [worker("stays"), worker("fails", "raise", str(tmp_path / "failed"))], capture_processes=1)
    pid = system.hear("started", "stays")
    system.hear("started", "fails")
    assert system.hear("started", "fails") == pid, "started again in the same process"
    system.plan = (worker("stays"), worker("new"))
    system.supervisor.nudge()
    assert system.hear("stopped", "fails") == pid
    assert system.hear("started", "new") == pid
    assert system.hear_no_more("stopped", "stays")


def test_worker_that_is_finished_is_not_started_again(deploy):
    system = deploy([], [WorkerSpec("over", "small_workers:Leaving"), worker("stays")], capture_processes=1)
    system.hear("started", "over")
    system.hear("started", "stays")
    system.plan = (*system.plan, worker("later"))
    system.hear("started", "later")
    assert system.hear_no_more("started", "over")


def test_process_that_keeps_dying_is_given_up_and_the_rest_runs_on(deploy):
    system = deploy([process("web"), process("inference", "exit")], restart_budget=1)
    pid = system.hear("started", "web")
    assert system.supervisor.wait_until(lambda state: any(each.given_up for each in state), PATIENCE_S)
    assert state_of(system, "inference").restarts == 1
    assert psutil.pid_exists(pid)
    assert state_of(system, "web").alive


def test_process_that_refuses_ends_the_program_with_its_reason(deploy):
    before = offspring()
    system = deploy([process("collector"), ProcessSpec("web", WorkerSpec("web", "small_workers:refusing"))])
    system.wait_for_end()
    assert str(system.error) == "Port 1 is in use."
    assert offspring() <= before


def test_stop_drains_capture_first_and_the_web_last_and_kills_what_ignores_it(deploy):
    fixed = [process("web"), process("collector"), process("deaf", "ignore stop")]
    system = deploy(fixed, [worker("camera")], drain_s=4.0, capture_processes=1)
    for name in ("web", "collector", "deaf", "camera"):
        system.hear("started", name)
    deaf = state_of(system, "deaf").pid
    system.stop()
    last_words: list[SourceStatus] = []
    while len(last_words) < 3:
        last_words += [message for message in system.said.receive(PATIENCE_S) if isinstance(message, SourceStatus)]
    order = [message.detail.split()[:2] for message in sorted(last_words, key=lambda message: message.at)]
    assert order == [["stopped", "camera"], ["stopped", "collector"], ["stopped", "web"]]
    assert not psutil.pid_exists(deaf)


def test_process_that_is_still_loading_does_not_hold_up_the_stop(deploy, log):
    system = deploy([ProcessSpec("inference", WorkerSpec("inference", "small_workers:loading"))], drain_s=PATIENCE_S)
    system.hear("loading", "inference")
    system.stop()
    assert not [record for record in log.records if "killed" in record.message]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_supervisor(tmp_path, number):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), str(HERE)])}
    command = [sys.executable, str(HERE / "supervising.py"), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as program:
        said: list[list[str]] = []
        while len(said) < 3:
            said.append(program.stdout.readline().split())
        children = psutil.Process(program.pid).children(recursive=True)
        assert {int(words[2]) for words in said} == {child.pid for child in children}
        program.send_signal(number)
        _, alive = psutil.wait_procs(children, timeout=10)
        assert not alive
        rest = {tuple(line.split()[:2]) for line in program.stdout}
    assert program.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    if number == signal.SIGTERM:
        assert rest == {("stopped", "camera"), ("stopped", "collector"), ("stopped", "web")}
        assert not list((tmp_path / "var/run").iterdir()), "no socket is left"
