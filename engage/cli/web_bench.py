"""``engage bench web``: virtual students through PostgreSQL and Redis into several web processes, watched by pages."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engage.cli.deployment import EMAIL, PASSWORD, Ground, deployment, ground, populate, stored
from engage.cli.feeding import Feeder
from engage.cli.page_client import Key, PageClient
from engage.cli.trial import START_DEADLINE_S, RunningSystem, await_start
from engage.errors import EngageError
from engage.storage.classroom import Classroom

WARM_UP_S = 5.0
SETTLE_S = 120.0
"""How long after the last reading everything stored must have reached every page."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How many students at 1 Hz, for how long, into how many web processes, watched by how many pages."""

    students: int = 300
    seconds: float = 60.0
    processes: int = 2
    clients: int = 4


def measure(asked: Asked) -> dict[str, Any]:
    """Return latencies from sample to page in seconds, and what was lost while and after one web process was killed.

    Real ``engage serve``, PostgreSQL (durable) and Redis; only cameras, detection and network are left out. The pages
    are asked of the web processes evenly and without a proxy. EngageError where a program is not installed.
    """
    with ground(asked.processes) as place:
        course, students = populate(place.database, asked.students)
        with deployment(place, {**place.values(asked.processes), "logging": {"level": "WARNING"}}) as system:
            session = Classroom(place.database).start_session(course, None)
            webs = [replace(system, address=place.address(number)) for number in range(asked.processes)]
            for web in webs:
                await_start(web)
            signed_in = [webs[k % asked.processes] for k in range(asked.clients)]
            pages = [PageClient(web.address, web.sign_in(EMAIL, PASSWORD), session.id) for web in signed_in]
            feeder = Feeder(place.home, session.id, students)
            with _running(feeder, pages):
                return _watch(asked, system, pages, _Source(place, session.id, feeder))


@dataclass(frozen=True, slots=True)
class _Source:
    place: Ground
    session_id: int
    feeder: Feeder


@contextmanager
def _running(feeder: Feeder, pages: Sequence[PageClient]) -> Iterator[None]:
    for page in pages:
        page.start()
    feeder.start()
    try:
        yield
    finally:
        for page in pages:
            page.stop()


def _watch(asked: Asked, system: RunningSystem, pages: Sequence[PageClient], source: _Source) -> dict[str, Any]:
    for page in pages:
        if not page.wait_until(lambda p: len({student for student, _ in p.rows}) >= asked.students, START_DEADLINE_S):
            raise EngageError(f"A page heard of {len({s for s, _ in page.known()})} of {asked.students} students only.")
    time.sleep(WARM_UP_S)
    began, processor_s = time.time(), _processor_s(system)
    time.sleep(asked.seconds)
    ended, processor_s = time.time(), _processor_s(system) - processor_s
    kill_web(system)
    time.sleep(asked.seconds / 2)
    source.feeder.stop()
    rows = _arrived(source, pages)
    latencies = [_latencies(page, began, ended) for page in pages]
    every = np.concatenate(latencies)
    expected = {key for key in rows if began <= key[1] < int(ended) - 1}
    return {
        "students": asked.students,
        "seconds": asked.seconds,
        "web_processes": asked.processes,
        "pages": asked.clients,
        "database": "postgresql",
        "message_queue": "redis",
        "samples_stored": len(rows),
        "samples_of_the_measured_time": len(expected),
        **{f"event_latency_s_p{mark}": _percentile(every, mark) for mark in (50, 95, 99)},
        "event_latency_s_p95_by_page": [_percentile(one, 95) for one in latencies],
        "events_in_time": int(sum(len(one) for one in latencies)),
        "cores_busy": round(processor_s / (ended - began), 3),
        "reconnects": [page.connected - 1 for page in pages],
        "lost_after_reconnect": [len(rows - page.known()) for page in pages],
    }


def kill_web(system: RunningSystem, number: int = 1) -> None:
    """Kill web process ``number`` (1 is the first) as a crash would end it; its supervisor starts another."""
    name = "web" if number == 1 else f"web-{number}"
    for process in system.tree():
        if process.cmdline()[-2:] == ["engage.runtime.host", name]:  # not "engage serve --only web", its supervisor
            for child in [*process.children(recursive=True), process]:
                child.send_signal(signal.SIGKILL)
            return
    raise EngageError(f"There is no process {name} to be killed.")


def _arrived(source: _Source, pages: Sequence[PageClient]) -> set[Key]:
    """Return all that is stored, once every page has it or the time for that is over."""
    deadline_s = time.monotonic() + SETTLE_S
    rows = stored(source.place.database, source.session_id)
    while time.monotonic() < deadline_s:
        rows = stored(source.place.database, source.session_id)
        if len(rows) and all(rows <= page.known() for page in pages):
            break
        time.sleep(0.5)
    return rows


def _latencies(page: PageClient, began: float, ended: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    rows = [row for row in page.rows.values() if row.by_event and began <= row.captured_s < ended]
    seen = [row.received_s - row.captured_s for row in rows]
    return np.array(seen, np.float64)


def _percentile(values: np.ndarray[Any, np.dtype[np.float64]], mark: int) -> float | None:
    return round(float(np.percentile(values, mark)), 4) if len(values) else None


def _processor_s(system: RunningSystem) -> float:
    return sum(sum(member.cpu_times()[:2]) for member in system.tree())
