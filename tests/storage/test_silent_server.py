"""A PostgreSQL server that stands still and keeps its connections: nobody waits for ever, and all goes on after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from engage.errors import StorageError
from engage.storage.database import Database, Pool
from engage.storage.silence import RESTS_S
from engage.storage.throwaway import postgres_binaries, server_account
from tests.faults.servers import Postgres, restartable_postgres

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240)]

ANSWER_S = 2.0
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    if postgres_binaries() is None or server_account() is None:
        pytest.skip("PostgreSQL's server binaries are not installed, or there is no user to run them as")
    with restartable_postgres() as server:
        yield server


@pytest.fixture
def database(server: Postgres) -> Iterator[Database]:
    database = Database(server.address, pool=Pool(2, 4), answer_s=ANSWER_S)
    yield database
    database.close()


def ask_until(database: Database, answers: bool) -> str:
    """Ask until the database does, or does not, answer; return what it says then."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            database.ask()
        except StorageError as error:
            if not answers:
                return str(error)
        else:
            if answers:
                return ""
        time.sleep(0.1)
    raise AssertionError(f"answers: {not answers}")


def test_a_question_to_a_server_that_stands_still_ends_in_one_line(server: Postgres, database: Database) -> None:
    """An old connection, and a new one; the same ones serve again afterwards."""
    with database.read() as session:
        began = threading.Event()

        def ask() -> None:
            began.set()
            session.connection().exec_driver_sql("SELECT pg_sleep(0.5), 1")

        with server.standing_still():
            asked = ThreadPoolExecutor(1).submit(ask)
            assert began.wait(PATIENCE_S)
            error = asked.exception(PATIENCE_S)
            assert error is not None and "timeout expired" in str(error)
            said = ask_until(database, answers=False)
            assert "does not answer" in said and "\n" not in said
        session.invalidate()
    ask_until(database, answers=True)


def test_while_it_says_nothing_one_asks_for_all(server: Postgres, database: Database) -> None:
    database.ask()
    with server.standing_still():
        assert "does not answer" in ask_until(database, answers=False)
        time.sleep(RESTS_S)
        waited = []

        def ask() -> None:
            began_s = time.monotonic()
            with pytest.raises(StorageError, match="does not answer"):
                database.ask()
            waited.append(time.monotonic() - began_s)

        with ThreadPoolExecutor(8) as many:
            list(many.map(lambda _: ask(), range(8)))
        assert 1 <= sum(each > ANSWER_S / 2 for each in waited) <= 2, waited  # one who came late may be the next to ask
    ask_until(database, answers=True)


def test_an_answer_that_takes_its_time_but_comes_is_waited_for(server: Postgres) -> None:
    """What counts is silence, not the length of an answer: these rows come for longer than any silence may last."""
    database = Database(server.address, answer_s=ANSWER_S)
    slow_rows = "SELECT pg_sleep(0.05), repeat('x', 20000) FROM generate_series(1, 60)"
    try:
        with database.read() as session:
            assert len(session.connection().exec_driver_sql(slow_rows).all()) == 60
    finally:
        database.close()
