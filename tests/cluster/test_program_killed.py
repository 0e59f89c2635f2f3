"""The program that runs the jobs is killed, workers and all; a program with web processes alone takes the jobs over."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from engage.cli.deployment import ground, populate
from engage.cli.stored_lesson import Lesson, samples_of
from engage.cli.trial import running_system
from engage.cli.turn import NAME
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.store import SqlStore
from engage.storage.tables import Lease, RollupMark
from tests.cluster.programs import need

pytestmark = [pytest.mark.nightly, pytest.mark.postgres, pytest.mark.timeout(600)]

PATIENCE_S = 120.0


def holder(database: Database) -> str | None:
    with database.read() as session:
        found = session.get(Lease, NAME)
        return None if found is None else found.holder


def uncounted(database: Database) -> int:
    with database.read() as session:
        return session.query(RollupMark).count()


def until(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not fact():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.2)


def test_jobs_go_on_in_another_program() -> None:
    """Counting minutes stands for all of them: it has marks that wait, and are gone once it ran."""
    need("redis-server", "postgres")
    with ground(2, durable=False) as place:
        course, students = populate(place.database, 3)
        values, other = place.values(1), place.home / "other"
        more = {**values, "web": {**values["web"], "port": place.port + 1}}
        other.mkdir()
        with running_system(place.home, values) as first, running_system(other, more, "--only", "web") as second:
            until(lambda: holder(place.database) is not None)
            before = holder(place.database)
            assert first.said().count("jobs_here") + second.said().count("jobs_here") == 1
            assert "jobs_here" in first.said(), "the program that was there first runs them"
            first.process.kill()
            first.server.wait()
            killed_s = time.monotonic()
            until(lambda: holder(place.database) not in (None, before))
            print(f"the jobs go on after {time.monotonic() - killed_s:.1f} s")
            session = Classroom(place.database).start_session(course, None)
            SqlStore(place.database).write(list(samples_of(session, Lesson(tuple(students), 61))))
            assert uncounted(place.database) > 0
            until(lambda: uncounted(place.database) == 0)
            assert second.said().count("jobs_here") == 1
