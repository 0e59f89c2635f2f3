"""A real Ray cluster of several nodes on this machine, for a test or a measurement: gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

import engage
from engage.errors import SettingsError
from engage.runtime.addresses import free_port

STORE_BYTES = 80 * 2**20
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_agent_register_timeout_ms": "120000",
    "RAY_enable_metrics_collection": "0",
    "RAY_prestart_worker_first_driver": "0",
    "RAY_worker_niceness": "0",
}
"""No word to Ray's makers, patience, nothing started that nobody needs here, and workers that do not stand back.

Ray gives its workers the least priority but four (nice 15): beside anything else on the machine they hardly run.
"""
AGENT_FILES = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port")
END_WITHIN_S = 30.0


@dataclass
class RayCluster:
    """A running cluster; ``nodes`` are in their order of start, the head first. Each has a loopback address."""

    cluster: Any
    folder: Path
    nodes: list[Any] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Return where it can be joined."""
        return str(self.cluster.address)

    def short(self, number: int) -> str:
        """Return the end of a node's id, as the launcher has it in the names of its capture groups."""
        return str(self.nodes[number].node_id[-8:])

    def processes(self, number: int) -> Sequence[psutil.Process]:
        """Return a node's raylet and all that it started, the raylet last; nothing of what serves the whole cluster."""
        raylet = psutil.Process(next(iter(self.nodes[number].all_processes["raylet"])).process.pid)
        return [*raylet.children(recursive=True), raylet]

    def kill(self, number: int) -> None:
        """End a node at once, with all that runs on it, as when its power fails."""
        running = self.processes(number)
        for process in running:
            process.kill()
        psutil.wait_procs(running, timeout=END_WITHIN_S)
        self.cluster.remove_node(self.nodes[number], allow_graceful=False)


@contextmanager
def ray_cluster(nodes: Sequence[Mapping[str, Any]], *modules: Path) -> Iterator[RayCluster]:
    """Run a cluster with a node for each of ``nodes`` (``num_cpus``, ``num_gpus``, ``resources``), the head first.

    ``modules`` are folders that its workers import from, beside this program's. SettingsError where Ray is missing.
    """
    try:
        from ray.cluster_utils import Cluster
    except ImportError:
        raise SettingsError("This needs Ray, which is not installed: pip install 'engage[ray]'.") from None

    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        (folder / "ray").mkdir()  # Ray notes a cluster's address there, and makes only its usual place
        environment = {**ENVIRONMENT, "RAY_TMPDIR": str(folder), "PYTHONPATH": _python_path(folder, modules)}
        stack.enter_context(_environment(environment))
        running = RayCluster(Cluster(), folder)
        stack.callback(running.cluster.shutdown)
        for number, node in enumerate(nodes):
            with _patient(folder, number) as ports:
                extra = {"include_dashboard": False, "temp_dir": str(folder)} if number == 0 else {}
                running.nodes.append(
                    running.cluster.add_node(
                        node_ip_address=f"127.0.1.{number + 1}",
                        object_store_memory=STORE_BYTES,
                        **ports,
                        **extra,
                        **node,
                    )
                )
        yield running


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Have these environment variables while inside."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _python_path(folder: Path, modules: Sequence[Path]) -> str:
    """Return a PYTHONPATH that has this program, and hides a package of the development install.

    ``jsonschema``, which every one of Ray's dozen processes imports, imports it where it is there: 2 s of each.
    """
    (folder / "lighter").mkdir()
    (folder / "lighter" / "rfc3987_syntax.py").write_text('raise ImportError("not needed here")\n')
    root = Path(engage.__file__).resolve().parent.parent
    return os.pathsep.join([str(folder / "lighter"), str(root), *map(str, modules), os.environ.get("PYTHONPATH", "")])


@contextmanager
def _patient(folder: Path, number: int) -> Iterator[dict[str, Any]]:
    """Give a node's settings with which it does not wait for its agents.

    Ray gives each node's agents 15 s for their imports, which on a busy machine are not enough, and waits for files in
    which they write their ports; without the dashboard's packages most of these are -1 anyway.
    """
    node_id = f"{number + 1:056x}"
    started = threading.Event()
    port = free_port()

    def write() -> None:
        while not started.wait(0.02):
            for session in folder.glob("session_2*"):
                for name, text in {**dict.fromkeys(AGENT_FILES, "-1"), "runtime_env_agent_port": str(port)}.items():
                    file = session / f"{name}_{node_id}"
                    if not file.exists():
                        file.write_text(text)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with _environment({"RAY_OVERRIDE_NODE_ID_FOR_TESTING": node_id}):
            yield {"runtime_env_agent_port": port}
    finally:
        started.set()
        writer.join()
