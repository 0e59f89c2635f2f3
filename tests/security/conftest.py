"""A really running web server, for clients that do not keep to the rules."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests
from argon2 import PasswordHasher

from engage.cli.trial import RunningSystem
from engage.core.policy import Jurisdiction
from engage.core.types import Mode
from engage.runtime.addresses import free_port
from engage.storage.accounts import Accounts
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.migrate import upgrade
from engage.storage.records import Role
from tests.conftest import ROOT

EMAIL, PASSWORD = "teacher@example.org", "a quiet morning"
THREADS = 8
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Served:
    """The server: its address, its port, the process that serves, and a signed-in teacher's cookie."""

    home: Path
    port: int
    process: psutil.Process
    cookie: str
    session: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        """Return whether it answers; waits as long as a slow machine may need."""
        return requests.get(f"{self.address}/healthz", timeout=PATIENCE_S).ok

    def resident_mb(self) -> float:
        return self.process.memory_info().rss / 2**20


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home, port = tmp_path_factory.mktemp("served"), free_port()
    database = Database(f"sqlite:///{home}/engage.db")
    database.open()
    upgrade(database)
    hashed = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    teacher = Accounts(database).create_user(EMAIL, "Teacher", hashed, Role.TEACHER)
    classroom = Classroom(database)
    classroom.save_setup(Jurisdiction.UK, Mode.FULL, teacher.id)
    session = classroom.start_session(classroom.create_course("Physics", teacher.id).id, teacher.id).id
    database.close()
    script = Path(__file__).with_name("plain_server.py")
    command = [sys.executable, script, home, str(port), str(THREADS)]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).raise_for_status()
                break
            except requests.RequestException:
                assert time.monotonic() < deadline and server.poll() is None, (home / "log").read_text()
                time.sleep(0.1)
        arbiter = psutil.Process(server.pid)
        cookie = RunningSystem(arbiter, server, f"http://127.0.0.1:{port}", home / "log").sign_in(EMAIL, PASSWORD)
        yield Served(home, port, arbiter.children()[0], cookie, session)
    finally:
        server.terminate()
        server.wait(PATIENCE_S)
