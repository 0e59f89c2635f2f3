"""A made-up session of any length, stored as a real one is: what reports are measured and tested on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from engage.core.types import GestureEvent, Mode, Reason, Sample, Score, ScoredSample
from engage.storage.database import Database
from engage.storage.records import SessionRecord
from engage.storage.store import SqlStore

WRITTEN_AT_ONCE = 20_000
VERSION = "made-up-1"
CONCENTRATION = 6.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """Which students were seen, for how long, in which mode; ``seed`` makes the numbers the same each time.

    Each student drifts around a level of their own, is away now and then, and the class dips in its last third.
    """

    students: tuple[int, ...]
    seconds: int
    mode: Mode = Mode.FULL
    seed: int = 7


def store(database: Database, session: SessionRecord, lesson: Lesson) -> None:
    """Write the samples, scores and gestures of ``lesson`` to ``session``, from its start on."""
    writer = SqlStore(database)
    for samples in _batches(samples_of(session, lesson)):
        writer.write(samples)
    writer.write((), list(_gestures(session, lesson)))


def _batches(samples: Iterator[ScoredSample]) -> Iterator[list[ScoredSample]]:
    batch: list[ScoredSample] = []
    for sample in samples:
        batch.append(sample)
        if len(batch) == WRITTEN_AT_ONCE:
            yield batch
            batch = []
    yield batch


def samples_of(session: SessionRecord, lesson: Lesson) -> Iterator[ScoredSample]:
    """Yield the samples and scores of ``lesson``, student by student."""
    first = math.ceil(session.started_at.timestamp())
    for place, student in enumerate(lesson.students):
        random = np.random.default_rng((lesson.seed, place))
        time = np.arange(lesson.seconds)
        level = 6.6 + 1.4 * math.sin(place * 1.7) + 0.8 * np.sin(time / (190.0 + 7 * place) + place)
        level -= 1.5 * np.clip((time / max(lesson.seconds, 1) - 0.62) * 6, 0, 1)
        scores = np.clip(level + 0.3 * random.standard_normal(lesson.seconds), 0.2, 9.8)
        confidence = np.clip(0.72 + 0.18 * np.sin(time / 400.0 + place), 0.1, 0.98)
        away = (time // 45 + 5 * place) % 23 == 0
        shares = random.dirichlet([CONCENTRATION, 2, 0.5, 1, 0.5, 0.2, 0.3, 0.4], lesson.seconds)
        for second in range(lesson.seconds):
            numbers = float(scores[second]), float(confidence[second]), bool(away[second])
            expression = tuple(shares[second].tolist()) if lesson.mode is Mode.FULL else None
            yield _scored(session.id, student, first + second, (*numbers, expression), lesson.mode)


def _scored(
    session_id: int,
    student_id: int,
    second: int,
    numbers: tuple[float, float, bool, tuple[float, ...] | None],
    mode: Mode,
) -> ScoredSample:
    value, confidence, away, expression = numbers
    at = datetime.fromtimestamp(second, UTC) + timedelta(milliseconds=900)
    if away:
        sample = Sample(session_id, student_id, second, at, 2, 1.0, 0.0, None, 0.5, mode=mode)
        return ScoredSample(sample, _without(mode, Reason.AWAY), VERSION)
    sample = Sample(session_id, student_id, second, at, 2, 1.0, 1.0, 0.9, 0.5, expression, 2.0, 1.0, -3.0, mode=mode)
    if mode is Mode.PRESENCE:
        return ScoredSample(sample, _without(mode, Reason.PRESENCE_ONLY), VERSION)
    terms = {"attention": min(1.0, value / 8.0), "presence": 1.0, "raw": value}
    return ScoredSample(sample, Score(value, confidence, None, terms), VERSION)


def _without(mode: Mode, reason: Reason) -> Score:
    return Score(None, 0.0, Reason.PRESENCE_ONLY if mode is Mode.PRESENCE else reason, {"presence": 0.0})


def _gestures(session: SessionRecord, lesson: Lesson) -> Iterator[GestureEvent]:
    if lesson.mode is Mode.PRESENCE:
        return
    for place, student in enumerate(lesson.students):
        for number, second in enumerate(range(30 + 11 * place, lesson.seconds - 2, 240)):
            at = session.started_at + timedelta(seconds=second)
            kind = ("nod", "nod", "yawn", "hand_raised")[number % 4]
            yield GestureEvent(session.id, student, kind, at, at + timedelta(seconds=1.2), 0.8)
