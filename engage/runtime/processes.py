"""One supervised process: started, listened to, replaced when it dies or hangs, given up when that is too often."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import takewhile

from engage.errors import EngageError
from engage.runtime.backoff import backoff_s
from engage.runtime.crews import REFUSED
from engage.runtime.launcher import Handle, Launcher
from engage.runtime.messages import Heartbeat
from engage.runtime.specs import ProcessSpec
from engage.runtime_settings import Runtime

START_FACTOR = 6
"""A process, or a worker, may take this many heartbeat timeouts for its imports, weights and first beat."""

FIRST_SECONDS_S = 10.0
"""What a process says against running in this time is a matter of settings, not of bad luck."""

SERVED_S = 10.0
"""A process that was ready for this long did its work: what ended it is no reason to wait before the next start."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProcessState:
    """How one process stands; ``age_s`` is the time since its last heartbeat, None before the first.

    ``ready`` means that its worker (of a group: its host) has reported since the last start. ``workers`` holds seconds
    since each worker's last beat, ``counters`` and ``meters`` what the process counted since its
    last start.
    """

    name: str
    pid: int | None
    alive: bool
    ready: bool
    given_up: bool
    restarts: int
    age_s: float | None
    workers: Mapping[str, float] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    meters: Mapping[str, float] = field(default_factory=dict)
    refusal: str | None = None


class Supervised:
    """Keeps one process running. ``tick`` never waits; times are monotonic seconds given by the caller.

    What ended after it had been ready for ``SERVED_S`` is started again at once. Of those that ended sooner, in a row
    and within ``restart_window_s``, the first is too, the next wait 0.5 s, 1 s, … 10 s. After more than
    ``restart_budget`` ends of either kind in that time the process is given up, and at once where it refuses to run in
    its first seconds.
    """

    def __init__(self, spec: ProcessSpec, launcher: Launcher, runtime: Runtime) -> None:
        self.spec = spec
        self.incarnation = 0
        self.given_up = False
        self.refused = False
        self.refusal: str | None = None
        self.hung_worker: str | None = None
        self.handle: Handle | None = None
        self._launcher = launcher
        self._runtime = runtime
        self._heartbeat: Heartbeat | None = None
        self._heard_s = 0.0
        self._started_s = 0.0
        self._start_at_s = 0.0
        self._was_ready = False
        self._said_ready = False
        self._killed = False
        self._ready_s = 0.0
        self._falls: deque[tuple[float, bool]] = deque()
        """When it ended, and whether that was too soon."""

    @property
    def heard(self) -> bool:
        """Whether the present incarnation has sent a heartbeat."""
        return self.handle is not None and self._heartbeat is not None

    @property
    def ready(self) -> bool:
        """Whether the present incarnation does its work."""
        beat = self._heartbeat
        return self.handle is not None and beat is not None and (self.spec.worker is None or bool(beat.ages))

    def has_started(self, before_s: float) -> bool:
        """Return whether the process was started before then."""
        return self.incarnation > 0 and self._started_s < before_s

    def hear(self, heartbeat: Heartbeat, now_s: float) -> None:
        """Take note of a heartbeat; one of an earlier incarnation is ignored."""
        if heartbeat.incarnation != self.incarnation:
            return
        self._heartbeat, self._heard_s = heartbeat, now_s
        self.refusal = heartbeat.refusal
        if self.ready and not self._said_ready:
            self._was_ready = self._said_ready = True
            self._ready_s = now_s
            logger.info("process=%s ready pid=%s after_s=%.1f", self.spec.name, heartbeat.pid, now_s - self._started_s)

    def excuse(self, now_s: float) -> None:
        """Begin to count silence anew, as after the supervisor itself was held up."""
        self._heard_s = self._started_s = now_s

    def tick(self, now_s: float) -> None:
        """Start, restart or replace the process where that is due."""
        if self.given_up:
            return
        if self.handle is None:
            if now_s >= self._start_at_s:
                self._start(now_s)
            return
        code = self.handle.exit_code()
        if code is not None:
            at_first = not self._was_ready or (self.incarnation == 1 and now_s - self._started_s < FIRST_SECONDS_S)
            self.refused = code == REFUSED and at_first
            self._fell(f"exit={code}", now_s)
        elif not self._killed and (complaint := self._hang(now_s)):
            logger.error("process=%s hangs (%s) and is replaced", self.spec.name, complaint)
            self._killed = True
            self.handle.kill()

    def state(self, now_s: float) -> ProcessState:
        """Return how the process stands."""
        beat = self._heartbeat
        return ProcessState(
            name=self.spec.name,
            pid=self.handle.pid if self.handle else None,
            alive=self.handle is not None and not self._killed,
            ready=self.ready,
            given_up=self.given_up,
            restarts=max(0, self.incarnation - 1),
            age_s=now_s - self._heard_s if beat else None,
            workers=dict(beat.ages) if beat else {},
            counters=dict(beat.counters) if beat else {},
            meters=dict(beat.meters) if beat else {},
            refusal=self.refusal,
        )

    def _start(self, now_s: float) -> None:
        self.incarnation += 1
        self._heartbeat, self._killed, self._said_ready = None, False, False
        self._started_s = self._heard_s = now_s
        try:
            self.handle = self._launcher.launch(self.spec, self.incarnation)
        except EngageError as error:
            self._fell(str(error), now_s)
            return
        logger.info("process=%s started pid=%s restarts=%s", self.spec.name, self.handle.pid, self.incarnation - 1)

    def _fell(self, how: str, now_s: float) -> None:
        self.handle = None
        while self._falls and now_s - self._falls[0][0] > self._runtime.restart_window_s:
            self._falls.popleft()
        self._falls.append((now_s, not self._said_ready or now_s - self._ready_s < SERVED_S))
        if self.refused or len(self._falls) > self._runtime.restart_budget:
            self.given_up = True
            logger.error(
                "process=%s GIVEN UP %s after falls=%s in window_s=%.0f; the rest runs on, restart the program",
                self.spec.name,
                how,
                len(self._falls),
                self._runtime.restart_window_s,
            )
            return
        in_a_row = sum(1 for _ in takewhile(lambda fall: fall[1], reversed(self._falls)))
        wait_s = backoff_s(in_a_row - 1)
        self._start_at_s = now_s + wait_s
        logger.warning("process=%s ended %s, restart in_s=%.1f", self.spec.name, how, wait_s)

    def _hang(self, now_s: float) -> str | None:
        timeout_s = self._runtime.heartbeat_timeout_s
        start_s = START_FACTOR * timeout_s
        beat = self._heartbeat
        if beat is None:
            return f"no heartbeat in {start_s:.0f} s" if now_s - self._started_s > start_s else None
        if now_s - self._heard_s > timeout_s:
            return f"no heartbeat in {timeout_s:.1f} s"
        late = {name: age_s - timeout_s for name, age_s in beat.ages.items()}
        late |= {name: age_s - start_s for name, age_s in beat.starting.items()}
        worst = max(late, key=lambda name: late[name], default=None)
        if worst is None or late[worst] <= 0:
            return None
        self.hung_worker = worst
        return f"worker {worst} silent"
