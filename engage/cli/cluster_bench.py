"""``engage bench cluster``: a lesson on a real Ray cluster of several nodes on this machine, one of which is killed."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import psutil

from engage.capture.virtual.roster import virtual_class
from engage.cli import replayed
from engage.cli.cluster_lesson import ClusterLesson, Key, cluster_lesson
from engage.cli.throwaway_ray import RayCluster, ray_cluster
from engage.cli.yardstick import percentiles
from engage.config import Settings
from engage.runtime.launcher import plain_settings
from engage.storage.database import Database
from engage.storage.migrate import upgrade
from engage.storage.records import DemoMember
from engage.storage.throwaway import server

WARM_UP_S = 5.0
"""Once every student has been heard of: networks warm, windows full."""
SETTLE_S = 5.0
"""Once every camera is in hand again: what comes late has come."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How many students at how many frames a second, for how long, on how many nodes of how many cores."""

    students: int = 30
    rate: float = 2.0
    seconds: float = 30.0
    nodes: int = 3
    cores: int = 1


def measure(settings: Settings, asked: Asked) -> dict[str, Any]:
    """Return latencies in seconds, losses and load of a lesson on a cluster, and what the loss of a node came to.

    Real capture, network, collector and PostgreSQL (durable); frames are drawn before and played in the capture
    processes, and an event is heard where the web process would hear it. SettingsError where Ray, StorageError where
    PostgreSQL is not installed.
    """
    with ray_cluster([{"num_cpus": asked.cores}] * asked.nodes) as cluster, _values(settings, asked, cluster) as values:
        members = [
            DemoMember(one.name, one.address(), str(k)) for k, one in enumerate(virtual_class(asked.students), 1)
        ]
        with cluster_lesson(values, members, replayed.FACTORY) as lesson:
            return _watch(lesson, cluster, asked)


@contextmanager
def _values(settings: Settings, asked: Asked, cluster: RayCluster) -> Iterator[Settings]:
    """Give settings of the lesson, with a database of its own; what is read how stays as ``settings`` say."""
    folders = [settings.path(settings.models.store), *(settings.path(folder) for folder in settings.models.folders)]
    with tempfile.TemporaryDirectory(prefix="engage-bench-") as home, server() as running:
        url = running.url.render_as_string(hide_password=False)
        database = Database(url)
        database.open()
        upgrade(database)
        database.close()
        values = plain_settings(settings)
        rate = {"rate_fps": asked.rate, "crowded_rate_fps": asked.rate, "adapt": False, "frames_per_core_s": 1e6}
        ray = {**values["runtime"]["ray"], "address": cluster.address}
        own = {
            "home": home,
            "database": {**values["database"], "url": url},
            "runtime": {**values["runtime"], "launcher": "ray", "ray": ray, "sites": {}},
            "capture": {**values["capture"], **rate},
            "models": {**values["models"], "folders": [str(folder) for folder in folders]},
            "logging": {**values["logging"], "level": "WARNING"},
        }
        yield Settings(**{**values, **own})


def _watch(lesson: ClusterLesson, cluster: RayCluster, asked: Asked) -> dict[str, Any]:
    cameras = {spec.arguments["origin"][2]: spec.name for spec in lesson.specs}
    lesson.until_sampled(set(cameras), time.time(), "everybody's first sample")
    time.sleep(WARM_UP_S)
    began, processor_s, dropped = time.time(), _processor_s(lesson, cluster), _dropped(lesson)
    time.sleep(asked.seconds)
    ended, spent_s = time.time(), _since(processor_s, _processor_s(lesson, cluster))
    lesson.until_sampled(set(cameras), ended, "a sample of everybody past the measured time")
    return {
        "students": asked.students,
        "rate_fps": asked.rate,
        "seconds": asked.seconds,
        "nodes": asked.nodes,
        "cores_of_each_node": asked.cores,
        "replicas": lesson.settings.inference.replicas,
        **_flow(lesson, asked, began, ended),
        **_since(dropped, _dropped(lesson)),
        "cores_busy": round(sum(spent_s.values()) / (ended - began), 3),
        "cores_busy_by_process": {name: round(used / (ended - began), 3) for name, used in sorted(spent_s.items())},
        **_lose_a_node(lesson, cluster, cameras),
    }


def _flow(lesson: ClusterLesson, asked: Asked, began: float, ended: float) -> dict[str, Any]:
    """Return what came through between two times (epoch), how late, and what did not."""
    rows = [row for row in dict(lesson.heard.rows).values() if began <= row.captured_s < ended]
    stored = lesson.queries.samples_since(lesson.session.id, int(began) - 2, limit=10**7)
    frames = sum(one.sample.frames for one in stored if began <= one.sample.captured_at.timestamp() < ended)
    expected = asked.students * asked.rate * (ended - began)
    return {
        "samples_expected": round(asked.students * min(1.0, asked.rate) * (ended - began)),
        "samples_published": len(rows),
        "samples_per_s": round(len(rows) / (ended - began), 2),
        "frames_expected": round(expected),
        "frames_stored": frames,
        "frames_dropped_share": round(max(0.0, 1.0 - frames / expected), 4),
        **percentiles("stored_latency_s", [row.committed_s - row.captured_s for row in rows]),
        **percentiles("published_latency_s", [row.heard_s - row.captured_s for row in rows]),
    }


def _lose_a_node(lesson: ClusterLesson, cluster: RayCluster, cameras: Mapping[int, str]) -> dict[str, Any]:
    """Kill the last node and return for how long its cameras were in nobody's hand, and what is missing of whom."""
    doomed, states = cluster.short(-1), lesson.states()
    on_it = {worker for name, state in states.items() if f"-{doomed}-" in name for worker in state.workers}
    moved = {student for student, camera in cameras.items() if camera in on_it}
    pids = {process.pid for process in cluster.processes(-1)}
    others = sorted(name for name, state in states.items() if state.pid in pids and "capture-" not in name)
    died = time.time()
    cluster.kill(-1)
    lesson.until(lambda: lesson.looked_after() >= set(cameras.values()), "every camera in hand again")
    outage_s = time.time() - died
    lesson.until_sampled(set(cameras), time.time() + SETTLE_S, "a sample of everybody some time after the loss")
    until = min(lesson.heard.latest.values())
    heard = Counter(lesson.heard.keys)
    stored = {
        (one.sample.student_id, one.sample.second)
        for one in lesson.queries.samples_since(lesson.session.id, 0, limit=10**7)
    }
    missing = {student: missing_s(stored, student, int(died), until) for student in cameras}
    return {
        "killed": f"1 of {len(cluster.nodes)} nodes",
        "killed_cameras": len(moved),
        "killed_processes": ", ".join(others) or "no other",
        "outage_s": round(outage_s, 2),
        "gap_s_longest": max((gap_s(stored, student, int(died) - 2, until) for student in moved), default=0),
        "missing_s_of_its_students": _range([missing[student] for student in moved]),
        "missing_s_of_the_others": _range([missing[student] for student in set(cameras) - moved]),
        "published_twice": sum(count - 1 for count in heard.values()),
        "published_but_not_stored": len(set(heard) - stored),
    }


def missing_s(stored: set[Key], student: int, since: int, until: int) -> int:
    """Return how many seconds after ``since`` and up to ``until`` there is no sample of."""
    return sum((student, second) not in stored for second in range(since + 1, until + 1))


def gap_s(stored: set[Key], student: int, since: int, until: int) -> int:
    """Return the longest time from one sample to the next, in seconds."""
    seconds = sorted(second for each, second in stored if each == student and since <= second <= until)
    return max((later - earlier for earlier, later in pairwise(seconds)), default=until - since)


def _range(values: Sequence[int]) -> str:
    return f"{min(values)} to {max(values)}" if values else "none"


def _processor_s(lesson: ClusterLesson, cluster: RayCluster) -> dict[str, float]:
    """Return the processor seconds so far by the name of the process; ``ray`` is what Ray itself needs on the nodes."""
    names = {state.pid: state.name.partition("-")[0] for state in lesson.supervisor.state() if state.pid}
    spent: dict[str, float] = {}
    for number in range(len(cluster.nodes)):
        for process in cluster.processes(number):
            with suppress(psutil.NoSuchProcess):
                name = names.get(process.pid, "ray")
                spent[name] = spent.get(name, 0.0) + sum(process.cpu_times()[:2])
    return spent


def _dropped(lesson: ClusterLesson) -> dict[str, float]:
    """Return how many frames the network had to drop so far, too old or too many, as its processes say."""
    meters = [state.meters for state in lesson.supervisor.state()]
    return {name: sum(each.get(name, 0.0) for each in meters) for name in ("frames_stale", "frames_crowded")}


def _since(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0.0) for name, value in after.items()}
