"""What every Store must do: write once, write whole, lose no bit."""

from __future__ import annotations

import logging
import math
import random
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engage.core.protocols import Store
from engage.core.scoring import score_all
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import (
    GestureEvent,
    Mode,
    Origin,
    Reason,
    Sample,
    Score,
    ScoredSample,
    SourceState,
    SourceStatus,
)
from engage.errors import StorageError
from engage.storage.database import Database
from engage.storage.store import SqlStore

START = datetime(2026, 11, 22, 9, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def store(database: Database) -> Store:
    return SqlStore(database)


def numbers(seed: int, count: int) -> list[float]:
    """Return numbers with all their bits in use."""
    source = random.Random(seed)
    return [source.random() for _ in range(count)]


def a_sample(session_id: int, student_id: int, number: int = 0, **changes: Any) -> Sample:
    captured_at = START + timedelta(seconds=number, microseconds=number)
    values = numbers(number, 15)
    total = math.fsum(range(1, 9))
    sample = Sample(
        session_id=session_id,
        student_id=student_id,
        second=int(captured_at.timestamp()),
        captured_at=captured_at,
        frames=5,
        duration_s=values[0],
        face_share=values[1],
        confidence=values[2],
        brightness=values[3],
        expression=tuple(k / total for k in range(1, 9)),
        yaw_deg=values[4] * 60 - 30,
        yaw_spread_deg=values[5],
        pitch_deg=values[6] * -20,
        pitch_spread_deg=values[7],
        roll_deg=values[8],
        gaze_x=values[9],
        gaze_x_spread=values[10],
        gaze_y=values[11],
        gaze_y_spread=values[12],
        lids_closed_share=values[13],
        mouth_open_share=values[14],
    )
    return replace(sample, **changes)


def scored(sample: Sample, version: str = "default-1", **changes: Any) -> ScoredSample:
    terms = {"expression": 1 / 3, "attention": 0.1 + 0.2, "tiny": 5e-324, "small": 1e-7}
    return ScoredSample(sample, replace(Score(20 / 3, 0.7, None, terms), **changes), version)


def all_of(school: Any) -> Sequence[ScoredSample]:
    return school.queries.samples_since(school.session.id, 0)


def test_what_is_written_is_read_back_to_the_last_bit(store: Store, school: Any) -> None:
    session, student = school.session.id, school.students[0].id
    batch = [scored(a_sample(session, student, number)) for number in range(20)]
    store.write(batch)
    assert all_of(school) == batch


def test_a_sample_without_face_and_score_is_read_back_as_such(store: Store, school: Any) -> None:
    captured_at = START
    second = int(captured_at.timestamp())
    sample = Sample(
        school.session.id, school.students[0].id, second, captured_at, 5, 1.0, 0.0, None, 0.5, mode=Mode.ATTENTION
    )
    batch = [ScoredSample(sample, Score(None, 0.0, Reason.AWAY), "default-1")]
    store.write(batch)
    assert all_of(school) == batch


def test_numpy_numbers_are_stored_as_they_are(store: Store, school: Any) -> None:
    expression = tuple(np.full(8, 0.125, np.float32))
    sample = a_sample(
        school.session.id,
        school.students[0].id,
        expression=expression,
        yaw_deg=np.float32(0.1),
        brightness=np.float64(0.3),
    )
    store.write([scored(sample, terms={"attention": np.float32(0.7)})])
    (read,) = all_of(school)
    assert (read.sample.yaw_deg, read.sample.brightness) == (float(np.float32(0.1)), 0.3)
    assert read.sample.expression == (0.125,) * 8
    assert read.score.terms == {"attention": float(np.float32(0.7))}


def test_a_stored_session_scored_again_gives_the_same_numbers(store: Store, school: Any) -> None:
    settings = ScoringSettings()
    session, student = school.session.id, school.students[0].id
    samples = [a_sample(session, student, number) for number in range(60)]
    scores = list(score_all(samples, settings))
    store.write([ScoredSample(s, score, settings.version) for s, score in zip(samples, scores, strict=True)])
    stored = school.queries.student_samples(session, student)
    assert stored == samples
    assert list(score_all(stored, settings)) == scores == [read.score for read in all_of(school)]


def test_writing_again_changes_nothing(store: Store, school: Any) -> None:
    session, student = school.session.id, school.students[0].id
    first = [scored(a_sample(session, student, number)) for number in range(5)]
    store.write(first)
    other = [scored(replace(s.sample, brightness=0.0), value=1.0) for s in first]
    store.write([*other, scored(a_sample(session, student, 5))])
    assert all_of(school) == [*first, scored(a_sample(session, student, 5))]


def test_the_same_second_twice_in_one_batch_is_written_once(store: Store, school: Any) -> None:
    sample = a_sample(school.session.id, school.students[0].id)
    store.write([scored(sample), scored(sample)])
    assert len(all_of(school)) == 1


def test_scoring_versions_stand_side_by_side_and_the_newest_is_read(store: Store, school: Any) -> None:
    sample = a_sample(school.session.id, school.students[0].id)
    store.write([scored(sample, "first-1", value=3.0)])
    store.write([scored(sample, "second-2", value=4.0)])
    (read,) = all_of(school)
    assert (read.scoring_version, read.score.value) == ("second-2", 4.0)


def test_rows_of_an_unknown_session_or_student_are_refused_alone(
    store: Store, school: Any, caplog: pytest.LogCaptureFixture
) -> None:
    session, student = school.session.id, school.students[0].id
    good = [scored(a_sample(session, student, number)) for number in range(3)]
    bad = [scored(a_sample(session + 99, student, 7)), scored(a_sample(session, student + 99, 8))]
    with caplog.at_level(logging.ERROR, "engage"):
        store.write([bad[0], *good, bad[1]])
    assert all_of(school) == good
    assert len(caplog.records) == 1


def test_impossible_samples_are_refused_alone(store: Store, school: Any) -> None:
    session, student = school.session.id, school.students[0].id
    impossible: list[dict[str, Any]] = [
        {"face_share": 1.5},
        {"brightness": math.nan},
        {"frames": -1},
        {"mode": Mode.ATTENTION},  # with an expression
    ]
    good = scored(a_sample(session, student, 99))
    store.write([*(scored(a_sample(session, student, k, **changes)) for k, changes in enumerate(impossible)), good])
    assert all_of(school) == [good]


def test_impossible_scores_are_refused(store: Store, school: Any) -> None:
    session, student = school.session.id, school.students[0].id
    impossible: list[dict[str, Any]] = [{"value": 10.5}, {"value": -1.0}, {"confidence": 2.0}, {"value": None}]
    store.write([scored(a_sample(session, student, k), **changes) for k, changes in enumerate(impossible)])
    assert all_of(school) == []


def test_rounding_costs_no_sample(store: Store, school: Any) -> None:
    above = math.nextafter(1.0, 2.0)
    sample = a_sample(school.session.id, school.students[0].id, face_share=above, confidence=above)
    store.write([scored(sample, value=math.nextafter(10.0, 11.0), confidence=above)])
    assert len(all_of(school)) == 1


def test_gestures_and_states_are_written_once(store: Store, school: Any, database: Database) -> None:
    session, student = school.session.id, school.students[0].id
    nod = GestureEvent(session, student, "nod", START, START + timedelta(seconds=1), 0.5)
    origin = Origin(session, 1, student)
    states = [
        SourceStatus(origin, SourceState.LIVE, START, ""),
        SourceStatus(origin, SourceState.LOST, START + timedelta(seconds=2), "no frames"),
    ]
    for _ in range(2):
        store.write([], [nod], states)
    with database.read() as rows:
        counts = [
            rows.connection().exec_driver_sql(f"SELECT count(*) FROM {t}").scalar()
            for t in ("gestures", "source_events")
        ]
    assert counts == [1, 2]
    assert school.queries.latest_statuses(session) == [states[1]]


def test_an_empty_batch_is_nothing(store: Store, school: Any) -> None:
    store.write([])
    assert all_of(school) == []


def test_a_batch_is_written_whole_or_not_at_all(school: Any, database: Database, backend: str) -> None:
    if backend != "sqlite":
        pytest.skip("a full database is simulated on SQLite only")
    store = SqlStore(database)
    session, students = school.session.id, school.students
    store.write([scored(a_sample(session, students[0].id))])
    batch = [scored(a_sample(session, students[1].id, number)) for number in range(5000)]
    with limited_pages(database), pytest.raises(StorageError, match="disk is full"):
        store.write(batch)
    assert len(all_of(school)) == 1
    store.write(batch)
    assert len(all_of(school)) == 5001


class limited_pages:  # noqa: N801 (used like a function)
    """Let the database file grow by a few pages only, as on a full disk."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def __enter__(self) -> None:
        from sqlalchemy import event

        self.database.close()
        event.listen(self.database.engine, "connect", self._limit)

    def __exit__(self, *_: object) -> None:
        self.database.close()

    @staticmethod
    def _limit(raw: sqlite3.Connection, _record: object) -> None:
        pages = raw.execute("PRAGMA page_count").fetchone()[0]
        raw.execute(f"PRAGMA max_page_count = {pages + 10}")


def test_what_cannot_be_opened_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"not a database, and long enough to be read as one" * 100)
    store = SqlStore(Database(f"sqlite:///{tmp_path / 'file'}"))
    with pytest.raises(StorageError, match="not a SQLite database"):
        store.write([scored(a_sample(1, 1))])
