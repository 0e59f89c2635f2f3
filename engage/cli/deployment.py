"""A deployment of several web processes with Redis and PostgreSQL of its own: for tests and benches."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from engage.cli.throwaway import Redis, redis
from engage.cli.trial import RunningSystem, running_system
from engage.core.policy import GivenBy, Jurisdiction
from engage.core.types import Mode
from engage.runtime.addresses import free_port
from engage.storage.accounts import Accounts
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.migrate import upgrade
from engage.storage.queries import Queries
from engage.storage.records import NewStudent
from engage.storage.throwaway import Server, server

EMAIL, PASSWORD = "teacher@example.org", "only for this measurement"
SECRET = "a key that all web processes of this trial share"  # noqa: S105 (of a throwaway)  # nosec B105


@dataclass(frozen=True, slots=True)
class Ground:
    """What a deployment stands on: Redis, PostgreSQL, and a folder with a short path."""

    home: Path
    redis: Redis
    postgres: Server
    database: Database
    port: int
    """Of the first web process; the next have the ports after it."""

    def values(self, processes: int, public_url: str | None = None) -> dict[str, Any]:
        """Return the settings of a deployment with this many web processes; without a proxy each is asked itself."""
        url = self.database.address.render_as_string(hide_password=False)
        return {
            "database": {"url": url},
            "socketio": {"message_queue": self.redis.url},
            "runtime": {"shared_folder": str(self.home / "shared")},
            "web": {
                "port": self.port,
                "processes": processes,
                "secret_key": SECRET,
                "public_url": public_url or f"http://127.0.0.1:{self.port}",
            },
        }

    def address(self, number: int) -> str:
        """Return the address of one web process, from 0 on."""
        return f"http://127.0.0.1:{self.port + number}"


@contextmanager
def ground(processes: int, durable: bool = True) -> Iterator[Ground]:
    """Give Redis and PostgreSQL, with the program's tables, and free ports for this many web processes.

    EngageError where one of them is not installed.
    """
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="engage-")))
        queue = stack.enter_context(redis(home))
        running = stack.enter_context(server(durable))
        database = Database(running.url.render_as_string(hide_password=False))
        stack.callback(database.close)
        database.open()
        upgrade(database)
        yield Ground(home, queue, running, database, free_ports(processes))


@contextmanager
def deployment(place: Ground, values: Mapping[str, Any], *arguments: str) -> Iterator[RunningSystem]:
    """Run ``engage serve ARGUMENTS`` on ``place``; ``system.address`` is its first web process's."""
    with running_system(place.home, values, *arguments) as system:
        yield system


def populate(database: Database, students: int) -> tuple[int, list[int]]:
    """Make a teacher who may sign in, and a course of this many students without cameras; return both kinds of ids."""
    accounts, classroom = Accounts(database), Classroom(database)
    token = accounts.issue_setup_token(600)
    teacher = accounts.redeem_setup_token(token, EMAIL, "Teacher", PasswordHasher().hash(PASSWORD))
    classroom.save_setup(Jurisdiction.OTHER, Mode.FULL, teacher.id)
    course = classroom.create_course("Everyone", teacher.id)
    people = [
        classroom.create_student(course.id, NewStudent(f"Student {k}", minor=False)).id for k in range(1, students + 1)
    ]
    for student in people:
        classroom.record_consent(student, True, GivenBy.STUDENT, teacher.id)
    return course.id, people


def stored(database: Database, session_id: int) -> set[tuple[int, int]]:
    """Return (student, second) of all that is committed of a session."""
    rows = Queries(database).samples_since(session_id, 0, limit=10**7)
    return {(scored.sample.student_id, scored.sample.second) for scored in rows}


def free_ports(count: int) -> int:
    """Return the first of ``count`` ports in a row that nobody listens to now."""
    import socket

    while True:
        first = free_port()
        probes = [socket.socket() for _ in range(count)]
        try:
            for number, probe in enumerate(probes):
                probe.bind(("127.0.0.1", first + number))
            return first
        except (OSError, OverflowError):
            continue
        finally:
            for probe in probes:
                probe.close()
