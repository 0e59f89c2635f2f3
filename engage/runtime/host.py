"""What a worker process does: take its order, run its crew, send heartbeats, stop when asked or when orphaned.

The local launcher starts it as ``python -m engage.runtime.host NAME``. The order, one line of JSON, comes by standard
input, which then stays open for as long as the parent lives: its end is noticed even when the parent was killed, and no
secret is seen in the process list. A process whose interpreter hangs sends no heartbeat and the supervisor kills it;
where there is none any more, a timer of the C runtime ends it and writes where it hung.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

import msgspec

from engage import dumps, logs
from engage.config import Settings
from engage.core.meters import Meters
from engage.core.traces import Traces
from engage.runtime.channels import HEARTBEATS, ChannelHub
from engage.runtime.context import Surroundings
from engage.runtime.crews import FAILED, FINE, Crew, Group, Solo
from engage.runtime.messages import Heartbeat
from engage.runtime.signals import StopSignals, stop_with_parent
from engage.runtime.specs import HubSpec, ProcessSpec, find_factory
from engage.tracing import build_traces

STDERR = 2
LONGEST_PULSE_S = 1.0
HUNG_FACTOR = 3
"""A process that could not send a heartbeat for this many timeouts ends itself."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """Everything a worker process needs to know."""

    process: ProcessSpec
    incarnation: int
    hub: HubSpec
    settings: dict[str, Any]


class Pulse:
    """Sends this process's heartbeats, and ends a process that did not stop within ``runtime.drain_s``."""

    def __init__(self, order: Order, settings: Settings, stop: threading.Event) -> None:
        self.wake = threading.Event()
        self._order = order
        self._runtime = settings.runtime
        self._stop = stop
        self._finished = False
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self, crew: Crew, channels: ChannelHub, meters: Meters) -> None:
        """Begin to send."""
        self._crew, self._channels, self._meters = crew, channels, meters
        self._sender = channels.sender(HEARTBEATS)
        self._thread.start()

    def finish(self) -> None:
        """Send a last heartbeat and end."""
        self._finished = True
        self.wake.set()
        self._thread.join(2.0)

    def _run(self) -> None:
        pulse_s = min(LONGEST_PULSE_S, self._runtime.heartbeat_timeout_s / 4)
        stop_by_s: float | None = None
        while not self._finished:
            self.wake.clear()
            faulthandler.dump_traceback_later(HUNG_FACTOR * self._runtime.heartbeat_timeout_s, exit=True, file=STDERR)
            self._sender.send(self._heartbeat())
            if self._stop.is_set():
                if self._crew.building:
                    os._exit(FINE)
                stop_by_s = stop_by_s or time.monotonic() + self._runtime.drain_s
                if time.monotonic() > stop_by_s:
                    logger.error("process=%s did not stop in time and is ended", self._order.process.name)
                    _end_at_once()
            self.wake.wait(pulse_s)
        faulthandler.cancel_dump_traceback_later()
        self._sender.send(self._heartbeat())

    def _heartbeat(self) -> Heartbeat:
        ages: dict[str, float] = {}
        starting: dict[str, float] = {}
        for context in self._crew.contexts():
            age_s, has_beaten = context.age_s()
            (ages if has_beaten else starting)[context.name] = age_s
        return Heartbeat(
            process=self._order.process.name,
            incarnation=self._order.incarnation,
            pid=os.getpid(),
            ages=ages,
            starting=starting,
            counters={**self._channels.counters(), "failures": self._crew.failures},
            meters=self._meters.snapshot(),
            refusal=self._crew.refusal,
        )


def run(order: Order, stop: threading.Event) -> int:
    """Run the crew of ``order`` until ``stop`` is set; return the exit code."""
    settings = Settings(**order.settings)
    logs.set_up(settings.logging.level, settings.logging.form)
    channels: ChannelHub = find_factory(order.hub.factory, order.process.name)(**order.hub.arguments)
    pulse = Pulse(order, settings, stop)
    name, worker = order.process.name, order.process.worker
    traces = _Traces(settings, name)
    surroundings = Surroundings(settings, channels, pulse.wake.set, clock=channels.clock, traces=traces)
    crew: Crew = Solo(worker, surroundings) if worker else Group(name, order.incarnation, surroundings)
    pulse.start(crew, channels, surroundings.meters)
    try:
        return crew.run(stop)
    except Exception:
        logger.exception("process=%s failed", name)
        return FAILED
    finally:
        pulse.finish()
        channels.close()
        traces.close()


class _Traces:
    """What follows frames in this process, made when a worker first asks for it."""

    def __init__(self, settings: Settings, process: str) -> None:
        self._tracing, self._process = settings.tracing, process
        self._lock = threading.Lock()
        self._made: Traces | None = None

    def __call__(self) -> Traces:
        with self._lock:
            if self._made is None:
                self._made = build_traces(self._tracing.endpoint, self._tracing.share, self._process)
            return self._made

    def close(self) -> None:
        """Send off what waits, where there is anything."""
        if self._made is not None:
            self._made.close()


def main() -> None:
    """Take an order from standard input and carry it out; leave without Python's teardown, where native code hangs."""
    dumps.forbid()
    faulthandler.enable(STDERR)
    stop = threading.Event()
    with StopSignals(stop):
        line = _read_line(sys.stdin.fileno())
        if not line:
            os._exit(FAILED)
        stop_with_parent(sys.stdin.fileno(), stop)
        code = run(msgspec.json.decode(line, type=Order), stop)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _end_at_once() -> None:
    """End this process and, where it leads a process group, whatever it started."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(FAILED)


def _read_line(file: int) -> bytes:
    """Read up to a newline without a buffer, whose lock a thread at exit could hold."""
    line = bytearray()
    while chunk := os.read(file, 65536):
        line += chunk
        if line.endswith(b"\n"):
            return bytes(line)
    return b""


if __name__ == "__main__":
    main()
