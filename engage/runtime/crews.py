"""What runs inside a worker process: one worker in the main thread, or a group of workers in threads of their own."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from engage.errors import EngageError
from engage.runtime.backoff import backoff_s
from engage.runtime.channels import assignments
from engage.runtime.context import Context, Surroundings
from engage.runtime.messages import Assignment
from engage.runtime.specs import WorkerSpec, build

POLL_S = 0.2
STEADY_S = 60.0
"""A worker that ran this long starts anew with the shortest wait when it fails."""

FINE, FAILED, REFUSED = 0, 1, 2
"""Exit codes of a worker process; REFUSED where its worker says in one line why it cannot run."""

logger = logging.getLogger(__name__)


class Crew(Protocol):
    """The workers of one process, as its host sees them."""

    refusal: str | None
    building: bool
    """Whether nothing is at hand yet: imports and weights are still being loaded, which cannot be interrupted."""

    @property
    def failures(self) -> int:
        """How often a worker of this process failed so far and was started again."""

    def run(self, stop: threading.Event) -> int:
        """Work until ``stop`` is set; return the process's exit code."""

    def contexts(self) -> Sequence[Context]:
        """Return the contexts of the workers that run now."""


class Solo:
    """One worker, in the main thread."""

    def __init__(self, spec: WorkerSpec, surroundings: Surroundings) -> None:
        self.refusal: str | None = None
        self.building = True
        self.failures = 0
        self._spec = spec
        self._context = Context(spec.name, surroundings)

    def run(self, stop: threading.Event) -> int:
        """Run the worker; return FINE, FAILED or REFUSED."""
        try:
            worker = build(self._spec, self._context)
            self.building = False
            worker.run(stop)
        except EngageError as error:
            logger.error("worker=%s stopped: %s", self._spec.name, error)
            self.refusal = str(error)
            return REFUSED
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else FAILED if end.code else FINE
        except Exception:
            logger.exception("worker=%s failed", self._spec.name)
            return FAILED
        finally:
            self._context.close()
        return FINE

    def contexts(self) -> Sequence[Context]:
        """Return the one context."""
        return (self._context,)


class Seat:
    """One worker of a group in its own thread, started anew with growing waits when it fails.

    A worker that returns of its own accord is ``finished`` and stays so.
    """

    def __init__(self, spec: WorkerSpec, surroundings: Surroundings) -> None:
        self.spec = spec
        self.finished = False
        self.failures = 0
        self.context: Context | None = None
        self._surroundings = surroundings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=spec.name, daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def leave(self) -> None:
        """Ask the worker to stop."""
        self._stop.set()

    def wait(self, timeout_s: float) -> None:
        """Wait until the thread has ended, or the time is over."""
        self._thread.join(max(0.0, timeout_s))

    def _run(self) -> None:
        in_a_row = 0
        while not self._stop.is_set():
            started_s = time.monotonic()
            if self._run_once():
                self.finished = not self._stop.is_set()
                return
            self.failures += 1
            in_a_row = 1 if time.monotonic() - started_s > STEADY_S else in_a_row + 1
            self._stop.wait(backoff_s(in_a_row))

    def _run_once(self) -> bool:
        context = self.context = Context(self.spec.name, self._surroundings)
        try:
            build(self.spec, context).run(self._stop)
        except EngageError as error:
            logger.warning("worker=%s stopped: %s; it is started again", self.spec.name, error)
            return False
        except Exception:
            logger.exception("worker=%s failed; it is started again", self.spec.name)
            return False
        finally:
            context.close()
            self.context = None
        return True


class Group:
    """The workers that the supervisor assigns to this process, each in a thread, none waiting for another."""

    def __init__(self, name: str, incarnation: int, surroundings: Surroundings) -> None:
        self.refusal: str | None = None
        self.building = False
        self._name = name
        self._incarnation = incarnation
        self._surroundings = surroundings
        self._seats: dict[str, Seat] = {}
        self._leaving: list[Seat] = []
        self._past_failures = 0

    @property
    def failures(self) -> int:
        """How often a worker of this process failed so far."""
        return self._past_failures + sum(seat.failures for seat in [*self._seats.values(), *self._leaving])

    def run(self, stop: threading.Event) -> int:
        """Run what is assigned until ``stop``; then let the workers finish what is at hand."""
        receiver = self._surroundings.channels.receiver(assignments(self._name))
        wanted: dict[str, WorkerSpec] = {}
        while not stop.is_set():
            for message in receiver.receive(POLL_S):
                if isinstance(message, Assignment) and message.incarnation == self._incarnation:
                    wanted = {spec.name: spec for spec in message.workers}
            self._reconcile(wanted)
        receiver.close()
        self._reconcile({})
        deadline_s = time.monotonic() + self._surroundings.settings.runtime.drain_s
        for seat in self._leaving:
            seat.wait(deadline_s - time.monotonic())
        return FINE

    def contexts(self) -> Sequence[Context]:
        """Return the contexts of the workers that run, those asked to leave included."""
        seats = [*list(self._seats.values()), *self._leaving]
        return [context for seat in seats if (context := seat.context) is not None]

    def _reconcile(self, wanted: dict[str, WorkerSpec]) -> None:
        for name, seat in list(self._seats.items()):
            if wanted.get(name) != seat.spec:
                seat.leave()
                self._leaving.append(seat)
                del self._seats[name]
            elif not seat.alive and not seat.finished:
                self._past_failures += seat.failures
                del self._seats[name]
        self._past_failures += sum(seat.failures for seat in self._leaving if not seat.alive)
        left = len(self._leaving)
        self._leaving = [seat for seat in self._leaving if seat.alive]
        if len(self._leaving) < left:
            gc.collect()  # workers know themselves by their parts; uncollected, each lesson's networks stayed in memory
        still_there = {seat.spec.name for seat in self._leaving}
        for name, spec in wanted.items():
            if name not in self._seats and name not in still_there:
                self._seats[name] = Seat(spec, self._surroundings)
