"""A writer is killed (SIGKILL) at random moments: the database opens, is sound, has all that was acknowledged."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from datetime import timedelta
from multiprocessing.connection import Connection

import pytest
from sqlalchemy import select

from engage.core.types import GestureEvent, Reason, Sample, Score, ScoredSample
from engage.storage import soundness
from engage.storage.database import Database
from engage.storage.store import SqlStore
from engage.storage.tables import GestureRow, RollupMark, SampleRow, ScoreRow
from tests.databases import School

LATEST_KILL_S = 0.2
"""After the writer's start, which takes some of it, or after its first acknowledgement; a batch takes milliseconds."""


def batch_of(school: School, second: int) -> tuple[list[ScoredSample], list[GestureEvent]]:
    """Return the second number ``second`` of a session of three students: a sample and a nod of each."""
    at = school.session.started_at + timedelta(seconds=second)
    samples = [Sample(school.session.id, student.id, second, at, 5, 1.0, 1.0, 0.9, 0.5) for student in school.students]
    scored = [ScoredSample(sample, Score(None, 0.5, Reason.AWAY), "one") for sample in samples]
    nods = [GestureEvent(school.session.id, student.id, "nod", at, at, 0.5) for student in school.students]
    return scored, nods


def write_on(url: str, school: School, first: int, acknowledged: Connection) -> None:
    """Write second after second from ``first`` until killed, saying which were committed."""
    store = SqlStore(Database(url))
    for second in range(first, first + 100_000):
        store.write(*batch_of(school, second))
        acknowledged.send(second)


def killed_writer(url: str, school: School, first: int, after_s: float, writing: bool) -> list[int]:
    """Return the seconds that a writer acknowledged before it was killed, ``after_s`` after its start.

    With ``writing`` the time counts from its first acknowledgement: a busy machine may need all of it for the start.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    writer = context.Process(target=write_on, args=(url, school, first, sender))
    writer.start()
    sender.close()
    assert not writing or receiver.poll(60), "the writer did not begin"
    writer.join(timeout=after_s)
    writer.kill()
    writer.join()
    acknowledged = []
    with receiver:
        while True:
            try:
                acknowledged.append(receiver.recv())
            except (EOFError, OSError):  # the last message may be cut in half: then it was not said
                break
    assert writer.exitcode == -9
    return acknowledged


def lost_and_doubled(url: str, school: School, first: int, acknowledged: list[int]) -> tuple[int, int, int]:
    """Return how many acknowledged rows are not there, how many rows too many, and how many batches are half there."""
    database = Database(url)
    database.open()
    soundness.check(database)
    lost = doubled = halves = 0
    with database.read() as session:
        if not database.sqlite:  # the server may be at the killed writer's last commit still: see one state of it
            session.connection().exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        second_of_gesture = {
            school.session.started_at + timedelta(seconds=second): second
            for second in range(first, first + len(acknowledged) + 1)
        }
        found = [
            Counter(session.scalars(select(table.second).where(table.second >= first)))
            for table in (SampleRow, ScoreRow)
        ]
        nods = session.scalars(select(GestureRow.started_at).where(GestureRow.started_at.in_(second_of_gesture)))
        found.append(Counter(second_of_gesture[at] for at in nods))
        marked = {mark.minute for mark in session.scalars(select(RollupMark))}
    each = len(school.students)
    for counts in found:
        lost += sum(max(0, each - counts[second]) for second in acknowledged)
        doubled += sum(max(0, count - each) for count in counts.values())
        halves += sum(0 < count < each for count in counts.values())
    halves += len({frozenset(counts) for counts in found}) != 1
    assert {second // 60 for second in found[0]} <= marked
    database.close()
    return lost, doubled, halves


def kill_writers(url: str, school: School, times: int) -> Counter[str]:
    """Kill ``times`` writers, each carrying on after what the last one acknowledged, and check after each."""
    seed = time.time_ns()
    chance, totals, first = random.Random(seed), Counter[str](), 0
    print(f"seed {seed}")
    for kill in range(times):
        acknowledged = killed_writer(url, school, first, chance.uniform(0, LATEST_KILL_S), writing=kill % 2 == 0)
        assert acknowledged == list(range(first, first + len(acknowledged)))
        lost, doubled, halves = lost_and_doubled(url, school, first, acknowledged)
        totals.update(kills=1, acknowledged=len(acknowledged), lost=lost, doubled=doubled, halves=halves)
        totals.update(killed_while_writing=bool(acknowledged))
        first += len(acknowledged)  # what was written and not said is written again: it must not be there twice
    totals.update(rows=len(school.students) * totals["acknowledged"])
    return totals


def assert_nothing_lost(database: Database, url: str, school: School, times: int) -> None:
    database.close()  # no connection is inherited by the writers
    totals = kill_writers(url, school, times)
    print(dict(totals))
    assert totals["kills"] == times
    assert totals["acknowledged"] > 0
    assert (totals["lost"], totals["doubled"], totals["halves"]) == (0, 0, 0)


def test_nothing_acknowledged_is_lost_when_writers_are_killed(database: Database, url: str, school: School) -> None:
    assert_nothing_lost(database, url, school, 5)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_nothing_acknowledged_is_lost_in_200_kills(database: Database, url: str, school: School) -> None:
    assert_nothing_lost(database, url, school, 200)
