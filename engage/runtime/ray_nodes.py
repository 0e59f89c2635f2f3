"""The machines of a Ray cluster, looked at twice a second: what they have, and whether they answer."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LOOK_EVERY_S = 0.5
PROBE_S = 1.0
SITE = "site:"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Node:
    """One machine: Ray's id of it, its address in the cluster, and what workers may use."""

    id: str
    host: str
    cores: int
    gpus: float
    sites: frozenset[str]

    def has_group(self, group: str) -> bool:
        """Return whether ``group`` is one of this machine's."""
        return group.startswith(f"capture-{self.short}-")

    @property
    def short(self) -> str:
        """Return the end of its id, for names."""
        return self.id[-8:]


class Nodes:
    """The machines that answer now. Ray takes some 15 s to believe a machine's end; a refused connection tells at once.

    ``read`` is ``ray.nodes``. Looked at in a thread until closed; ``alive`` may be called from any thread.
    """

    def __init__(self, read: Callable[[], Sequence[Mapping[str, Any]]]) -> None:
        self._read = read
        self._alive: tuple[Node, ...] = ()
        self._missed: dict[str, int] = {}
        self._stop = threading.Event()
        self._look()
        self._thread = threading.Thread(target=self._run, name="ray-nodes", daemon=True)
        self._thread.start()

    def alive(self) -> tuple[Node, ...]:
        """Return the machines that answer, in the order of their ids."""
        return self._alive

    def has(self, node: Node) -> bool:
        """Return whether ``node`` answers."""
        return any(each.id == node.id for each in self._alive)

    def close(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join(2 * PROBE_S)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            try:
                self._look()
            except Exception as error:  # the last known machines stand; nothing else can be done here
                logger.warning("the machines of the cluster cannot be listed reason=%s", error)

    def _look(self) -> None:
        told = [raw for raw in self._read() if raw["Alive"]]
        found = tuple(sorted((_node(raw) for raw in told if self._answers(raw)), key=lambda node: node.id))
        for gone in {node.id: node for node in self._alive if node.id not in {each.id for each in found}}.values():
            logger.warning("machine=%s host=%s is gone", gone.short, gone.host)
        for new in [node for node in found if node.id not in {each.id for each in self._alive}]:
            logger.info("machine=%s host=%s cores=%s gpus=%s sites=%s", new.short, new.host, new.cores, new.gpus,
                        ",".join(sorted(new.sites)) or "none")  # fmt: skip
        self._alive = found

    def _answers(self, raw: Mapping[str, Any]) -> bool:
        """Return whether the machine's raylet takes connections; one that is only slow has a second chance."""
        node_id = raw["NodeID"]
        try:
            socket.create_connection((raw["NodeManagerAddress"], raw["NodeManagerPort"]), PROBE_S).close()
        except ConnectionRefusedError:
            return False
        except OSError:
            self._missed[node_id] = self._missed.get(node_id, 0) + 1
            return self._missed[node_id] < 2
        self._missed.pop(node_id, None)
        return True


def _node(raw: Mapping[str, Any]) -> Node:
    resources: Mapping[str, float] = raw["Resources"]
    sites = frozenset(name.removeprefix(SITE) for name, amount in resources.items() if name.startswith(SITE) and amount)
    return Node(
        raw["NodeID"], raw["NodeManagerAddress"], int(resources.get("CPU", 0)), resources.get("GPU", 0.0), sites
    )
