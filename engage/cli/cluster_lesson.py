"""A lesson on a Ray cluster without a dashboard: for a measurement or a test, which hears what pages would be told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from engage.cli.parts import fixed_processes
from engage.cli.plan import Plan
from engage.config import Settings
from engage.core.updates import LiveUpdate
from engage.errors import EngageError
from engage.runtime.by_ray import RayLauncher
from engage.runtime.channels import UPDATES
from engage.runtime.processes import ProcessState
from engage.runtime.specs import WorkerSpec
from engage.runtime.supervisor import Supervisor
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.queries import Queries
from engage.storage.records import DemoMember

PATIENCE_S = 150.0
LOOK_EVERY_S = 0.05

Key = tuple[int, int]
"""(student, second)."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a sample's newest frame was captured, when it was committed, and when its event was heard (epoch)."""

    captured_s: float
    committed_s: float
    heard_s: float


@dataclass
class Heard:
    """What live pages are told, as the web process would hear it."""

    keys: list[Key] = field(default_factory=list)
    """Of each sample as often as it came."""
    rows: dict[Key, Arrival] = field(default_factory=dict)
    latest: dict[int, int] = field(default_factory=dict)
    """Of each student the newest second."""

    def take(self, update: LiveUpdate) -> None:
        """Note one update."""
        now = time.time()
        for scored in update.samples:
            sample = scored.sample
            key = sample.student_id, sample.second
            self.keys.append(key)
            self.rows.setdefault(key, Arrival(sample.captured_at.timestamp(), update.committed_at.timestamp(), now))
            self.latest[sample.student_id] = sample.second


class ClusterLesson:
    """A running lesson; ``specs`` are the capture workers that its supervisor wants."""

    def __init__(self, settings: Settings, members: Sequence[DemoMember], factory: str | None = None) -> None:
        """Start it on the cluster and the database of ``settings``; ``factory`` stands for that of capture workers."""
        self.settings = settings
        with ExitStack() as stack:
            self.database = Database.of(settings)
            stack.callback(self.database.close)
            self.database.open()
            self.queries, classroom = Queries(self.database), Classroom(self.database)
            self.session = classroom.start_session(classroom.ensure_demo(list(members)), None)
            self.launcher = stack.enter_context(RayLauncher(settings))
            self.plan = _Plan(Plan(settings, self.queries, classroom, self.launcher.cores), factory)
            self.specs = self.plan()
            fixed = [process for process in fixed_processes(settings, None, None) if not process.here]
            self.supervisor = Supervisor(settings, self.launcher, fixed, self.plan)
            self.heard = Heard()
            self._error: EngageError | None = None
            self._stop = threading.Event()
            threads = [threading.Thread(target=self._listen), threading.Thread(target=self._supervise)]
            for thread in threads:
                thread.start()
                stack.callback(thread.join, PATIENCE_S)
            stack.callback(self._stop.set)
            self._stack = stack.pop_all()

    def close(self) -> None:
        """End all processes and let go of the database."""
        self._stack.close()

    def states(self) -> dict[str, ProcessState]:
        """Return how every process stands, by its name."""
        return {state.name: state for state in self.supervisor.state()}

    def looked_after(self) -> set[str]:
        """Return the capture workers that run on a machine that is there."""
        offered = {place.name for place in self.launcher.groups()}
        return {worker for state in self.supervisor.state() if state.name in offered for worker in state.workers}

    def until(self, fact: Callable[[], bool], what: str) -> None:
        """Wait until ``fact()`` holds. Raises EngageError where it does not come, or a process refuses to run."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not fact():
            if self._error is not None:
                raise self._error
            if time.monotonic() > deadline_s:
                raise EngageError(f"{what} did not happen in {PATIENCE_S:.0f} s: {self._standing()}.")
            time.sleep(LOOK_EVERY_S)

    def until_sampled(self, students: set[int], since: float, what: str) -> None:
        """Wait until each of ``students`` has a sample of a second past ``since`` (epoch); raises as ``until``."""
        self.until(lambda: all(self.heard.latest.get(each, 0) > since for each in students), what)

    def _standing(self) -> str:
        heard = len(self.heard.latest)
        trouble = [state.name for state in self.supervisor.state() if state.given_up or not state.ready]
        return f"{heard} of {len(self.specs)} students were heard of, not ready are {', '.join(trouble) or 'none'}"

    def _listen(self) -> None:
        receiver = self.launcher.channels.receiver(UPDATES)
        while not self._stop.is_set():
            for message in receiver.receive(0.2):
                if isinstance(message, LiveUpdate):
                    self.heard.take(message)
        receiver.close()

    def _supervise(self) -> None:
        try:
            self.supervisor.run(self._stop)
        except EngageError as error:
            self._error = error


@dataclass(frozen=True, slots=True)
class _Plan:
    plan: Plan
    factory: str | None

    def __call__(self) -> list[WorkerSpec]:
        return [replace(spec, factory=self.factory or spec.factory) for spec in self.plan()]


@contextmanager
def cluster_lesson(
    settings: Settings, members: Sequence[DemoMember], factory: str | None = None
) -> Iterator[ClusterLesson]:
    """Give a running lesson (see ClusterLesson), ended afterwards."""
    lesson = ClusterLesson(settings, members, factory)
    try:
        yield lesson
    finally:
        lesson.close()
