"""The collector: store first, publish after; nothing lost while the database is down."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from engage.core.scoring import score_all
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import (
    Box,
    FaceSignals,
    FrameSignals,
    GestureEvent,
    LiveUpdate,
    Mode,
    Origin,
    Sample,
    ScoredSample,
    SourceState,
    SourceStatus,
)
from engage.errors import StorageError
from engage.pipeline.collector import Collector, CollectorSettings

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class FakeClock:
    def __init__(self) -> None:
        self.at_s = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.at_s)

    def monotonic(self) -> float:
        return self.at_s


class MemoryStore:
    def __init__(self) -> None:
        self.samples: list[ScoredSample] = []
        self.statuses: list[SourceStatus] = []
        self.down = False

    def write(
        self,
        samples: Sequence[ScoredSample],
        gestures: Sequence[GestureEvent] = (),
        statuses: Sequence[SourceStatus] = (),
    ) -> None:
        if self.down:
            raise StorageError("The database is away.")
        self.samples += samples
        self.statuses += statuses


class MemoryPublisher:
    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.updates: list[LiveUpdate] = []

    def publish(self, update: LiveUpdate) -> None:
        assert all(item in self.store.samples for item in update.samples), "published before it was committed"
        self.updates.append(update)


def frame(student: int, at_s: float, session: int = 1) -> FrameSignals:
    at = START + timedelta(seconds=at_s)
    face = FaceSignals(1, Box(0, 0, 9, 9), 0.9, (1.0, 0, 0, 0, 0, 0, 0, 0), yaw_deg=at_s % 7, pitch_deg=0.0)
    return FrameSignals(Origin(session, student, student), Mode.FULL, 0, at, at_s, 0.5, (face,))


class Rig:
    def __init__(self, stored: Sequence[Sample] = (), backlog: int = 1000) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore()
        self.publisher = MemoryPublisher(self.store)
        settings = CollectorSettings(ScoringSettings(), max_batch=10, backlog=backlog)
        self.collector = Collector(
            settings, self.store, self.publisher, lambda session, student: list(stored), self.clock
        )


def test_samples_are_committed_then_published_by_session() -> None:
    rig = Rig()
    rig.collector.take([frame(student, at, session=student % 2) for at in range(5) for student in range(1, 5)])
    assert rig.collector.flush()
    assert len(rig.store.samples) == 20
    assert {update.session_id for update in rig.publisher.updates} == {0, 1}
    assert sum(len(update.samples) for update in rig.publisher.updates) == 20


def test_scores_are_those_of_the_stored_samples() -> None:
    rig = Rig()
    rig.collector.take([frame(3, k / 5) for k in range(200)])
    rig.collector.flush()
    assert [s.score for s in rig.store.samples] == score_all([s.sample for s in rig.store.samples], ScoringSettings())


def test_a_new_collector_goes_on_from_what_is_stored() -> None:
    first = Rig()
    first.collector.take([frame(3, k) for k in range(100)])
    first.collector.flush()
    stored = [s.sample for s in first.store.samples]
    second = Rig(stored=stored)
    second.collector.take([frame(3, 100)])
    second.collector.flush()
    resumed = [s.sample for s in second.store.samples]
    assert second.store.samples[0].score == score_all(stored + resumed, ScoringSettings())[-1]


def test_while_the_database_is_down_samples_wait_and_are_written_late_once() -> None:
    rig = Rig()
    rig.store.down = True
    rig.collector.take([frame(1, k) for k in range(30)])
    assert not rig.collector.flush()
    assert rig.publisher.updates == []
    rig.store.down = False
    rig.collector.take([frame(1, k) for k in range(30, 40)])
    assert rig.collector.flush()
    seconds = [s.sample.second - int(START.timestamp()) for s in rig.store.samples]
    assert seconds == list(range(40))
    assert sum(len(update.samples) for update in rig.publisher.updates) == 40


def test_a_full_backlog_drops_the_oldest_and_counts_it() -> None:
    rig = Rig(backlog=10)
    rig.store.down = True
    rig.collector.take([frame(1, k) for k in range(25)])
    rig.store.down = False
    rig.collector.flush()
    assert rig.collector.dropped == 15
    assert [s.sample.second - int(START.timestamp()) for s in rig.store.samples] == list(range(15, 25))


def test_statuses_pass_through_in_order() -> None:
    rig = Rig()
    origin = Origin(1, 1, 1)
    lost = SourceStatus(origin, SourceState.LOST, START)
    rig.collector.take([lost, frame(1, 0)])
    rig.collector.flush()
    assert rig.store.statuses == [lost]
    assert rig.publisher.updates[0].statuses == (lost,)


def test_run_writes_what_is_at_hand_before_it_returns() -> None:
    rig = Rig()
    stop = threading.Event()

    class Inbox:
        def __init__(self) -> None:
            self.rounds = 0

        def receive(self, timeout_s: float, limit: int = 256) -> list[object]:
            self.rounds += 1
            if self.rounds == 2:
                stop.set()
            return [frame(1, self.rounds)]

        def close(self) -> None: ...

    beats: list[int] = []
    rig.collector.run(Inbox(), lambda: beats.append(1), stop)
    assert len(rig.store.samples) == 3
    assert beats
