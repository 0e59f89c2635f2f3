"""PostgreSQL and Redis stopped and started again under the running system, and what its pages say meanwhile."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from engage.storage.throwaway import postgres_binaries, server_account
from tests.faults.injected import keep_from_writing, missing, wait_until
from tests.faults.lesson import Lesson, running_lesson
from tests.faults.servers import Postgres, Redis, restartable_postgres

pytestmark = [pytest.mark.faults, pytest.mark.postgres, pytest.mark.timeout(300)]

LASTING = pytest.mark.parametrize("away_s", [8.0, pytest.param(20.0, marks=pytest.mark.nightly)])
STILL_S = 8.0
"""With the time until a page says so, longer than a process may be silent before it is taken for hung (10 s)."""
ANSWER_S = 4.0


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Postgres, Redis]]:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    pytest.importorskip("redis", reason="the Redis client is not installed")
    if postgres_binaries() is None or server_account() is None:
        pytest.skip("PostgreSQL's server binaries are not installed, or there is no user to run them as")
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    with restartable_postgres() as database:
        queue = Redis(tmp_path_factory.mktemp("redis"))
        yield database, queue
        queue.stop()


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory, servers: tuple[Postgres, Redis]) -> Iterator[Lesson]:
    database, queue = servers
    home = tmp_path_factory.mktemp("services")
    with running_lesson(
        home, database.address, count=3, socketio={"message_queue": queue.address}, pipeline={"max_wait_s": 0.02},
        database={"url": database.address, "answer_within_s": ANSWER_S},
    ) as lesson:  # fmt: skip
        yield lesson


@contextmanager
def stopped(server: Postgres) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


def problems(lesson: Lesson) -> list[str]:
    found: list[str] = requests.get(f"{lesson.system.address}/readyz", timeout=30).json()["problems"]
    return found


@LASTING
def test_postgres_stopped(lesson: Lesson, servers: tuple[Postgres, Redis], away_s: float) -> None:
    said = {}

    @contextmanager
    def hold() -> Iterator[None]:
        with stopped(servers[0]):
            page = requests.get(f"{lesson.system.address}/", headers={"Cookie": lesson.watcher.cookie}, timeout=30)
            said["page"], said["problems"] = (page.status_code, page.text), problems(lesson)
            wait_until(lambda: lesson.watcher.trouble == ["database"], "the page says that the database is away")
            yield

    outcome = keep_from_writing(lesson, "PostgreSQL stopped", hold, away_s)
    print(outcome)
    outcome.check()
    assert "database" in said["problems"]
    assert said["page"][0] == 503
    assert "cannot be reached" in said["page"][1]
    wait_until(lambda: lesson.watcher.trouble == [], "the page says that it is over")
    lesson.assert_told_is_stored()


def test_postgres_stands_still(lesson: Lesson, servers: tuple[Postgres, Redis]) -> None:
    """Its connections stand, and nothing comes by them, for longer than a process may be silent."""
    said = {}
    processes = {name: process.pid for name, process in lesson.processes().items()}

    @contextmanager
    def hold() -> Iterator[None]:
        with servers[0].standing_still():
            wait_until(lambda: "database" in lesson.watcher.trouble, "the pages say that the database is away")
            page = requests.get(f"{lesson.system.address}/", headers={"Cookie": lesson.watcher.cookie}, timeout=60)
            said["page"], said["problems"] = (page.status_code, page.text), problems(lesson)
            yield

    outcome = keep_from_writing(lesson, "PostgreSQL stands still", hold, STILL_S)
    print(outcome)
    outcome.check()
    assert "database" in said["problems"]
    assert said["page"][0] == 503
    assert "does not answer" in said["page"][1]
    wait_until(lambda: not lesson.watcher.trouble, "the pages say that it is over")
    assert {name: process.pid for name, process in lesson.processes().items()} == processes, "nobody was taken for hung"
    lesson.assert_told_is_stored()


def test_the_collector_and_the_web_come_back_to_a_database_that_was_away(
    lesson: Lesson, servers: tuple[Postgres, Redis]
) -> None:
    """Both killed while the database is down: they wait for it, and use up no restarts."""
    began = time.time()
    with stopped(servers[0]):
        for name in ("collector", "web"):
            lesson.processes()[name].kill()
        wait_until(lambda: lesson.said().count("waits for the database") >= 4, "both wait")
    ended = time.time()
    live_at = lesson.await_live(lesson.students, ended)
    assert live_at - ended <= lesson.allowed_s("web")
    assert "GIVEN UP" not in lesson.said()
    print("live after", live_at - ended, "outage", ended - began)


@LASTING
def test_redis_stopped(lesson: Lesson, servers: tuple[Postgres, Redis], away_s: float) -> None:
    queue = servers[1]
    began = time.time()
    queue.stop()
    wait_until(lambda: lesson.watcher.trouble == ["queue"], "the page says that news does not get through")
    wait_until(lambda: problems(lesson) == ["message queue"], "the dashboard says what is away")
    time.sleep(max(0.0, away_s - (time.time() - began)))
    queue.start()
    ended = time.time()
    live_at = lesson.await_live(lesson.students, ended)
    lost = missing(lesson, began - 4, live_at)
    print("live after", live_at - ended, "missing", lost)
    assert live_at - ended <= lesson.allowed_s()
    assert max(lost.values()) <= 1.5, "what is stored does not depend on Redis"
    wait_until(lambda: lesson.watcher.trouble == [], "the page says that it is over")
    assert "message queue" not in problems(lesson)
    lesson.assert_told_is_stored()
