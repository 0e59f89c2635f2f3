"""``engage bench live``: the real system in a folder of its own, watched by a real Socket.IO client.

Processor time and memory are those of the system's own processes. What draws or pushes frames beside it, the measuring
client and Chromium are children of this program and not counted.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import socketio
from argon2 import PasswordHasher
from sqlalchemy import update

from engage.capture.virtual.roster import virtual_class
from engage.cli.class_feed import Feed, class_feed
from engage.cli.trial import START_DEADLINE_S, RunningSystem, database_url, running_system
from engage.cli.yardstick import percentiles
from engage.config import Settings
from engage.core.live import EVENT
from engage.core.policy import Jurisdiction
from engage.core.types import Mode
from engage.errors import EngageError, SettingsError
from engage.storage.accounts import Accounts
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.migrate import upgrade as bring_up
from engage.storage.pulse import Pulse
from engage.storage.queries import Queries
from engage.storage.records import DemoMember
from engage.storage.tables import Source

EMAIL, PASSWORD = "bench@example.org", "only for this measurement"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
HOST = "engage.runtime.host"
"""What the command line of a worker process says before the process's name."""
WARM_UP_S = 5.0
"""Once every student has been seen: networks warm, windows full, caches filled."""


@dataclass(frozen=True, slots=True)
class Load:
    """How many virtual students, how many frames a second each, for how long."""

    students: int
    rate_fps: float
    duration_s: float
    drawn_before: bool = False
    """Whether frames were drawn beforehand and come as JPEG from another process, instead of being drawn live."""
    browser: bool = False
    """Whether Chromium has the live page open meanwhile."""
    adapt: bool = False
    """Whether the rate may follow what the machine bears."""


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
            bring_up(database)
            course_id = _populate(database, load)
            with running_system(home, _values(settings, load)) as system:
                return _watch(load, database, course_id, system, home)
        finally:
            database.close()


def _values(settings: Settings, load: Load) -> dict[str, Any]:
    folders = [settings.path(settings.models.store), *(settings.path(folder) for folder in settings.models.folders)]
    return {
        "models": {
            "folders": [str(folder) for folder in folders],
            "classifier": settings.models.classifier and str(settings.path(settings.models.classifier)),
        },
        "capture": {
            "rate_fps": load.rate_fps,
            "crowded_rate_fps": load.rate_fps,
            "adapt": load.adapt,
            **({} if load.adapt else {"frames_per_core_s": 1e6}),
        },
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
    course_id = classroom.ensure_demo([DemoMember(m.name, m.address(), str(k)) for k, m in enumerate(members, 1)])
    if load.drawn_before:
        with database.write() as session:  # the same drawn students, their frames pushed
            session.execute(update(Source).values(address="browser:drawn"))
    return course_id


def _watch(load: Load, database: Database, course_id: int, system: RunningSystem, home: Path) -> dict[str, Any]:
    session = Classroom(database).start_session(course_id, None)
    cookie = system.sign_in(EMAIL, PASSWORD)
    with ExitStack() as around:
        feed = around.enter_context(_feed(load, database, home)) if load.drawn_before else None
        if load.browser:
            around.enter_context(open_page(f"{system.address}/sessions/{session.id}", cookie))
        arrivals = Arrivals()
        client = around.enter_context(watching(system.address, cookie, session.id, arrivals))
        began, processor = _warmed_up(load, arrivals), _processor_s(system)
        time.sleep(load.duration_s)
        ended, processor, memory = time.time(), spent_since(processor, _processor_s(system)), _memory_mb(system)
        expected = feed.sent_between(began, ended) if feed else round(load.students * load.rate_fps * load.duration_s)
        time.sleep(2.0)  # what was captured in time arrives
        client.disconnect()
    stages = stage_figures(Pulse(database), load.adapt)
    Classroom(database).end_session(session.id)
    rows = [row for row in arrivals.rows.values() if began <= row[0] < ended]
    frames = (expected, _frames(database, session.id, began, ended))
    spent = {name: seconds / (ended - began) for name, seconds in processor.items()}
    return {**_result(load, rows, frames), **_cost(load, spent), "memory_pss_mb": round(memory, 1), **stages}


def _feed(load: Load, database: Database, home: Path) -> AbstractContextManager[Feed]:
    folders = list((home / "var" / "run").glob("run-*"))
    if len(folders) != 1:
        raise EngageError("The running system's sockets are not where they were looked for; give a shorter TMPDIR.")
    return class_feed(folders[0], [source.origin for source in Queries(database).capture_plan()], load.rate_fps)


@contextmanager
def watching(address: str, cookie: str, session_id: int, arrivals: Arrivals) -> Iterator[socketio.Client]:
    """Connect a Socket.IO client that notes what a session's live page is told."""
    client = socketio.Client(reconnection=False)
    client.on(EVENT, arrivals.take)
    client.connect(address, headers={"Cookie": cookie}, transports=["websocket"])
    try:
        answer = client.call("watch", {"session": session_id})
        if not answer["ok"]:
            raise EngageError(f"The dashboard refused the measuring client: {answer['error']}")
        yield client
    finally:
        client.disconnect()


@contextmanager
def open_page(address: str, cookie: str) -> Iterator[None]:
    """Have Chromium look at a page meanwhile."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SettingsError("A browser beside it needs Playwright: pip install -e '.[dev]'.") from None
    executable = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if executable is None:
        raise SettingsError("A browser beside it needs Chromium: install it (Debian: apt-get install chromium).")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-dev-shm-usage"])
        context = browser.new_context()
        for name, value in (pair.split("=", 1) for pair in cookie.split("; ")):
            context.add_cookies([{"name": name, "value": value, "url": address}])
        context.new_page().goto(address)
        try:
            yield
        finally:
            browser.close()


def _warmed_up(load: Load, arrivals: Arrivals) -> float:
    """Return the time, once every student was seen and all is warm."""
    deadline = time.monotonic() + START_DEADLINE_S
    while len(arrivals.students()) < load.students:
        if time.monotonic() > deadline:
            raise EngageError(f"Only {len(arrivals.students())} of {load.students} students were seen.")
        time.sleep(0.2)
    time.sleep(WARM_UP_S)
    return time.time()


def _processor_s(system: RunningSystem) -> dict[str, float]:
    """Return the processor seconds so far by the name of the process; children count for their parent."""
    found: dict[str, float] = {}
    for member in system.tree():
        words = [member.cmdline(), (member.parent() or member).cmdline()]
        names = [line[line.index(HOST) + 1] for line in words if HOST in line[:-1]]
        name = names[0].partition("-")[0] if names else "supervisor"
        found[name] = found.get(name, 0.0) + sum(member.cpu_times()[:2])
    return found


def spent_since(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, float]:
    """Return the differences, of all that is in either; of a process that is gone nothing is known."""
    return {name: max(0.0, now.get(name, 0.0) - before.get(name, 0.0)) for name in sorted({*before, *now})}


def _memory_mb(system: RunningSystem) -> float:
    return float(sum(getattr(member.memory_full_info(), "pss", 0) for member in system.tree())) / 2**20


def _frames(database: Database, session_id: int, began: float, ended: float) -> int:
    samples = Queries(database).samples_since(session_id, int(began) - 2, limit=10**7)
    return sum(scored.sample.frames for scored in samples if began <= scored.sample.captured_at.timestamp() < ended)


def stage_figures(pulse: Pulse, adapts: bool) -> dict[str, float]:
    """Return what inference answered and had to drop since it started, as the supervisor last wrote it down.

    Where rates adapt, sources are looked at less often on purpose: then only what inference dropped counts as dropped.
    """
    beat = pulse.last()
    meters = [each.meters for each in beat.processes] if beat else []
    names = ("frames_inferred", "frames_stale", "frames_crowded", "rate_fps")
    found = {name: round(sum(each.get(name, 0.0) for each in meters), 2) for name in names}
    if adapts:
        dropped = found["frames_stale"] + found["frames_crowded"]
        found["frames_dropped_share"] = round(dropped / max(1.0, dropped + found["frames_inferred"]), 4)
    return found


def _cost(load: Load, spent: Mapping[str, float]) -> dict[str, Any]:
    total = sum(spent.values())
    return {
        "cores_busy": round(total, 3),
        "cores_busy_by_process": {name: round(share, 3) for name, share in spent.items()},
        "cores_per_student": round(total / load.students, 5),
    }


def _result(load: Load, rows: Sequence[tuple[float, float, float]], frames: tuple[int, int]) -> dict[str, Any]:
    expected_frames, stored_frames = frames
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
        "frames_stored": stored_frames,
        "frames_dropped_share": round(max(0.0, 1 - stored_frames / max(1, expected_frames)), 4),
        **percentiles("commit_latency_s", to_commit),
        **percentiles("event_latency_s", to_event),
        "events_within_1_s_share": round(float(np.mean(to_event < 1.0)), 4) if len(rows) else 0.0,
    }
