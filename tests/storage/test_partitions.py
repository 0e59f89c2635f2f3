"""Samples by month: made ahead, filled from what fell beside, dropped whole; and SQLite, which has none of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engage.core.scoring_settings import ScoringSettings
from engage.core.types import Sample, Score, ScoredSample
from engage.storage.database import Database
from engage.storage.migrate import downgrade, upgrade
from engage.storage.partitions import Month, Partitions
from engage.storage.queries import Queries
from engage.storage.store import SqlStore
from tests.databases import START, School

VERSION = ScoringSettings().version


def scored(school: School, at: datetime, student: int = 0) -> ScoredSample:
    sample = Sample(school.session.id, school.students[student].id, int(at.timestamp()), at, 5, 1.0, 0.8, 0.9, 0.5)
    return ScoredSample(sample, Score(7.5, 0.9, None, {"attention": 1.0}), VERSION)


def at(year: int, month: int) -> datetime:
    return datetime(year, month, 12, 9, tzinfo=UTC)


def rows(database: Database, table: str) -> int:
    with database.engine.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() or 0)


def stored(school: School) -> list[ScoredSample]:
    return list(school.queries.samples_since(school.session.id, 0))


@pytest.fixture
def store(database: Database) -> SqlStore:
    return SqlStore(database, ScoringSettings())


def test_months_are_made_ahead_and_only_once(database: Database) -> None:
    partitions = Partitions(database)
    made = partitions.make_ahead(START)
    assert partitions.make_ahead(START) == []
    if database.sqlite:
        assert made == partitions.names() == []
        return
    assert partitions.names() == ["samples_2026_11", "samples_2026_12", "samples_2027_01"]
    assert made == [
        f"{table}_{month}" for month in ("2026_11", "2026_12", "2027_01") for table in ("samples", "scores")
    ]
    assert partitions.make_ahead(START + timedelta(days=40)) == ["samples_2027_02", "scores_2027_02",
                                                                 "samples_2027_03", "scores_2027_03"]  # fmt: skip


def test_what_fell_beside_moves_to_its_month_with_its_scores(
    database: Database, school: School, store: SqlStore
) -> None:
    samples = [scored(school, at(2025, 3)), scored(school, at(2026, 11)), scored(school, at(2031, 1))]
    store.write(samples)
    before = stored(school)
    assert len(before) == 3
    Partitions(database).make_ahead(START)
    assert stored(school) == before
    store.write(samples)
    assert stored(school) == before, "written again, each is found where it is now"
    if not database.sqlite:
        assert rows(database, "samples_rest") == rows(database, "scores_rest") == 0
        assert [rows(database, f"{table}_2025_03") for table in ("samples", "scores")] == [1, 1]
        assert "samples_2031_01" in Partitions(database).names()


def test_old_months_go_whole_and_what_is_held_stays(database: Database, school: School, store: SqlStore) -> None:
    store.write([scored(school, at(2026, month)) for month in (3, 4, 11)])
    partitions = Partitions(database)
    partitions.make_ahead(START)
    april = datetime(2026, 4, 1, tzinfo=UTC)
    assert partitions.drop_before(april, spared=[school.session.id]) == []
    dropped = partitions.drop_before(april + timedelta(days=29))
    if database.sqlite:
        assert dropped == []
        assert len(stored(school)) == 3, "SQLite deletes rows; that is not this function's work"
        return
    assert dropped == ["scores_2026_03", "samples_2026_03"]
    assert [each.sample.captured_at.month for each in stored(school)] == [4, 11], "April is not over by then"
    assert rows(database, "scores") == 2


def test_deleting_a_student_reaches_every_partition(database: Database, school: School, store: SqlStore) -> None:
    store.write([scored(school, at(2026, month), student) for month in (3, 11) for student in (0, 1)])
    Partitions(database).make_ahead(START)
    store.write([scored(school, at(2029, 1), 0)])
    with database.write() as session:
        session.connection().exec_driver_sql(f"DELETE FROM students WHERE id = {school.students[0].id}")
    assert {each.sample.student_id for each in stored(school)} == {school.students[1].id}
    assert rows(database, "scores") == rows(database, "samples") == 2


def test_data_goes_up_and_down_whole(database: Database, school: School, store: SqlStore) -> None:
    times = [START + timedelta(seconds=second) for second in range(50)]
    store.write([scored(school, time, student) for time in times for student in (0, 1)])
    before = stored(school)
    downgrade(database, "0013")
    assert (rows(database, "samples"), rows(database, "scores")) == (100, 100)
    upgrade(database)
    assert stored(school) == before
    if not database.sqlite:
        assert Partitions(database).names() == ["samples_first"]
        assert rows(database, "samples_first") == 100, "what was there is kept as it is"
    made = Partitions(database).make_ahead(datetime.now(UTC))
    store.write([scored(school, datetime.now(UTC) + timedelta(days=45))])
    assert stored(school)[: len(before)] == before
    assert bool(made) is not database.sqlite
    downgrade(database, "0013")
    upgrade(database)
    assert len(Queries(database).samples_since(school.session.id, 0)) == 101


@pytest.mark.parametrize(
    ("moment", "suffix", "next_suffix"),
    [
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), "2026_12", "2027_01"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026_01", "2026_02"),
        (datetime.fromisoformat("2026-03-01T00:30:00+02:00"), "2026_02", "2026_03"),
    ],
)
def test_months_are_those_of_utc(moment: datetime, suffix: str, next_suffix: str) -> None:
    month: Any = Month.of(moment)
    assert (month.suffix, month.next().suffix) == (suffix, next_suffix)
    assert month.starts <= moment.timestamp() < month.next().starts
