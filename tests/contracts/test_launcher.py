"""What every launcher promises: real processes that are killed, hang or refuse, and leave nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from engage.cli.throwaway_ray import RayCluster, ray_cluster
from engage.config import Settings
from engage.core.types import SourceStatus
from engage.errors import EngageError
from engage.runtime.launchers import build_launcher
from engage.runtime.specs import ProcessSpec, WorkerSpec
from engage.runtime.supervisor import Supervisor

RUNTIME = Path(__file__).parents[1] / "runtime"
PATIENCE_S = 90.0

pytestmark = [pytest.mark.flaky(reruns=1, reruns_delay=1), pytest.mark.timeout(300)]  # the machine has other work too


def worker(name: str, trouble: str = "", marker: str = "") -> WorkerSpec:
    return WorkerSpec(name, "small_workers:small", {"trouble": trouble, "marker": marker})


def process(name: str, trouble: str = "", marker: str = "") -> ProcessSpec:
    return ProcessSpec(name, worker(name, trouble, marker))


class Deployment:
    """A supervisor in a thread, and what its workers say."""

    def __init__(
        self, base: dict[str, Any], fixed: Sequence[ProcessSpec], plan: Sequence[WorkerSpec] = (), **runtime: float
    ) -> None:
        every = {"capture_processes": 2, "heartbeat_timeout_s": 2.0}
        self.settings = Settings(**{**base, "runtime": {**every, **base["runtime"], **runtime}})
        self.plan = tuple(plan)
        self.launcher = build_launcher(self.settings, {"PYTHONPATH": str(RUNTIME)}).__enter__()
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
            line = " ".join(child.cmdline())
            if "engage.runtime.host" in line or "ray::HostActor" in line:
                workers.add(child)
    return workers


def assert_none_left(before: set[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(offspring() - before, PATIENCE_S)
    assert not alive


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    """Yield a Ray cluster of one machine, or skip."""
    pytest.importorskip("ray", reason="Ray is not installed")
    with ray_cluster([{"num_cpus": 2}], RUNTIME) as running:
        yield running


def wait_for_end_of(pid: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while psutil.pid_exists(pid):
        assert time.monotonic() < deadline, f"{pid} still runs"
        time.sleep(0.05)


ALSO_NIGHTLY = pytest.mark.parametrize("base", ["local", pytest.param("ray", marks=pytest.mark.nightly)], indirect=True)
"""Starting processes by Ray takes seconds each: what it needs least to be seen at every change, it shows at night."""


@pytest.fixture(params=["local", "ray"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Return the settings of a launcher."""
    if request.param == "local":
        return {"home": tmp_path, "runtime": {}}
    running: RayCluster = request.getfixturevalue("cluster")
    runtime = {"launcher": "ray", "ray": {"address": running.address}, "heartbeat_timeout_s": 5.0}
    return {"home": tmp_path, "database": {"url": "postgresql://nobody@127.0.0.1/none"}, "runtime": runtime}


@pytest.fixture
def deploy(base: dict[str, Any]) -> Iterator[Callable[..., Deployment]]:
    before = offspring()
    deployments: list[Deployment] = []

    def start(*args: Sequence[ProcessSpec] | Sequence[WorkerSpec], **runtime: float) -> Deployment:
        deployments.append(Deployment(base, *args, **runtime))
        return deployments[-1]

    yield start
    for deployment in deployments:
        deployment.close()
    assert_none_left(before)


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
    states = system.supervisor.state()
    assert [state.restarts for state in states] == [0, 1, 1, 0], [state.name for state in states]


@ALSO_NIGHTLY
def test_hung_worker_gets_its_process_replaced_and_the_others_come_back(deploy, tmp_path):
    marker = tmp_path / "hung"
    system = deploy([], [worker("good"), worker("bad", "hang", str(marker))], capture_processes=1)
    old = system.hear("started", "good")
    assert system.hear("started", "bad") == old
    new = system.hear("started", "good", other_than=old)
    assert system.hear("started", "bad", other_than=old) == new
    wait_for_end_of(old)


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


@ALSO_NIGHTLY
def test_what_workers_count_is_told_by_their_process(deploy):
    system = deploy([process("collector")], [worker("camera-1"), worker("camera-2")], capture_processes=1)

    def counted(state):
        return sorted(each.meters.get("frames_read", 0) for each in state)

    assert system.supervisor.wait_until(lambda state: counted(state) == [1, 2], PATIENCE_S), "a group adds up"


@ALSO_NIGHTLY
def test_worker_that_is_finished_is_not_started_again(deploy):
    system = deploy([], [WorkerSpec("over", "small_workers:Leaving"), worker("stays")], capture_processes=1)
    system.hear("started", "over")
    system.hear("started", "stays")
    system.plan = (*system.plan, worker("later"))
    system.hear("started", "later")
    assert system.hear_no_more("started", "over")


@ALSO_NIGHTLY
def test_process_that_keeps_dying_is_given_up_and_the_rest_runs_on(deploy):
    system = deploy([process("web"), process("inference", "exit")], restart_budget=1)
    pid = system.hear("started", "web")
    assert system.supervisor.wait_until(lambda state: any(each.given_up for each in state), PATIENCE_S)
    assert state_of(system, "inference").restarts == 1
    assert psutil.pid_exists(pid)
    assert state_of(system, "web").alive


@ALSO_NIGHTLY
def test_process_that_refuses_ends_the_program_with_its_reason(deploy):
    before = offspring()
    system = deploy([process("collector"), ProcessSpec("web", WorkerSpec("web", "small_workers:refusing"))])
    system.wait_for_end()
    assert str(system.error) == "Port 1 is in use."
    assert_none_left(before)


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
    wait_for_end_of(deaf)


@ALSO_NIGHTLY
def test_process_that_is_still_loading_does_not_hold_up_the_stop(deploy, caplog):
    caplog.set_level("INFO", "engage")
    system = deploy([ProcessSpec("inference", WorkerSpec("inference", "small_workers:loading"))], drain_s=PATIENCE_S)
    system.hear("loading", "inference")
    system.stop()
    assert not [record for record in caplog.records if "killed" in record.message]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_supervisor(base, tmp_path, number):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(RUNTIME.parents[1]), str(RUNTIME)])}
    settings = json.dumps({**base, "home": str(tmp_path)})
    command = [sys.executable, str(RUNTIME / "supervising.py"), settings]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as program:
        said: list[list[str]] = []
        while len(said) < 3:
            said.append(program.stdout.readline().split())
        children = [psutil.Process(int(words[2])) for words in said]
        started_here = psutil.Process(program.pid).children(recursive=True)
        assert set(started_here) in (set(), set(children)), "it started what it does not know of"
        program.send_signal(number)
        _, alive = psutil.wait_procs(children, timeout=PATIENCE_S)
        assert not alive
        rest = {tuple(line.split()[:2]) for line in program.stdout}
    assert program.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    if number == signal.SIGTERM:
        assert rest == {("stopped", "camera"), ("stopped", "collector"), ("stopped", "web")}
        assert not list(tmp_path.glob("var/run/*")), "no socket is left"
