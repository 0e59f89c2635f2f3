"""The launcher for many machines: Ray starts the processes; what they say to one another goes by sockets of our own.

Nothing is put into Ray's object store, so that nothing can be spilled to a disk: an actor is given its order and
answers with its exit code. Ray restarts nothing by itself; the supervisor does, as on one machine, and elsewhere where
a machine is gone.
"""

from __future__ import annotations

import concurrent.futures
import logging
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import ModuleType, TracebackType
from typing import Any, Self

import msgspec

from engage.config import Settings
from engage.core.clock import SystemClock
from engage.errors import EngageError, SettingsError
from engage.runtime.cluster import OPEN, ClusterChannels, Place, arguments_for
from engage.runtime.crews import FAILED
from engage.runtime.directory import Directory
from engage.runtime.host import Order
from engage.runtime.launcher import ONE_THREAD, GroupPlace, Handle, plain_settings, start
from engage.runtime.ray_actor import HostActor
from engage.runtime.ray_nodes import Node, Nodes
from engage.runtime.specs import HubSpec, ProcessSpec

KILLED, LOST_AFTER_S = -int(signal.SIGKILL), 3.0
"""A process that was killed on a machine that does not answer is taken for dead after this time."""
CALLS = 4
"""Threads of an actor: its work, and those that answer meanwhile."""

logger = logging.getLogger(__name__)


class RayProcess:
    """A process of the cluster: an actor, and what will become of its ``run``."""

    def __init__(self, actor: Any, order: bytes, is_lost: Callable[[], bool], end: Callable[[], None]) -> None:
        self._is_lost = is_lost
        self._actor = actor
        self._pid = actor.pid.remote().future()
        self._run = actor.run.remote(order).future()
        self._end = end
        self._killed_s: float | None = None
        self._code: int | None = None

    @property
    def pid(self) -> int:
        """Return its number on its machine, 0 before it has begun."""
        known = self._pid.done() and self._pid.exception() is None
        return int(self._pid.result()) if known else 0

    def exit_code(self) -> int | None:
        """Return how it ended, or None while it runs."""
        if self._code is None:
            if self._run.done():
                self._code = self._how_it_ended()
            elif self._is_lost() or (self._killed_s and time.monotonic() - self._killed_s > LOST_AFTER_S):
                self._code = KILLED
            if self._code is not None:
                self._end()
        return self._code

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end up to ``timeout_s``; return whether it has ended."""
        concurrent.futures.wait([self._run], max(0.0, timeout_s))
        return self.exit_code() is not None

    def stop(self) -> None:
        """Ask it to end."""
        self._actor.stop.remote()

    def kill(self) -> None:
        """End it at once."""
        self._killed_s = self._killed_s or time.monotonic()
        self._end()

    def _how_it_ended(self) -> int:
        error = self._run.exception()
        if error is None:
            return int(self._run.result())
        if "Actor" in type(error).__name__:  # it died, or its machine did, or cannot be reached
            return KILLED
        logger.warning("an actor failed: %s", str(error).strip().splitlines()[-1])
        return FAILED


class RayLauncher:
    """Places processes on the machines of a Ray cluster that runs already (docs/ray.md).

    Capture groups are made for every machine, as many as it has cores; the network is placed where there are GPUs, and
    otherwise, as the collector, where least runs. What must be on the supervisor's machine is started there.
    """

    def __init__(self, settings: Settings, environment: Mapping[str, str] | None = None) -> None:
        self._settings = settings
        self._environment = dict(environment or {})
        self._stack = ExitStack()
        self._entered = 0
        self._channels: ClusterChannels | None = None
        self._actors: dict[int, Any] = {}
        self._placed: dict[str, tuple[Node, float]] = {}

    def __enter__(self) -> Self:
        """Join the cluster. Raises EngageError where there is none, SettingsError where it would be of no use."""
        self._entered += 1
        if self._channels is not None:
            return self
        if self._settings.database_url.startswith("sqlite"):
            raise SettingsError(
                "runtime.launcher is ray, but database.url is a SQLite file, which other machines cannot reach; "
                "give a PostgreSQL server ('engage db copy' takes the data there)."
            )
        with ExitStack() as stack:
            self._ray = stack.enter_context(_joined(self._settings.runtime.ray.address))
            self._host = str(self._ray.util.get_node_ip_address())
            directory = self._directory = Directory(self._host, self._ports)
            stack.callback(directory.close)
            channels = ClusterChannels(directory.meeting, self._place("supervisor"), SystemClock())
            stack.callback(channels.close)
            self._nodes = Nodes(self._ray.nodes)
            stack.callback(self._nodes.close)
            stack.callback(self._end_all)
            self._stack = stack.pop_all()
            self._channels = channels
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End what still runs, and leave the cluster."""
        self._entered -= 1
        if not self._entered:
            self._channels = None
            self._stack.close()

    @property
    def channels(self) -> ClusterChannels:
        """Return the channels of this process."""
        if self._channels is None:
            raise EngageError("The launcher was not entered.")
        return self._channels

    def groups(self) -> Sequence[GroupPlace]:
        """Return the capture groups of all machines that answer."""
        asked = self._settings.runtime.capture_processes
        return [
            GroupPlace(f"capture-{node.short}-{number}", node.sites)
            for node in self._nodes.alive()
            for number in range(1, 1 + (min(asked, node.cores) if asked else node.cores))
        ]

    def cores(self) -> int:
        """Return how many cores the machines that answer give to Ray."""
        return max(1, sum(node.cores for node in self._nodes.alive()))

    def launch(self, process: ProcessSpec, incarnation: int) -> Handle:
        """Start a process. Raises EngageError where no machine can take it now."""
        name = f"{process.name}#{incarnation}"
        hub = HubSpec(OPEN, arguments_for(self._directory.meeting, self._place(name)))
        order = Order(process, incarnation, hub, plain_settings(self._settings))
        environment = {**self._environment, **process.environment}
        if process.here:
            return start(order, environment)
        node, gpus = self._chosen(process)
        self._placed[process.name] = node, gpus
        actor = self._actor_on(node, gpus, {**ONE_THREAD, **environment})
        self._actors[id(actor)] = actor

        def end() -> None:
            self._directory.forget(name)
            self._ray.kill(self._actors.pop(id(actor), actor), no_restart=True)

        return RayProcess(actor, msgspec.json.encode(order), lambda: not self._nodes.has(node), end)

    def _actor_on(self, node: Node, gpus: float, environment: Mapping[str, str]) -> Any:
        strategies = self._ray.util.scheduling_strategies
        wanted = {
            "num_cpus": 0,  # groups are as many as a machine has cores: this launcher counts them itself
            "num_gpus": gpus,
            "max_restarts": 0,
            "max_concurrency": CALLS,
            "scheduling_strategy": strategies.NodeAffinitySchedulingStrategy(node.id, soft=False),
        }
        return self._ray.remote(HostActor).options(**wanted).remote(environment)

    def _chosen(self, process: ProcessSpec) -> tuple[Node, float]:
        """Return the machine for ``process``, and its share of a GPU."""
        nodes = self._nodes.alive()
        if process.worker is None:
            for node in nodes:
                if node.has_group(process.name):
                    return node, 0.0
            raise EngageError(f"The machine of {process.name} is gone.")
        others = [place for name, place in self._placed.items() if name != process.name and "capture-" not in name]
        crowd = Counter(place[0].id for place in others)
        share = self._gpu_share(nodes) if process.gpu else 0.0
        for node in sorted(nodes, key=lambda node: crowd[node.id]):
            used = sum(gpus for where, gpus in others if where.id == node.id)
            if share and used + share <= node.gpus + 1e-6:
                return node, share
        free = [node for node in nodes if node.cores]
        if not free:
            raise EngageError("No machine of the cluster gives any core to Ray.")
        return min(free, key=lambda node: (crowd[node.id], -node.cores, node.id)), 0.0

    def _gpu_share(self, nodes: Sequence[Node]) -> float:
        """Return the share of a GPU that each replica of the network may have."""
        total = sum(node.gpus for node in nodes)
        return min(1.0, int(100 * total / self._settings.inference.replicas) / 100)

    @property
    def _ports(self) -> tuple[int, int]:
        ray = self._settings.runtime.ray
        return ray.first_port, ray.last_port

    def _place(self, process: str) -> Place:
        return Place(process, self._host, *self._ports)

    def _end_all(self) -> None:
        for actor in list(self._actors.values()):
            self._ray.kill(actor, no_restart=True)
        self._actors.clear()
        self._placed.clear()


@contextmanager
def _joined(address: str) -> Any:
    """Give Ray, as a driver of the cluster at ``address``; one that was joined before stays joined afterwards."""
    ray = _package()
    if ray.is_initialized():
        yield ray
        return
    with _own_signals():
        try:
            ray.init(address=address, log_to_driver=True, logging_level=logging.WARNING)
        except Exception as error:  # Ray has no error of its own for this
            reason = str(error).strip().splitlines()[0]
            raise EngageError(
                f"There is no Ray cluster at {address} ({reason}); start one by 'ray start --head', see docs/ray.md."
            ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _package() -> ModuleType:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError:
        raise SettingsError("runtime.launcher is ray, but Ray is not installed: pip install 'engage[ray]'.") from None
    return ray


@contextmanager
def _own_signals() -> Any:
    """Keep this program's answer to SIGTERM, which Ray replaces by its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
