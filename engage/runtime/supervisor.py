"""The supervisor: starts the processes, keeps them alive, tells the capture groups what to run, stops all in order."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from engage.config import Settings
from engage.core.clock import SystemClock
from engage.core.protocols import Clock, Receiver, Stop
from engage.errors import EngageError
from engage.runtime.channels import HEARTBEATS
from engage.runtime.groups import Groups
from engage.runtime.launcher import Launcher
from engage.runtime.messages import Heartbeat, Nudge
from engage.runtime.processes import ProcessState, Supervised
from engage.runtime.specs import ProcessSpec, WorkerSpec

TICK_S = 0.1
PLAN_S = 0.5
STAGGER_S = 2.0
"""The next fixed process starts when those before it are ready, or after this time."""
HELD_UP_S = 2.0
"""A tick this late means that the supervisor, or the machine, stood still; nobody is blamed for silence then."""
KILLED_WAIT_S = 2.0

Plan = Callable[[], Sequence[WorkerSpec]]

logger = logging.getLogger(__name__)


class Supervisor:
    """Runs the ``fixed`` processes, started in this order and stopped in reverse, and capture groups for the ``plan``.

    ``plan`` returns the complete list of capture workers wanted now; it is asked about twice a second in a thread of
    its own, and its last good answer stands while it fails. Groups start when first needed and stay warm. ``run``
    blocks; the other methods may be called from any thread.
    """

    def __init__(
        self,
        settings: Settings,
        launcher: Launcher,
        fixed: Sequence[ProcessSpec],
        plan: Plan = tuple,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings.runtime
        self._launcher = launcher
        self._clock: Clock = clock or SystemClock()
        self._fixed = [Supervised(spec, launcher, settings.runtime) for spec in fixed]
        self._groups = Groups(launcher, settings.runtime)
        self._plan = plan
        self._wanted: tuple[WorkerSpec, ...] = ()
        self._nudged = threading.Event()
        self._ended = threading.Event()
        self._changed = threading.Condition()
        self._state: tuple[ProcessState, ...] = ()
        self._last_tick_s = self._clock.monotonic()

    def run(self, stop: Stop) -> None:
        """Supervise until ``stop`` is set, then drain within ``runtime.drain_s``; no process outlives this call.

        Raises EngageError with the reason of a fixed process that cannot run at all.
        """
        with self._launcher:
            self._supervise(stop)

    def nudge(self) -> None:
        """Ask for the plan to be looked at now."""
        self._nudged.set()

    def state(self) -> tuple[ProcessState, ...]:
        """Return how every process stood at the last tick, the fixed ones first."""
        return self._state

    def unplaced(self) -> Sequence[WorkerSpec]:
        """Return the wanted capture workers for which there was no process at the last tick, nor a machine for one."""
        return self._groups.unplaced()

    def wait_until(self, fact: Callable[[tuple[ProcessState, ...]], bool], timeout_s: float) -> bool:
        """Wait until ``fact`` holds of the state, or ``timeout_s`` or ``run`` is over; return whether it holds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ended.is_set() or fact(self._state), timeout_s) and fact(
                self._state
            )

    def wait_ready(self, timeout_s: float, names: Sequence[str] | None = None) -> bool:
        """Wait until the processes ``names`` (all fixed ones where not given) are ready; return whether they are."""
        wanted = set(names if names is not None else (process.spec.name for process in self._fixed))
        return self.wait_until(lambda state: wanted <= {each.name for each in state if each.ready}, timeout_s)

    def _supervise(self, stop: Stop) -> None:
        heartbeats = self._launcher.channels.receiver(HEARTBEATS)
        planner = threading.Thread(target=self._watch_plan, name="plan", daemon=True)
        planner.start()
        self._last_tick_s = self._clock.monotonic()
        refusal: str | None = None
        try:
            while refusal is None and not stop.is_set():
                self._listen(heartbeats, TICK_S)
                self._tick()
                refusal = self._refusal(heartbeats)
        finally:
            self._ended.set()
            self._nudged.set()
            self._drain()
            heartbeats.close()
        if refusal is not None:
            raise EngageError(refusal)

    def _listen(self, heartbeats: Receiver, timeout_s: float) -> None:
        now_s = self._clock.monotonic()
        for message in heartbeats.receive(timeout_s):
            if isinstance(message, Nudge):
                self.nudge()
            if isinstance(message, Heartbeat):
                process = next((each for each in self._all() if each.spec.name == message.process), None)
                if process is not None:
                    process.hear(message, now_s)

    def _tick(self) -> None:
        now_s = self._clock.monotonic()
        if now_s - self._last_tick_s > HELD_UP_S:
            logger.warning("supervisor held up for_s=%.1f", now_s - self._last_tick_s)
            for process in self._all():
                process.excuse(now_s)
        self._last_tick_s = now_s
        clear = True
        for process in self._fixed:
            if clear or process.incarnation > 0:
                process.tick(now_s)
            clear = clear and (process.ready or process.given_up or process.has_started(now_s - STAGGER_S))
        self._groups.tick(self._wanted, now_s)
        with self._changed:
            self._state = tuple(process.state(now_s) for process in self._all())
            self._changed.notify_all()

    def _watch_plan(self) -> None:
        failing = False
        while not self._ended.is_set():
            self._nudged.clear()
            try:
                self._wanted = tuple(self._plan())
                failing = False
            except EngageError as error:
                if not failing:
                    logger.error("the plan of workers cannot be read; the last one stands: %s", error)
                failing = True
            except Exception:
                if not failing:
                    logger.exception("the plan of workers cannot be read; the last one stands")
                failing = True
            self._nudged.wait(PLAN_S)

    def _refusal(self, heartbeats: Receiver) -> str | None:
        for process in self._fixed:
            if process.refused:
                self._listen(heartbeats, 2 * TICK_S)
                return process.refusal or f"The {process.spec.name} process cannot run; its log lines above say why."
        return None

    def _all(self) -> list[Supervised]:
        return [*self._fixed, *self._groups.all()]

    def _drain(self) -> None:
        """Stop the capture groups, then the fixed processes from last to first; what is slow is killed."""
        stages = [list(self._groups.all()), *([process] for process in reversed(self._fixed))]
        deadline_s = time.monotonic() + self._settings.drain_s
        for number, stage in enumerate(stages):
            running = [process.handle for process in stage if process.handle is not None]
            for handle in running:
                handle.stop()
            share_s = time.monotonic() + (deadline_s - time.monotonic()) / (len(stages) - number)
            late = [handle for handle in running if not handle.wait(share_s - time.monotonic())]
            for handle in late:
                logger.warning("process pid=%s did not stop in time and is killed", handle.pid)
                handle.kill()
                handle.wait(KILLED_WAIT_S)
        with self._changed:
            self._changed.notify_all()
