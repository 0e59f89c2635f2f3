"""The collector: signals in; samples scored, committed, then published. Everything it needs is injected."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from engage.core.meters import Meters
from engage.core.protocols import Clock, Publisher, Receiver, Stop, Store
from engage.core.scoring_settings import ScoringSettings
from engage.core.signals import FrameSignals
from engage.core.traces import NoTraces, Traces
from engage.core.types import GestureEvent, Sample, ScoredSample, SourceState, SourceStatus, Strain
from engage.core.updates import AlertEvent, AlertState, LiveUpdate
from engage.pipeline.feedback import Feedback
from engage.pipeline.student import StudentLine

log = logging.getLogger(__name__)

IDLE_S = 900.0
"""A student who was not seen for this long is forgotten; their stored samples bring the state back."""
RETRY_S = 0.5
CALIBRATIONS_EVERY_S = 2.0
"""How often to look for calibration steps; they are stored before they begin, so that this is in time."""
ALERTS_EVERY_S = 1.0
"""How often time alone may change an alert: a camera that is lost sends nothing."""

Reading = ScoredSample | GestureEvent
Item = Reading | SourceStatus
History = Callable[[int, int], tuple[Sequence[Sample], Sequence[GestureEvent]]]
"""The stored samples of (session, student) in order of capture, and their gestures."""
Calibrations = Callable[[], Sequence[GestureEvent]]
"""The calibration steps that are to come, under way or just over, of all sessions that run."""
Admit = Callable[[Sequence[Reading]], Sequence[Reading]]
"""Which of these may be stored: what was read before a Yes, after a No or during a pause may not."""
Alarms = Callable[[Sequence[ScoredSample], Sequence[SourceStatus], datetime], Sequence[AlertEvent]]
"""What began or ceased to fire by what was just committed, and by the time it is now; it stores them itself."""


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """Sizes and waits of a write batch; ``backlog`` samples are kept while the database cannot be written."""

    scoring: ScoringSettings
    max_batch: int = 500
    max_wait_s: float = 0.02
    backlog: int = 100_000


@dataclass(slots=True)
class _Student:
    """What is remembered of one student in one session."""

    line: StudentLine
    seen_s: float = 0.0


class Collector:
    """Turns the signals of all students into committed, published samples.

    Store first, publish after the commit. While the store fails, samples wait in memory (the oldest are dropped and
    counted past ``backlog``) and are written, then published, late.
    """

    def __init__(
        self, settings: CollectorSettings, store: Store, publisher: Publisher, history: History, clock: Clock,
        *, alarms: Alarms = lambda samples, statuses, now: (), calibrations: Calibrations = lambda: (),
        admit: Admit = lambda readings: readings,
        feedback: Feedback | None = None, traces: Traces | None = None,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._store = store
        self._publisher = publisher
        self._history = history
        self._clock = clock
        self._alarms = alarms
        self._alarmed_s = float("-inf")
        self._calibrations = calibrations
        self._calibrated_s = float("-inf")
        self._admit = admit
        self._feedback = feedback
        self._traces = traces or NoTraces()
        self._meters = feedback.meters if feedback else Meters()
        self._students: dict[tuple[int, int], _Student] = {}
        self._waiting: deque[Item] = deque()
        self._due_s = 0.0
        self.dropped = 0

    def run(self, receiver: Receiver, beat: Callable[[], None], stop: Stop) -> None:
        """Work until ``stop`` is set, then write what is at hand."""
        while not stop.is_set():
            beat()
            self.take(receiver.receive(self._patience()))
            if self._feedback is not None:
                self._feedback.judge(self._clock.monotonic())
            if self._due():
                self.flush()
            elif not self._waiting and self._clock.monotonic() - self._alarmed_s >= ALERTS_EVERY_S:
                self._publish(())
        self.take(receiver.receive(0.0))
        for student in self._students.values():
            self._queue(student.line.finish(), self._clock.monotonic())
        self.flush()

    def take(self, messages: Sequence[object]) -> None:
        """Score what ``messages`` (FrameSignals and SourceStatus, others are ignored) close, and queue it."""
        now = self._clock.monotonic()
        if now - self._calibrated_s >= CALIBRATIONS_EVERY_S:
            self._calibrate(now)
        for message in messages:
            if isinstance(message, FrameSignals):
                if self._feedback is not None:
                    age_s = (self._clock.now() - message.captured_at).total_seconds()
                    self._feedback.see(message.origin, age_s, now)
                self._observe(message, now)
            elif isinstance(message, Strain) and self._feedback is not None:
                self._feedback.strain(message)
            elif isinstance(message, SourceStatus):
                student = self._students.get((message.origin.session_id, message.origin.student_id))
                if student is not None and message.state is not SourceState.LIVE:
                    self._queue(student.line.finish(), now)
                self._queue((message,), now)

    def flush(self) -> bool:
        """Commit and publish all that waits; return whether it worked. A failure is logged, and tried again later."""
        while self._waiting:
            batch = [self._waiting[k] for k in range(min(len(self._waiting), self._settings.max_batch))]
            began_s, began = self._clock.monotonic(), self._clock.now()
            try:
                kept = self._admitted(batch)
                self._write(kept)
            except Exception as error:  # whatever the database does, samples wait and are not lost
                self._due_s = self._clock.monotonic() + RETRY_S
                self._meters.count("writes_failed")
                log.warning("write failed waiting=%d reason=%s", len(self._waiting), error)
                return False
            for _ in batch:
                self._waiting.popleft()
            self._meters.observe("commit_seconds", [self._clock.monotonic() - began_s])
            committed = self._clock.now()
            self._publish(kept)
            self._trace(kept, began, committed)
        return True

    def _admitted(self, batch: Sequence[Item]) -> list[Item]:
        """Return what may be stored and shown of a batch; the rest is counted and forgotten."""
        readings = [item for item in batch if isinstance(item, ScoredSample | GestureEvent)]
        allowed = {id(item) for item in self._admit(readings)} if readings else set()
        kept = [item for item in batch if isinstance(item, SourceStatus) or id(item) in allowed]
        if len(kept) < len(batch):
            self._meters.count("readings_refused", len(batch) - len(kept))
            log.info("event=readings_refused count=%d", len(batch) - len(kept))
        return kept

    def _write(self, items: Sequence[Item]) -> None:
        samples = [item for item in items if isinstance(item, ScoredSample)]
        gestures = [item for item in items if isinstance(item, GestureEvent)]
        self._store.write(samples, gestures, [item for item in items if isinstance(item, SourceStatus)])

    def _trace(self, items: Sequence[Item], began: datetime, committed: datetime) -> None:
        published = self._clock.now().timestamp()
        for sample in (item.sample for item in items if isinstance(item, ScoredSample)):
            frame = sample.session_id, sample.student_id, sample.captured_at
            self._traces.stage("commit", frame, began.timestamp(), committed.timestamp())
            self._traces.stage("publish", frame, committed.timestamp(), published)

    def _observe(self, frame: FrameSignals, now: float) -> None:
        key = (frame.origin.session_id, frame.origin.student_id)
        student = self._students.get(key) or self._remember(key, now)
        student.seen_s = now
        taken = student.line.take(frame)
        self._queue(taken.gestures, now)
        if taken.sample is not None:
            self._queue((taken.sample,), now)

    def _remember(self, key: tuple[int, int], now: float) -> _Student:
        self._students = {k: s for k, s in self._students.items() if now - s.seen_s < IDLE_S}
        student = self._students[key] = _Student(StudentLine(*key, self._settings.scoring))
        try:
            student.line.remember(*self._history(*key))
        except Exception as error:  # the score then starts afresh
            log.warning("history not read session=%d student=%d reason=%s", *key, error)
        return student

    def _calibrate(self, now: float) -> None:
        self._calibrated_s = now
        try:
            for step in self._calibrations():
                student = self._students.get((step.session_id, step.student_id))
                if student is not None:  # a new one reads it with their history
                    student.line.note(step)
        except Exception as error:  # the usual line of sight is then learnt as without the step
            log.warning("calibration steps not read reason=%s", error)

    def _queue(self, items: Sequence[Item], now: float) -> None:
        for item in items:
            if not self._waiting:
                self._due_s = now + self._settings.max_wait_s
            self._waiting.append(item)
        while len(self._waiting) > self._settings.backlog:
            self._waiting.popleft()
            self.dropped += 1
            self._meters.count("samples_dropped")
        self._meters.set("collector_queue", len(self._waiting))

    def _due(self) -> bool:
        return bool(self._waiting) and self._clock.monotonic() >= self._due_s

    def _patience(self) -> float:
        return max(0.0, self._due_s - self._clock.monotonic()) if self._waiting else 0.5

    def _publish(self, committed: Sequence[Item]) -> None:
        now = self._clock.now()
        samples = [item for item in committed if isinstance(item, ScoredSample)]
        statuses = [item for item in committed if isinstance(item, SourceStatus)]
        alerts = self._evaluate(samples, statuses, now)
        self._count(samples, alerts, now)
        rate = self._feedback.rate() if self._feedback else None
        for session_id in sorted({_session(item) for item in (*committed, *alerts)}):
            here = [item for item in committed if _session(item) == session_id]
            self._publisher.publish(
                LiveUpdate(
                    session_id,
                    now,
                    tuple(item for item in here if isinstance(item, ScoredSample)),
                    tuple(item for item in here if isinstance(item, SourceStatus)),
                    tuple(item for item in here if isinstance(item, GestureEvent)),
                    tuple(alert for alert in alerts if alert.session_id == session_id),
                    rate,
                )
            )

    def _count(self, samples: Sequence[ScoredSample], alerts: Sequence[AlertEvent], now: datetime) -> None:
        self._meters.count("samples_written", len(samples))
        self._meters.set("collector_queue", len(self._waiting))
        self._meters.observe(
            "committed_age_seconds", [(now - scored.sample.captured_at).total_seconds() for scored in samples]
        )
        firing = sum(alert.state is AlertState.FIRING for alert in alerts)
        self._meters.count("alerts_fired", firing)
        self._meters.count("alerts_resolved", len(alerts) - firing)

    def _evaluate(
        self, samples: Sequence[ScoredSample], statuses: Sequence[SourceStatus], now: datetime
    ) -> Sequence[AlertEvent]:
        self._alarmed_s = self._clock.monotonic()
        try:
            return self._alarms(samples, statuses, now)
        except Exception:  # samples reach the pages whatever becomes of the alerts
            log.exception("alerts not evaluated samples=%d", len(samples))
            return ()


def _session(item: Item | AlertEvent) -> int:
    if isinstance(item, ScoredSample):
        return item.sample.session_id
    return item.origin.session_id if isinstance(item, SourceStatus) else item.session_id
