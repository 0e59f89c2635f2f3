"""Databases for tests: SQLite always, PostgreSQL from a throwaway server where its binaries are installed.

``ENGAGE_TEST_POSTGRES`` may give the address of a server to use instead; its user must be allowed to create databases.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url

from engage.core.policy import GivenBy
from engage.storage.accounts import Accounts
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.migrate import upgrade
from engage.storage.queries import Queries
from engage.storage.records import CourseRecord, NewStudent, Role, SessionRecord, StudentRecord, UserRecord
from engage.storage.throwaway import postgres, postgres_binaries, server_account

BACKENDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))
START = datetime(2026, 11, 22, 9, 0, 0, tzinfo=UTC)


@dataclass
class SetClock:
    """A clock that stands until it is moved."""

    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return (self.time - START).total_seconds()

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class PostgresServer:
    """A running server; ``fresh`` makes databases on it."""

    url: URL
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    template: str | None = None

    def fresh(self, template: str = "template0") -> URL:
        """Return the address of a new database."""
        name = f"engage_test_{os.getpid()}_{next(self.numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url.set(database=name)

    def migrated(self) -> URL:
        """Return the address of a new database with the program's tables; they are made once and copied."""
        if self.template is None:
            url = self.fresh()
            _migrate(url)
            self.template = url.database
        return self.fresh(self.template or "")

    def drop(self, url: URL) -> None:
        """Remove a database, connections included."""
        self._execute(f"DROP DATABASE IF EXISTS {url.database} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Yield a PostgreSQL server, or skip with the reason."""
    given = os.environ.get("ENGAGE_TEST_POSTGRES")
    if given:
        yield PostgresServer(make_url(given).set(drivername="postgresql+psycopg"))
        return
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    if postgres_binaries() is None or server_account() is None:
        pytest.skip("PostgreSQL's server binaries are not installed, or there is no user to run them as")
    with postgres(durable=False) as url:
        yield PostgresServer(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with the program's tables, to be copied."""
    file = tmp_path_factory.mktemp("template") / "template.db"
    _migrate(URL.create("sqlite", database=str(file)))
    return file


def _migrate(url: URL) -> None:
    database = Database(url.render_as_string(hide_password=False))
    upgrade(database)
    database.close()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Return the kind of database; a test that asks for it runs once for each."""
    return str(request.param)


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the address of a database without tables."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty' / 'engage.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.fresh()
    yield url.render_as_string(hide_password=False)
    server.drop(url)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Return the address of a SQLite file with the program's tables."""
    file = tmp_path / "engage.db"
    shutil.copy(sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture
def url(backend: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the address of a database with the program's tables."""
    if backend == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    copy = server.migrated()
    yield copy.render_as_string(hide_password=False)
    server.drop(copy)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Yield an open database with the program's tables."""
    database = Database(url)
    database.open()
    yield database
    database.close()


@pytest.fixture
def clock() -> SetClock:
    """Return a clock that stands at nine in the morning."""
    return SetClock()


@dataclass(frozen=True)
class School:
    """A small school: an administrator, two teachers, a course of three students that is in session."""

    accounts: Accounts
    classroom: Classroom
    queries: Queries
    admin: UserRecord
    teacher: UserRecord
    other_teacher: UserRecord
    course: CourseRecord
    students: tuple[StudentRecord, ...]
    session: SessionRecord


@pytest.fixture
def school(database: Database, clock: SetClock) -> School:
    """Return a small school in ``database``: students Ada, Ben and Chi (a minor); Ada and Ben have said Yes."""
    accounts, classroom = Accounts(database, clock), Classroom(database, clock)
    admin = accounts.create_user("admin@example.org", "Admin", "hash", Role.ADMIN)
    teacher = accounts.create_user("teacher@example.org", "Teacher", "hash", Role.TEACHER)
    other = accounts.create_user("other@example.org", "Other", "hash", Role.TEACHER)
    course = classroom.create_course("Physics", teacher.id)
    students = tuple(
        classroom.create_student(course.id, NewStudent(name, minor=name == "Chi", seat=f"A{number}"))
        for number, name in enumerate(("Ada", "Ben", "Chi"), 1)
    )
    for student in students:
        classroom.add_source(str(student.id), student_id=student.id)
    for student in students[:2]:
        classroom.record_consent(student.id, True, GivenBy.STUDENT, teacher.id)
    session = classroom.start_session(course.id, teacher.id)
    return School(accounts, classroom, Queries(database), admin, teacher, other, course, students, session)
