"""A lesson in the real system that faults are put into, and what can be seen of it from outside."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import socketio
from argon2 import PasswordHasher
from sqlalchemy import select

from engage.capture.virtual.roster import virtual_class
from engage.cli.trial import RunningSystem, running_system
from engage.core.live import EVENT
from engage.core.policy import GivenBy, Jurisdiction
from engage.core.types import Mode
from engage.storage.accounts import Accounts
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.migrate import upgrade
from engage.storage.queries import Queries
from engage.storage.records import NewStudent
from engage.storage.tables import SampleRow, SourceEvent
from tests.conftest import shared_folder

EMAIL, PASSWORD = "teacher@example.org", "a long password"
HASHED = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
LIVE_AGAIN_S = 10.0
"""What the system has to be live again after a fault; ``Lesson.allowed_s`` grants slow machines more."""
MORE_THAN_THE_OUTAGE_S = 2.0
EDGE_S = 1.5
"""A sample has the time of its newest frame, so seconds at both ends of a gap may be cut."""
PATIENCE_S = 60.0


class Watcher:
    """A browser's stand-in: it watches the lesson, comes back when its socket is lost, and notes what it is told."""

    def __init__(self, address: str, cookie: str, session: int) -> None:
        self.rows: dict[tuple[int, int], tuple[float, float]] = {}
        """(student, second) to the time of capture (epoch) and of arrival (monotonic), the first of each."""
        self.told: Counter[tuple[int, int]] = Counter()
        self.states: list[tuple[int, str, str]] = []
        self.trouble: list[str] = []
        """What the page was told last that is away."""
        self.news = threading.Condition()
        self.watching = threading.Event()
        self.cookie = cookie
        self._where = address, session
        self._over = threading.Event()
        self._client: socketio.Client | None = None
        self._thread = threading.Thread(target=self._stay, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        with suppress(Exception):
            if self._client is not None:
                self._client.disconnect()
        self._thread.join(20)

    def forget(self) -> None:
        with self.news:
            self.rows.clear()
            self.told.clear()
            self.states.clear()

    def wait_for(self, fact: Callable[[], bool], timeout_s: float = PATIENCE_S) -> bool:
        with self.news:
            return self.news.wait_for(fact, timeout_s)

    def _stay(self) -> None:
        address, session = self._where
        while not self._over.is_set():
            client = self._client = socketio.Client(reconnection=False, handle_sigint=False)
            client.on(EVENT, self._take)
            client.on("trouble", self._note)
            with suppress(Exception):
                client.connect(address, headers={"Cookie": self.cookie}, transports=["websocket"], wait_timeout=5)
                if client.call("watch", {"session": session}, timeout=5)["ok"]:
                    self.watching.set()
                    client.wait()
            self.watching.clear()
            with suppress(Exception):
                client.disconnect()
            self._over.wait(0.25)

    def _note(self, news: dict[str, Any]) -> None:
        with self.news:
            self.trouble = list(news["what"])
            self.news.notify_all()

    def _take(self, payload: dict[str, Any]) -> None:
        now = time.monotonic()
        with self.news:
            for sample in payload["samples"]:
                key = (sample["student"], sample["second"])
                self.told[key] += 1
                self.rows.setdefault(key, (sample["captured_at"], now))
            self.states += [(each["student"], each["state"], each["detail"]) for each in payload["statuses"]]
            self.news.notify_all()


@dataclass
class Lesson:
    """A running lesson; ``students`` are drawn ones, ``cameras`` those of further students, by their names."""

    home: Path
    url: str
    values: dict[str, Any]
    database: Database
    session: int
    students: tuple[int, ...]
    cameras: dict[str, int]
    system: RunningSystem
    watcher: Watcher
    course: int = 0
    healthy_gap_s: float = 0.0
    figures: dict[str, list[float]] = field(default_factory=dict)

    @property
    def everyone(self) -> tuple[int, ...]:
        return (*self.students, *self.cameras.values())

    def processes(self) -> dict[str, psutil.Process]:
        """Return the system's processes by the names that the supervisor gives them, the web's forked worker too."""
        found = {}
        for process in self.system.process.children():
            with suppress(psutil.Error):
                command = process.cmdline()
                if "engage.runtime.host" in command:
                    found[command[-1]] = process
        web = found.get("web")
        for child in web.children() if web is not None else ():
            found["web-worker"] = child
        return found

    def starts_of(self, name: str) -> list[float]:
        """Return how long each start of a process took until it was ready, in seconds, as the supervisor says."""
        return [float(after) for after in re.findall(rf"process={name} ready pid=\d+ after_s=([\d.]+)", self.said())]

    def said(self) -> str:
        with suppress(OSError):
            return self.system.said()
        return ""

    def allowed_s(self, process: str | None = None) -> float:
        """Return in what time it has to be live again: 10 s, or more where this machine is slow without any fault.

        ``process`` is the one that starts anew: its first start was part of no fault and says how slow starting is.
        """
        start_s = self.starts_of(process)[0] if process is not None else 0.0
        return max(LIVE_AGAIN_S, 2.0 * start_s + 3.0 * self.healthy_gap_s + 2.0)

    def await_live(self, students: Sequence[int], after: float, timeout_s: float = PATIENCE_S) -> float:
        """Wait until each of ``students`` is shown with a second captured after ``after`` (epoch); return when.

        The time (epoch) is that at which the last of them was shown.
        """

        def arrived() -> dict[int, float]:
            first: dict[int, float] = {}
            for (student, _), (captured, arrival) in self.watcher.rows.items():
                if captured > after:
                    first[student] = min(arrival, first.get(student, arrival))
            return first

        def all_there() -> bool:
            return set(students) <= arrived().keys()

        assert self.watcher.wait_for(all_there, timeout_s), (
            f"not live again in {timeout_s:.0f} s: {set(students) - arrived().keys()}\n{self.said()[-3000:]}"
        )
        latest = max(arrived()[student] for student in students)
        return time.time() - (time.monotonic() - latest)

    def stored(self, since: float) -> dict[int, list[int]]:
        """Return the stored seconds of each student from ``since`` (epoch) on, in order; none may be there twice."""
        with self.database.read() as session:
            rows = session.execute(
                select(SampleRow.student_id, SampleRow.second).where(
                    SampleRow.session_id == self.session, SampleRow.second >= int(since)
                )
            ).all()
        assert len(set(rows)) == len(rows), "a second is stored twice"
        found: dict[int, list[int]] = {student: [] for student in self.everyone}
        for student, second in sorted(rows):
            found[student].append(second)
        return found

    def longest_gaps(self, since: float, until: float) -> dict[int, float]:
        """Return the longest time without a stored second of each student, in seconds, between two times (epoch)."""
        gaps = {}
        for student, seconds in self.stored(since).items():
            marks = [int(since), *(second for second in seconds if second <= until), int(until)]
            gaps[student] = float(max(later - earlier for earlier, later in itertools.pairwise(marks)))
        return gaps

    def events(self, student: int) -> list[str]:
        """Return the stored states of a student's camera, oldest first."""
        query = select(SourceEvent.state).where(
            SourceEvent.session_id == self.session, SourceEvent.student_id == student
        )
        with self.database.read() as session:
            return list(session.scalars(query.order_by(SourceEvent.id)))

    def cameras_back(self, since: float) -> float:
        """Return when (epoch) the last of the drawn students' cameras was said to be live after ``since``."""
        with self.database.read() as session:
            rows = session.scalars(
                select(SourceEvent.at).where(
                    SourceEvent.session_id == self.session,
                    SourceEvent.state == "live",
                    SourceEvent.student_id.in_(self.students),
                )
            )
            return max((at.timestamp() for at in rows if at.timestamp() > since), default=since)

    def assert_told_is_stored(self) -> None:
        """Check that whatever a page was told is stored, and was told once."""
        with self.watcher.news:
            told = dict(self.watcher.told)
        stored = {(student, second) for student, seconds in self.stored(0.0).items() for second in seconds}
        lost = told.keys() - stored
        assert not lost, f"{len(lost)} seconds that were committed and shown are gone: {sorted(lost)[:5]}"
        doubled = [key for key, times in told.items() if times > 1]
        assert not doubled, f"shown twice: {doubled[:5]}"

    def note(self, name: str, value: float) -> None:
        self.figures.setdefault(name, []).append(value)


def make_school(
    database: Database, count: int, cameras: dict[str, str]
) -> tuple[int, tuple[int, ...], dict[str, int], int]:
    """Fill an empty database; return the session's number, the drawn students, those with cameras, and the course."""
    upgrade(database)
    accounts, classroom = Accounts(database), Classroom(database)
    token = accounts.issue_setup_token(600)
    user = accounts.redeem_setup_token(token, EMAIL, "Teacher", HASHED).id
    classroom.save_setup(Jurisdiction.OTHER, Mode.FULL, user)
    course = classroom.create_course("Physics", user).id

    def enrol(name: str, address: str) -> int:
        student = classroom.create_student(course, NewStudent(name, minor=False)).id
        classroom.add_source(address, student_id=student)
        classroom.record_consent(student, True, GivenBy.STUDENT, user)
        return student

    students = tuple(enrol(member.name, f"virtual:{member.seed}?script=lively") for member in virtual_class(count))
    others = {name: enrol(name, address) for name, address in cameras.items()}
    return classroom.start_session(course, user).id, students, others, course


def settings_for(url: str, **more: Any) -> dict[str, Any]:
    folders = [str(folder) for folder in (shared_folder() / "models",) if folder.is_dir()]
    return {
        "database": {"url": url},
        "capture": {"rate_fps": 2.0, **more.pop("capture", {})},
        "models": {"folders": folders},
        "inference": {"backend": "onnxruntime", "precision": "fp32", "threads": 1},
        "runtime": {"capture_processes": 2, **more.pop("runtime", {})},
        **more,
    }


@contextmanager
def running_lesson(
    home: Path, url: str, *, count: int = 4, cameras: dict[str, str] | None = None, **settings: Any
) -> Iterator[Lesson]:
    """Run the system on ``count`` drawn students and ``cameras`` (name to address), everybody seen and settled."""
    database = Database(url)
    database.open()
    try:
        session, students, others, course = make_school(database, count, cameras or {})
        values = settings_for(url, **settings)
        with started(home, values, session) as (system, watcher):
            lesson = Lesson(home, url, values, database, session, students, others, system, watcher, course)
            settle(lesson)
            yield lesson
    finally:
        database.close()


@contextmanager
def started(home: Path, values: dict[str, Any], session: int) -> Iterator[tuple[RunningSystem, Watcher]]:
    """Start the system and watch its lesson."""
    with running_system(home, values) as system:
        watcher = Watcher(system.address, system.sign_in(EMAIL, PASSWORD), session)
        try:
            yield system, watcher
        finally:
            watcher.close()


SETTLE_S = 6.0


def settle(lesson: Lesson) -> None:
    """Wait until all drawn students are seen, and note how long gaps are without any fault."""
    began = lesson.await_live(lesson.students, time.time())
    lesson.await_live(lesson.students, began + SETTLE_S)
    gaps = lesson.longest_gaps(began, began + SETTLE_S)
    lesson.healthy_gap_s = max(gaps[student] for student in lesson.students)


def queries_of(lesson: Lesson) -> Queries:
    return Queries(lesson.database)
