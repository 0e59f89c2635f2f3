"""The capture groups of a deployment: which there are, which runs which workers, what each was told."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from engage.core.protocols import Sender
from engage.runtime.channels import assignments
from engage.runtime.launcher import GroupPlace, Launcher
from engage.runtime.messages import Assignment
from engage.runtime.placement import Held, place
from engage.runtime.processes import Supervised
from engage.runtime.specs import ProcessSpec, WorkerSpec
from engage.runtime_settings import Runtime

REFRESH_S = 2.0

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Told:
    """What a group was told last."""

    sender: Sender
    incarnation: int = 0
    workers: tuple[WorkerSpec, ...] = ()
    at_s: float = float("-inf")


class Groups:
    """Keeps the capture groups running that have workers, and tells them which; used by the supervisor's thread.

    A group starts when it first has a worker and stays warm. Where the launcher has no room for one any more, as when
    its machine is gone, its workers move to others at once.
    """

    def __init__(self, launcher: Launcher, runtime: Runtime) -> None:
        self._launcher = launcher
        self._runtime = runtime
        self._groups: dict[str, Supervised] = {}
        self._told: dict[str, _Told] = {}
        self._placed: dict[str, str] = {}
        self._unplaced: dict[str, WorkerSpec] = {}
        self._held = Held()

    def all(self) -> Sequence[Supervised]:
        """Return the groups that were started, in that order."""
        return list(self._groups.values())

    def unplaced(self) -> Sequence[WorkerSpec]:
        """Return the workers that no group could take at the last tick: no machine is at their site, or none at all."""
        return tuple(self._unplaced.values())

    def tick(self, wanted: Sequence[WorkerSpec], now_s: float) -> None:
        """Start, restart and replace groups where that is due, and have the ``wanted`` workers run on them."""
        for group in self._groups.values():
            group.tick(now_s)
            if group.hung_worker is not None:
                hold_s = self._held.blame(group.hung_worker, now_s)
                logger.warning("worker=%s hung, held back for_s=%.1f", group.hung_worker, hold_s)
                group.hung_worker = None
        offered = {place.name: place for place in self._launcher.groups()}
        self._leave(set(self._groups) - set(offered))
        self._assign({spec.name: spec for spec in wanted}, offered, now_s)

    def _assign(self, wanted: dict[str, WorkerSpec], offered: dict[str, GroupPlace], now_s: float) -> None:
        self._held.forget(wanted)
        names = [name for name in offered if name not in self._groups or not self._groups[name].given_up]
        self._placed = place(
            wanted, names, self._placed, lambda worker, group: offered[group].suits(wanted[worker].site)
        )
        self._say_unplaced(wanted)
        for name in sorted(set(self._placed.values()) - set(self._groups)):
            self._groups[name] = Supervised(ProcessSpec(name), self._launcher, self._runtime)
            self._told[name] = _Told(self._launcher.channels.sender(assignments(name)))
        for name, group in self._groups.items():
            mine = [wanted[worker] for worker, where in self._placed.items() if where == name]
            self._tell(group, tuple(spec for spec in mine if not self._held.is_held(spec.name, now_s)), now_s)

    def _tell(self, group: Supervised, workers: tuple[WorkerSpec, ...], now_s: float) -> None:
        """Send a group its workers when they changed, when it is new, and every 2 s; never before it listens."""
        told = self._told[group.spec.name]
        fresh = told.incarnation == group.incarnation and told.workers == workers
        if not group.heard or (fresh and now_s - told.at_s < REFRESH_S):
            return
        told.incarnation, told.workers, told.at_s = group.incarnation, workers, now_s
        told.sender.send(Assignment(group.spec.name, group.incarnation, workers))

    def _leave(self, names: set[str]) -> None:
        for name in names:
            handle = self._groups.pop(name).handle
            if handle is not None:
                handle.kill()
            threading.Thread(target=self._told.pop(name).sender.close, daemon=True).start()  # nobody there may listen
            logger.warning("process=%s has no machine any more; its workers move", name)

    def _say_unplaced(self, wanted: dict[str, WorkerSpec]) -> None:
        unplaced = {name: spec for name, spec in wanted.items() if name not in self._placed}
        if unplaced and unplaced.keys() != self._unplaced.keys():
            sites = sorted({spec.site for spec in unplaced.values()} - {""})
            why = f"there is no machine at site {', '.join(sites)}" if sites else "all capture groups are given up"
            logger.error("%s workers cannot run: %s", len(unplaced), why)
        self._unplaced = unplaced
