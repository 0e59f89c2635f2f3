"""A dashboard of its own for browser tests: the real server, fed with made-up updates.

Run as ``python served.py HOME PORT STUDENTS``. ``HOME/control.json`` steers it while it runs: lists of row numbers
under ``silent`` (no samples), ``away``, ``lost`` and ``unreached`` (why it is lost); ``"stopped": true`` silences
everyone.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dashboard.server import Lines, serve
from dashboard.services import Passwords
from engage import config
from engage.core.policy import GivenBy, Jurisdiction
from engage.core.sites import NO_MACHINE
from engage.core.types import Mode, Origin, Reason, Sample, Score, ScoredSample, SourceState, SourceStatus
from engage.core.updates import LiveUpdate, Rate
from engage.storage.accounts import Accounts
from engage.storage.alarms import Alarms
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.migrate import upgrade
from engage.storage.queries import Queries
from engage.storage.records import NewStudent, Role
from engage.storage.store import SqlStore

EMAIL, PASSWORD = "teacher@school.example", "a quiet morning"
COURSE = "Physics 9b"
NAMES = """Amina Diallo|Ben Okafor|Clara Lindqvist|David Park|Elif Yılmaz|Finn O'Brien|Grace Mwangi|Hiro Tanaka|
Ines Duarte|Jonas Weber|Kavya Rao|Liam Novak|Maya Cohen|Noor Haddad|Oskar Nilsson|Priya Menon|Quentin Roux|
Rosa Martínez|Samuel Adeyemi|Tereza Dvořáková|Umar Khan|Vera Petrova|Wen Li|Ximena Torres|Yara Silva|Zoe Laurent|
Alexandra Papadopoulou-Kristensen|Bao Nguyen|Chidi Eze|Dana Kowalska""".replace("\n", "").split("|")
ANGER, HAPPINESS, NEUTRAL, SADNESS, SURPRISE = 4, 1, 0, 3, 2


def expression(student: int, second: int) -> tuple[float, ...]:
    """Return plausible probabilities that change every few seconds."""
    mood = (student * 7 + second // 11) % 9
    top = (NEUTRAL, NEUTRAL, HAPPINESS, NEUTRAL, SURPRISE, HAPPINESS, NEUTRAL, SADNESS, None)[mood]
    values = [0.04] * 8
    if top is None:
        return tuple([0.125] * 8)
    values[top] = 0.72
    return tuple(values)


def scored(session: int, student: int, row: int, at: datetime, away: bool) -> ScoredSample:
    """Return one student's second."""
    second = int(at.timestamp())
    level = 5.6 + 2.6 * math.sin(row * 1.7) + 0.9 * math.sin(second / 37 + row) + 0.5 * math.sin(second / 150)
    value = min(9.8, max(0.4, level))
    confidence = min(0.97, max(0.2, 0.72 + 0.2 * math.sin(row * 2.1 + second / 60)))
    score = Score(None, 0.0, Reason.AWAY) if away else Score(value, confidence, None, {"expression": 0.8})
    sample = Sample(
        session, student, second, at, 2, 1.0, 0.0 if away else 1.0, None if away else 0.9, 0.5,
        None if away else expression(row, second),
    )  # fmt: skip
    return ScoredSample(sample, score, "test-1")


@dataclass
class MadeUpUpdates:
    """A Receiver: every student once a second, stored first, then handed out."""

    home: Path
    database: Database
    store: SqlStore
    queries: Queries

    def __post_init__(self) -> None:
        self.said: dict[tuple[int, int], int] = {}
        self.lost: set[int] = set()
        self.alarms = Alarms(self.database)

    def receive(self, timeout_s: float, limit: int = 256) -> list[object]:
        """Wait a little, then return what is due."""
        time.sleep(min(timeout_s, 0.2))
        make_past(self.home)
        steering = read_steering(self.home)
        now = datetime.now(UTC) - timedelta(seconds=0.3)
        return [update for lesson in self.queries.running_sessions() for update in self.due(lesson.id, now, steering)]

    def due(self, session: int, now: datetime, steering: dict[str, Any]) -> Iterator[LiveUpdate]:
        """Yield the update of one session, if anything is due."""
        samples, statuses, unreached = [], [], steering.get("unreached", ())
        for row, entry in enumerate(self.queries.roster(session)):
            if steering.get("stopped") or entry.consent is None or entry.source_id is None or entry.paused:
                continue
            origin = Origin(session, entry.source_id, entry.student_id)
            if (row in steering.get("lost", ())) != (row in self.lost):
                self.lost ^= {row}
                state = SourceState.LOST if row in self.lost else SourceState.LIVE
                statuses.append(SourceStatus(origin, state, now, NO_MACHINE if row in unreached else ""))
            key, at = (session, row), now - timedelta(seconds=(row % 10) / 10)
            if row in self.lost or row in steering.get("silent", ()) or self.said.get(key) == int(at.timestamp()):
                continue
            self.said[key] = int(at.timestamp())
            samples.append(scored(session, entry.student_id, row, at, row in steering.get("away", ())))
        if samples or statuses:
            self.store.write(samples, (), statuses)
            alerts = tuple(self.alarms(samples, statuses, datetime.now(UTC)))
            rate = Rate(*steering["rate"]) if "rate" in steering else None
            yield LiveUpdate(session, datetime.now(UTC), tuple(samples), tuple(statuses), alerts=alerts, rate=rate)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


def read_steering(home: Path) -> dict[str, Any]:
    """Return what the test asks for, if anything."""
    try:
        return dict(json.loads((home / "control.json").read_text()))
    except (OSError, ValueError):
        return {}


def seed(database: Database, students: int) -> None:
    """Make a teacher's account, a course with students, and what a first run would have answered."""
    accounts, classroom = Accounts(database), Classroom(database)
    teacher = accounts.create_user(EMAIL, "Teacher", Passwords().hash(PASSWORD), Role.ADMIN)
    classroom.save_setup(Jurisdiction.UK, Mode.FULL, teacher.id)
    course = classroom.create_course(COURSE, teacher.id)
    for row, name in enumerate(NAMES[:students]):
        seat = f"{'ABCDE'[row % 5]}{row // 5 + 1}"
        student = classroom.create_student(course.id, NewStudent(name, minor=row % 3 == 0, seat=seat))
        classroom.add_source(f"rtsp://cameras.example/{row}", student_id=student.id)
        if row != 4:
            given_by = GivenBy.GUARDIAN if row % 3 == 0 else GivenBy.STUDENT
            classroom.record_consent(student.id, True, given_by, teacher.id)


def batched(samples: Sequence[ScoredSample], n: int) -> Iterator[Sequence[ScoredSample]]:
    """Yield the samples, ``n`` at a time."""
    for start in range(0, len(samples), n):
        yield samples[start : start + n]


def backfill(database: Database, seconds: int) -> None:
    """Give the running sessions a past of ``seconds``."""
    store, queries = SqlStore(database), Queries(database)
    now = datetime.now(UTC).replace(microsecond=0)
    for lesson in queries.running_sessions():
        roster = [(row, entry.student_id) for row, entry in enumerate(queries.roster(lesson.id)) if entry.consent]
        samples = [
            scored(lesson.id, student, row, now - timedelta(seconds=ago), row == 6 and ago < 40)
            for ago in range(seconds, 1, -1)
            for row, student in roster
        ]
        for part in batched(samples, 600):
            store.write(part)


class Earlier:
    """A clock that is behind by a while: sessions started with it have a past."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def now(self) -> datetime:
        """Return the time of day, so much earlier."""
        return datetime.now(UTC) - timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Return the monotonic clock."""
        return time.monotonic()


def make_past(home: Path) -> None:
    """Make the session with a past that ``HOME/past.wanted`` asks for, and tell its id in ``HOME/past.made``.

    Here, between two updates: the first update of such a session comes when all of its past is stored.
    """
    wanted = home / "past.wanted"
    if wanted.exists():
        made = start_in_the_past(home, int(wanted.read_text()))
        wanted.unlink()
        draft = home / "past.tmp"
        draft.write_text(str(made))
        draft.rename(home / "past.made")


def start_in_the_past(home: Path, seconds: int) -> int:
    """Start a session of the seeded course ``seconds`` ago, with all its samples, and return its id."""
    database = Database(f"sqlite:///{home}/engage.db")
    database.open()
    lesson = Classroom(database, Earlier(seconds)).start_session(1, 1)
    Classroom(database, Earlier(seconds * 0.7)).add_marker(lesson.id, 1, "Group work")
    backfill(database, seconds)
    database.close()
    return lesson.id


def main(home: Path, port: int, students: int) -> None:
    """Serve until stopped."""
    flags = {"home": home, "web": {"port": port}, "database": {"url": f"sqlite:///{home}/engage.db"}}
    settings = config.Settings(**flags)
    database = Database(settings.database_url)
    database.open()
    upgrade(database)
    if students and not Accounts(database).count_users():
        seed(database, students)
    if not students:
        (home / "setup.txt").write_text(Accounts(database).issue_setup_token(600))

    def open_updates() -> MadeUpUpdates:
        mine = Database(settings.database_url)
        mine.open()
        return MadeUpUpdates(home, mine, SqlStore(mine), Queries(mine))

    database.close()
    serve(settings, Lines(open_updates, lambda: (home / "beat").touch()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
