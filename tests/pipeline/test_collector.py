"""The collector: store first, publish after; nothing lost while the database is down."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from engage.capture.virtual.script import Script, ScriptKind
from engage.capture.virtual.truth import TYPICAL, frames
from engage.core.scoring import score_all
from engage.core.scoring_settings import ScoringSettings
from engage.core.signals import FaceSignals, FrameSignals
from engage.core.types import Box, GestureEvent, Mode, Origin, Sample, ScoredSample, SourceState, SourceStatus
from engage.core.updates import AlertEvent, AlertState, LiveUpdate
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
        self.gestures: list[GestureEvent] = []
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
        self.gestures += gestures
        self.statuses += statuses


class MemoryPublisher:
    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.updates: list[LiveUpdate] = []

    def publish(self, update: LiveUpdate) -> None:
        assert all(item in self.store.samples for item in update.samples), "published before it was committed"
        assert all(item in self.store.gestures for item in update.gestures), "published before it was committed"
        self.updates.append(update)


def frame(student: int, at_s: float, session: int = 1) -> FrameSignals:
    at = START + timedelta(seconds=at_s)
    face = FaceSignals(1, Box(0, 0, 9, 9), 0.9, (1.0, 0, 0, 0, 0, 0, 0, 0), yaw_deg=at_s % 7, pitch_deg=0.0)
    return FrameSignals(Origin(session, student, student), Mode.FULL, 0, at, at_s, 0.5, (face,))


class Rig:
    def __init__(
        self, stored: Sequence[Sample] = (), backlog: int = 1000, gestures: Sequence[GestureEvent] = ()
    ) -> None:
        self.steps: list[GestureEvent] = []
        self.clock = FakeClock()
        self.store = MemoryStore()
        self.publisher = MemoryPublisher(self.store)
        settings = CollectorSettings(ScoringSettings(), max_batch=10, backlog=backlog)
        self.collector = Collector(
            settings, self.store, self.publisher, lambda session, student: (stored, gestures), self.clock,
            calibrations=lambda: self.steps,
        )  # fmt: skip


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


def play(rig: Rig, script: Script, seconds: float, start_s: float = 0.0) -> None:
    for seen in frames(script, 5, seconds, TYPICAL, start_s=start_s):
        rig.collector.take([seen])
        rig.collector.flush()


def test_gestures_are_stored_once_published_and_lift_the_score_as_a_new_scoring_would() -> None:
    rig = Rig()
    play(rig, Script(ScriptKind.GESTURES, 2), 90)
    stored = [scored.sample for scored in rig.store.samples]
    assert {"nod", "looking_away"} <= {gesture.kind for gesture in rig.store.gestures}
    published = [gesture for update in rig.publisher.updates for gesture in update.gestures]
    assert published == rig.store.gestures
    again = score_all(stored, ScoringSettings(), rig.store.gestures)
    assert [scored.score for scored in rig.store.samples] == again
    assert max(score.terms.get("participation", 0.0) for score in again) > 0
    assert again != score_all(stored, ScoringSettings()), "gestures must count"


def test_a_restart_in_the_middle_changes_no_score_of_what_is_stored() -> None:
    script = Script(ScriptKind.GESTURES, 3)
    first = Rig()
    play(first, script, 40)
    stored, gestures = [s.sample for s in first.store.samples], list(first.store.gestures)
    second = Rig(stored, gestures=gestures)
    play(second, script, 40, start_s=40)
    stored += [s.sample for s in second.store.samples]
    gestures += second.store.gestures
    scored = first.store.samples + second.store.samples
    assert [s.score for s in scored] == score_all(stored, ScoringSettings(), gestures)


def test_gestures_under_way_are_given_out_when_the_camera_is_lost() -> None:
    rig = Rig()
    script = Script(ScriptKind.DISTRACTED, 1)
    away = next(e for e in script.episodes(0, 60) if e.kind == "aside")
    play(rig, script, away.start_s + 20)
    assert rig.store.gestures == []
    rig.collector.take([SourceStatus(Origin(1, 1, 1), SourceState.LOST, rig.clock.now())])
    rig.collector.flush()
    assert [gesture.kind for gesture in rig.store.gestures] == ["looking_away"]


def test_a_calibration_step_makes_the_place_beside_the_camera_the_usual_one() -> None:
    def aside(step: bool) -> float:
        rig = Rig()
        if step:
            rig.steps = [GestureEvent(1, 1, "calibration", START, START + timedelta(seconds=5), 1.0)]
        for k in range(60):
            at = START + timedelta(seconds=k)
            face = FaceSignals(1, Box(0, 0, 9, 9), 0.9, yaw_deg=40.0, pitch_deg=0.0)
            rig.collector.take([FrameSignals(Origin(1, 1, 1), Mode.FULL, k, at, k, 0.5, (face,))])
            rig.clock.at_s += 1
        rig.collector.flush()
        scores = [scored.score for scored in rig.store.samples]
        samples = [scored.sample for scored in rig.store.samples]
        assert scores == score_all(samples, ScoringSettings(), rig.steps)
        return scores[-1].value or 0.0

    assert aside(step=False) < 2 < 7.5 < aside(step=True)


class TestAlarms:
    """What evaluates alerts is called after the commit, and never holds samples back."""

    def alarmed(self, rig: Rig, alarms: object) -> Collector:
        settings = CollectorSettings(ScoringSettings(), max_batch=10)
        return Collector(
            settings, rig.store, rig.publisher, lambda session, student: (), rig.clock, alarms=alarms  # type: ignore[arg-type]
        )  # fmt: skip

    def test_alerts_are_evaluated_on_what_was_committed_and_published_with_it(self) -> None:
        rig = Rig()
        fired = AlertEvent(1, 3, "away", AlertState.FIRING, START, details={"since": 1.0})

        def alarms(samples: Sequence[ScoredSample], statuses: object, now: datetime) -> tuple[AlertEvent, ...]:
            assert all(sample in rig.store.samples for sample in samples), "evaluated before it was committed"
            return (fired,) if samples else ()

        collector = self.alarmed(rig, alarms)
        collector.take([frame(3, 0)])
        assert collector.flush()
        assert [update.alerts for update in rig.publisher.updates] == [(fired,)]

    def test_a_failure_there_leaves_the_samples_alone(self) -> None:
        rig = Rig()

        def alarms(*_: object) -> tuple[AlertEvent, ...]:
            raise RuntimeError("broken")

        collector = self.alarmed(rig, alarms)
        collector.take([frame(3, k) for k in range(3)])
        assert collector.flush()
        assert len(rig.store.samples) == 3 and len(rig.publisher.updates) == 1

    def test_time_alone_is_told_once_a_second(self) -> None:
        rig, stop = Rig(), threading.Event()
        asked: list[datetime] = []

        class Silence:
            def receive(self, timeout_s: float, limit: int = 256) -> list[object]:
                rig.clock.at_s += 0.25
                if rig.clock.at_s >= 10:
                    stop.set()
                return []

            def close(self) -> None: ...

        def alarms(samples: Sequence[ScoredSample], statuses: object, now: datetime) -> tuple[AlertEvent, ...]:
            asked.append(now)
            return (AlertEvent(7, None, "camera_lost", AlertState.FIRING, now),) if len(asked) == 5 else ()

        self.alarmed(rig, alarms).run(Silence(), lambda: None, stop)
        assert 9 <= len(asked) <= 11
        assert [(update.session_id, len(update.alerts)) for update in rig.publisher.updates] == [(7, 1)]
