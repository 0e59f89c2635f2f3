"""An application on a database of its own, and browsers signed in as each kind of user."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard import create_app
from engage.config import Settings
from engage.core.policy import GivenBy, Jurisdiction
from engage.core.types import Mode
from engage.storage.accounts import Accounts
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.migrate import upgrade
from engage.storage.queries import Queries
from engage.storage.records import NewStudent, Role

PASSWORD = "a quiet morning"
HASHED = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
"""Weak, and so quick; how strong the program's own are is tested with the first account."""


@dataclass(frozen=True)
class School:
    """What the tests find in the database: two teachers, each with a course of their own."""

    accounts: Accounts
    classroom: Classroom
    queries: Queries
    admin: int
    teacher: int
    colleague: int
    student_user: int
    course: int
    other_course: int
    student: int
    session: int
    other_session: int


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return default settings in a folder of their own."""
    return Settings(home=tmp_path, database={"url": f"sqlite:///{tmp_path}/test.db"})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def empty_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database file with current tables, migrated once for all tests."""
    file = tmp_path_factory.mktemp("empty") / "empty.db"
    database = Database(f"sqlite:///{file}")
    database.open()
    upgrade(database)
    database.close()
    return file


@pytest.fixture
def database(settings: Settings, empty_tables: Path, tmp_path: Path) -> Iterator[Database]:
    """Yield an empty database with current tables."""
    shutil.copy(empty_tables, tmp_path / "test.db")
    database = Database(settings.database_url)
    database.open()
    yield database
    database.close()


@pytest.fixture
def app(settings: Settings, database: Database) -> Flask:
    """Return the application."""
    app = create_app(settings, database)
    app.testing = True
    return app


@pytest.fixture
def school(database: Database) -> School:
    """Return a school with accounts, courses and running sessions."""
    accounts, classroom = Accounts(database), Classroom(database)
    users = {
        name: accounts.create_user(f"{name}@school.example", name.title(), HASHED, role).id
        for name, role in [
            ("admin", Role.ADMIN), ("teacher", Role.TEACHER), ("colleague", Role.TEACHER), ("student", Role.STUDENT)
        ]
    }  # fmt: skip
    classroom.save_setup(Jurisdiction.UK, Mode.FULL, users["admin"])
    course = classroom.create_course("Physics", users["teacher"]).id
    other = classroom.create_course("Latin", users["colleague"]).id
    student = classroom.create_student(course, NewStudent("Amina", minor=False, seat="A1")).id
    classroom.add_source("rtsp://user:secret@camera.example/1", student_id=student)
    classroom.record_consent(student, True, GivenBy.STUDENT, users["teacher"])
    classroom.create_student(other, NewStudent("Ben", minor=True))
    return School(
        accounts, classroom, Queries(database),
        users["admin"], users["teacher"], users["colleague"], users["student"],
        course, other, student,
        classroom.start_session(course, users["teacher"]).id, classroom.start_session(other, users["colleague"]).id,
    )  # fmt: skip


@pytest.fixture
def browser(app: Flask) -> Callable[[str | None], FlaskClient]:
    """Return a maker of clients, signed in by name (``"teacher"``) or, for None, not."""

    def make(name: str | None) -> FlaskClient:
        client = app.test_client()
        if name is not None:
            answer = send_form(client, "/sign-in", email=f"{name}@school.example", password=PASSWORD)
            assert answer.status_code == 302, answer.text
        return client

    return make


def token_for(client: FlaskClient) -> str:
    """Return the CSRF token that this browser's pages carry."""
    page = client.get("/", follow_redirects=True).text
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found, page[:500]
    return found[1]


def send_form(client: FlaskClient, path: str, **form: str) -> TestResponse:
    """Return the answer to a form, sent with the browser's token."""
    return client.post(path, data={**form, "csrf_token": token_for(client)})


def call_api(client: FlaskClient, path: str, body: object, method: str = "POST") -> TestResponse:
    """Return the answer to a JSON request, sent with the header the live page sends."""
    return client.open(path, method=method, json=body, headers={"X-CSRFToken": token_for(client)})


@pytest.fixture
def send() -> Callable[..., TestResponse]:
    """Return ``send_form``."""
    return send_form


@pytest.fixture
def call() -> Callable[..., TestResponse]:
    """Return ``call_api``."""
    return call_api
