"""The collector: signals in; samples scored, committed, then published. Everything it needs is injected."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engage.core.protocols import Clock, Publisher, Receiver, Stop, Store
from engage.core.scoring import StudentScorer
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import FrameSignals, LiveUpdate, Sample, ScoredSample, SourceStatus
from engage.pipeline.sampling import SampleBuilder

log = logging.getLogger(__name__)

IDLE_S = 900.0
"""A student who was not seen for this long is forgotten; their stored samples bring the state back."""
RETRY_S = 0.5

History = Callable[[int, int], Sequence[Sample]]
"""The stored samples of (session, student), in order of capture."""


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """Sizes and waits of a write batch; ``backlog`` samples are kept while the database cannot be written."""

    scoring: ScoringSettings
    max_batch: int = 500
    max_wait_s: float = 0.02
    backlog: int = 100_000


class _Student:
    """What is remembered of one student in one session."""

    def __init__(self, session_id: int, student_id: int, settings: ScoringSettings) -> None:
        self.builder = SampleBuilder(session_id, student_id)
        self.scorer = StudentScorer(settings)
        self.seen_s = 0.0


class Collector:
    """Turns the signals of all students into committed, published samples.

    Store first, publish after the commit. While the store fails, samples wait in memory (the oldest are dropped and
    counted past ``backlog``) and are written, then published, late.
    """

    def __init__(
        self, settings: CollectorSettings, store: Store, publisher: Publisher, history: History, clock: Clock
    ) -> None:
        self._settings = settings
        self._store = store
        self._publisher = publisher
        self._history = history
        self._clock = clock
        self._version = settings.scoring.version
        self._students: dict[tuple[int, int], _Student] = {}
        self._waiting: deque[ScoredSample | SourceStatus] = deque()
        self._due_s = 0.0
        self.dropped = 0

    def run(self, receiver: Receiver, beat: Callable[[], None], stop: Stop) -> None:
        """Work until ``stop`` is set, then write what is at hand."""
        while not stop.is_set():
            beat()
            self.take(receiver.receive(self._patience()))
            if self._due():
                self.flush()
        self.take(receiver.receive(0.0))
        self.flush()

    def take(self, messages: Sequence[object]) -> None:
        """Score what ``messages`` (FrameSignals and SourceStatus, others are ignored) close, and queue it."""
        now = self._clock.monotonic()
        for message in messages:
            if isinstance(message, FrameSignals):
                self._observe(message, now)
            elif isinstance(message, SourceStatus):
                self._queue(message, now)

    def flush(self) -> bool:
        """Commit and publish all that waits; return whether it worked. A failure is logged, and tried again later."""
        while self._waiting:
            batch = [self._waiting[k] for k in range(min(len(self._waiting), self._settings.max_batch))]
            samples = [item for item in batch if isinstance(item, ScoredSample)]
            statuses = [item for item in batch if isinstance(item, SourceStatus)]
            try:
                self._store.write(samples, (), statuses)
            except Exception as error:  # whatever the database does, samples wait and are not lost
                self._due_s = self._clock.monotonic() + RETRY_S
                log.warning("write failed waiting=%d reason=%s", len(self._waiting), error)
                return False
            for _ in batch:
                self._waiting.popleft()
            self._publish(samples, statuses)
        return True

    def _observe(self, frame: FrameSignals, now: float) -> None:
        key = (frame.origin.session_id, frame.origin.student_id)
        student = self._students.get(key) or self._remember(key, now)
        student.seen_s = now
        sample = student.builder.add(frame, frame.faces[0] if frame.faces else None)
        if sample is not None:
            self._queue(ScoredSample(sample, student.scorer.update(sample), self._version), now)

    def _remember(self, key: tuple[int, int], now: float) -> _Student:
        self._students = {k: s for k, s in self._students.items() if now - s.seen_s < IDLE_S}
        student = self._students[key] = _Student(*key, self._settings.scoring)
        try:
            for sample in self._history(*key):
                student.scorer.update(sample)
        except Exception as error:  # the score then starts afresh
            log.warning("history not read session=%d student=%d reason=%s", *key, error)
        return student

    def _queue(self, item: ScoredSample | SourceStatus, now: float) -> None:
        if not self._waiting:
            self._due_s = now + self._settings.max_wait_s
        self._waiting.append(item)
        while len(self._waiting) > self._settings.backlog:
            self._waiting.popleft()
            self.dropped += 1

    def _due(self) -> bool:
        return bool(self._waiting) and self._clock.monotonic() >= self._due_s

    def _patience(self) -> float:
        return max(0.0, self._due_s - self._clock.monotonic()) if self._waiting else 0.5

    def _publish(self, samples: Sequence[ScoredSample], statuses: Sequence[SourceStatus]) -> None:
        now = self._clock.now()
        sessions = {item.sample.session_id for item in samples} | {item.origin.session_id for item in statuses}
        for session_id in sorted(sessions):
            self._publisher.publish(
                LiveUpdate(
                    session_id,
                    now,
                    tuple(item for item in samples if item.sample.session_id == session_id),
                    tuple(item for item in statuses if item.origin.session_id == session_id),
                )
            )
