"""``engage bench live``: the real system in a folder of its own, watched by a real Socket.IO client."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import socketio
from argon2 import PasswordHasher

from engage.capture.virtual.roster import virtual_class
from engage.cli.trial import START_DEADLINE_S, RunningSystem, database_url, running_system
from engage.config import Settings
from engage.core.live import EVENT
from engage.core.policy import Jurisdiction
from engage.core.types import Mode
from engage.errors import EngageError
from engage.storage.accounts import Accounts
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.migrate import upgrade
from engage.storage.queries import Queries
from engage.storage.records import DemoMember

EMAIL, PASSWORD = "bench@example.org", "only for this measurement"
WARM_UP_S = 5.0
"""Once every student has been seen: networks warm, windows full, caches filled."""


@dataclass(frozen=True, slots=True)
class Load:
    """How many virtual students, how many frames a second each, for how long."""

    students: int
    rate_fps: float
    duration_s: float


@dataclass(slots=True)
class Arrivals:
    """What the browser's stand-in received: (student, second) with the times that matter."""

    rows: dict[tuple[int, int], tuple[float, float, float]] = field(default_factory=dict)
    """(student, second) to captured, committed and received, seconds since the epoch."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, payload: dict[str, Any]) -> None:
        """Note one update."""
        now = time.time()
        with self.lock:
            for sample in payload["samples"]:
                key = (sample["student"], sample["second"])
                self.rows.setdefault(key, (sample["captured_at"], payload["committed_at"], now))

    def students(self) -> set[int]:
        """Return who has been heard of."""
        with self.lock:
            return {student for student, _ in self.rows}


def measure(settings: Settings, load: Load) -> dict[str, Any]:
    """Return what the running system did under ``load``: losses, latencies in seconds, processor time, memory."""
    with tempfile.TemporaryDirectory(prefix="engage-bench-") as folder:
        home = Path(folder)
        database = Database(database_url(home))
        database.open()
        try:
            upgrade(database)
            course_id = _populate(database, load)
            with running_system(home, _values(settings, load)) as system:
                return _watch(load, database, course_id, system)
        finally:
            database.close()


def _values(settings: Settings, load: Load) -> dict[str, Any]:
    folders = [settings.path(settings.models.store), *(settings.path(folder) for folder in settings.models.folders)]
    return {
        "models": {
            "folders": [str(folder) for folder in folders],
            "classifier": settings.models.classifier and str(settings.path(settings.models.classifier)),
        },
        "capture": {"rate_fps": load.rate_fps, "crowded_rate_fps": load.rate_fps, "frames_per_core_s": 1e6},
        "vision": settings.vision.model_dump(mode="json"),
        "inference": settings.inference.model_dump(mode="json"),
        "pipeline": settings.pipeline.model_dump(mode="json"),
        "logging": {"level": "WARNING"},
    }


def _populate(database: Database, load: Load) -> int:
    accounts, classroom = Accounts(database), Classroom(database)
    token = accounts.issue_setup_token(600)
    user = accounts.redeem_setup_token(token, EMAIL, "Bench", PasswordHasher().hash(PASSWORD))
    classroom.save_setup(Jurisdiction.OTHER, Mode.FULL, user.id)
    members = virtual_class(load.students)
    return classroom.ensure_demo([DemoMember(m.name, m.address(), str(k)) for k, m in enumerate(members, 1)])


def _watch(load: Load, database: Database, course_id: int, system: RunningSystem) -> dict[str, Any]:
    session = Classroom(database).start_session(course_id, None)
    arrivals, client = Arrivals(), socketio.Client(reconnection=False)
    client.on(EVENT, arrivals.take)
    client.connect(system.address, headers={"Cookie": system.sign_in(EMAIL, PASSWORD)}, transports=["websocket"])
    answer = client.call("watch", {"session": session.id})
    if not answer["ok"]:
        raise EngageError(f"The dashboard refused the measuring client: {answer['error']}")
    deadline = time.monotonic() + START_DEADLINE_S
    while len(arrivals.students()) < load.students:
        if time.monotonic() > deadline:
            raise EngageError(f"Only {len(arrivals.students())} of {load.students} students were seen.")
        time.sleep(0.2)
    time.sleep(WARM_UP_S)
    began, processor = time.time(), _processor_s(system)
    time.sleep(load.duration_s)
    ended, processor, memory = time.time(), _processor_s(system) - processor, _memory_mb(system)
    time.sleep(2.0)  # what was captured in time arrives
    client.disconnect()
    Classroom(database).end_session(session.id)
    frames = _frames(database, session.id, began, ended)
    rows = [row for row in arrivals.rows.values() if began <= row[0] < ended]
    return _result(load, rows, frames, processor / (ended - began), memory)


def _processor_s(system: RunningSystem) -> float:
    return sum(sum(member.cpu_times()[:2]) for member in system.tree())


def _memory_mb(system: RunningSystem) -> float:
    return float(sum(getattr(member.memory_full_info(), "pss", 0) for member in system.tree())) / 2**20


def _frames(database: Database, session_id: int, began: float, ended: float) -> int:
    samples = Queries(database).samples_since(session_id, int(began) - 2, limit=10**7)
    return sum(scored.sample.frames for scored in samples if began <= scored.sample.captured_at.timestamp() < ended)


def _result(
    load: Load, rows: Sequence[tuple[float, float, float]], frames: int, cores_busy: float, memory_mb: float
) -> dict[str, Any]:
    expected_frames = round(load.students * load.rate_fps * load.duration_s)
    expected_samples = round(load.students * min(load.rate_fps, 1.0) * load.duration_s)
    times = np.array(rows, np.float64).reshape(-1, 3)
    to_commit, to_event = times[:, 1] - times[:, 0], times[:, 2] - times[:, 0]
    return {
        "students": load.students,
        "rate_fps": load.rate_fps,
        "seconds": load.duration_s,
        "samples_expected": expected_samples,
        "samples_received": len(rows),
        "frames_expected": expected_frames,
        "frames_stored": frames,
        "frames_dropped_share": round(max(0.0, 1 - frames / expected_frames), 4),
        **_percentiles("commit_latency_s", to_commit),
        **_percentiles("event_latency_s", to_event),
        "events_within_1_s_share": round(float(np.mean(to_event < 1.0)), 4) if len(rows) else 0.0,
        "cores_busy": round(cores_busy, 3),
        "memory_pss_mb": round(memory_mb, 1),
    }


def _percentiles(name: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float | None]:
    marks = (50, 95, 99)
    if not len(values):
        return {f"{name}_p{mark}": None for mark in marks}
    return {f"{name}_p{mark}": round(float(np.percentile(values, mark)), 4) for mark in marks}
