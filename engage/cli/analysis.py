"""What a recording shows: faces followed through it, each read and scored as in a live session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from engage.capture.looking import Looked
from engage.core.protocols import ExpressionClassifier
from engage.core.scoring import StudentScorer
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import FaceCrop, FaceSignals, Frame, FrameSignals, Mode, Origin, Score, ScoredSample
from engage.inference.worker import face_signals
from engage.pipeline.sampling import SampleBuilder

NO_ORIGIN = Origin(0, 0, 0)


@dataclass(frozen=True, slots=True)
class FaceReading:
    """One face in one looked-at frame, and how its track stood then. ``file`` is set for pictures of a folder."""

    time_s: float
    signals: FaceSignals
    scored: ScoredSample
    file: str | None = None


@dataclass(slots=True)
class Track:
    """One face through a recording: every reading, and the sample of every second."""

    id: int
    look_s: float
    readings: list[FaceReading] = field(default_factory=list)
    samples: list[ScoredSample] = field(default_factory=list)

    @property
    def seen_s(self) -> float:
        """How long the face was seen: each reading stands for the time between two looks."""
        return len(self.readings) * self.look_s

    @property
    def score(self) -> Score:
        """The mean score over the recording and its mean confidence; without any, the last reason."""
        valued = [(found.score, found.sample.duration_s) for found in self.samples if found.score.value is not None]
        total = sum(weight for _, weight in valued)
        if total <= 0:
            return self.samples[-1].score if self.samples else Score(None, 0.0)
        value = sum((score.value or 0.0) * weight for score, weight in valued) / total
        return Score(value, sum(score.confidence * weight for score, weight in valued) / total)

    @property
    def expression(self) -> tuple[float, ...] | None:
        """The mean probabilities over all readings, FER+ order; None where expressions may not be read."""
        known = [reading.signals.expression for reading in self.readings if reading.signals.expression is not None]
        return tuple(np.mean(known, axis=0).tolist()) if known else None


class Finder(Protocol):
    """Finds and follows the faces of one recording (see FaceFinder)."""

    def look(self, frame: Frame, mode: Mode) -> Looked:
        """Return the crops of all faces in ``frame``."""

    def reset(self) -> None:
        """Forget all tracks."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a recording is read: what may be inferred, how it is scored, how long a lost face is waited for.

    ``look_s`` is the time between two looks, 0 for pictures.
    """

    mode: Mode
    scoring: ScoringSettings
    memory_s: float = 2.0
    look_s: float = 0.0


class Analyst:
    """Reads the frames of one recording in order, in batches, and keeps every track.

    ``classifier`` is only asked in mode ``full`` and may be None else.
    """

    def __init__(self, rules: Rules, finder: Finder, classifier: ExpressionClassifier | None) -> None:
        self._rules = rules
        self._finder = finder
        self._classifier = classifier
        self._open: dict[int, _Follower] = {}
        self._next_id = 1
        self.tracks: list[Track] = []

    def read(self, frames: Sequence[Frame], file: str | None = None) -> list[list[FaceReading]]:
        """Return the readings of each of ``frames``, one list per frame; the network sees all faces at once."""
        looks = [self._finder.look(frame, self._rules.mode) for frame in frames]
        expressions = self._expressions([crop for look in looks for crop in look.faces])
        return [self._observe(frame, look, expressions, file) for frame, look in zip(frames, looks, strict=True)]

    def cut(self) -> None:
        """Say that what comes next is another picture, or nothing: open seconds are closed, faces forgotten."""
        for follower in self._open.values():
            follower.finish()
        self._open.clear()
        self._finder.reset()

    def _expressions(self, crops: Sequence[FaceCrop]) -> Iterator[tuple[float, ...] | None]:
        if self._rules.mode is not Mode.FULL or self._classifier is None or not crops:
            return iter([None] * len(crops))
        rows = self._classifier.predict(np.stack([crop.pixels for crop in crops]))
        return iter([tuple(map(float, row)) for row in rows])

    def _observe(
        self, frame: Frame, look: Looked, expressions: Iterator[tuple[float, ...] | None], file: str | None
    ) -> list[FaceReading]:
        faces = [face_signals(crop, next(expressions)) for crop in look.faces]
        signals = FrameSignals(
            NO_ORIGIN, self._rules.mode, frame.seq, frame.captured_at, frame.monotonic_s, look.brightness, tuple(faces)
        )
        readings = []
        for face in faces:
            follower = self._follow(face.track_id, frame.captured_at)
            scored = follower.add(signals, face)
            reading = FaceReading(frame.position_s, replace(face, track_id=follower.track.id), scored, file)
            follower.track.readings.append(reading)
            readings.append(reading)
        seen = {face.track_id for face in faces}
        self._pass_over(signals, seen)
        return readings

    def _pass_over(self, signals: FrameSignals, seen: set[int]) -> None:
        memory = timedelta(seconds=self._rules.memory_s)
        for track_id, follower in list(self._open.items()):
            if track_id in seen:
                continue
            if signals.captured_at - follower.seen_at > memory:
                del self._open[track_id]
            else:
                follower.add(signals, None)

    def _follow(self, track_id: int, seen_at: datetime) -> _Follower:
        if track_id not in self._open:
            track = Track(self._next_id, self._rules.look_s)
            self._next_id += 1
            self.tracks.append(track)
            self._open[track_id] = _Follower(track, self._rules.scoring, seen_at)
        return self._open[track_id]


class _Follower:
    """Scores one track as a live session scores a student."""

    def __init__(self, track: Track, scoring: ScoringSettings, seen_at: datetime) -> None:
        self.track = track
        self.seen_at = seen_at
        self._builder = SampleBuilder(0, track.id)
        self._scorer = StudentScorer(scoring)
        self._version = scoring.version
        self._unclosed: tuple[FrameSignals, FaceSignals | None] | None = None

    def add(self, frame: FrameSignals, face: FaceSignals | None) -> ScoredSample:
        """Take one frame in and return the newest scored sample; the first frame closes the first sample."""
        if face is not None:
            self.seen_at = frame.captured_at
        sample = self._builder.add(frame, face)
        self._unclosed = (frame, face)
        if sample is not None:
            self._unclosed = None
            self.track.samples.append(ScoredSample(sample, self._scorer.update(sample), self._version))
        return self.track.samples[-1]

    def finish(self) -> None:
        """Close the last second as if its last frame had lasted to its end."""
        if self._unclosed is not None:
            frame, face = self._unclosed
            end = frame.captured_at.replace(microsecond=0) + timedelta(seconds=1)
            self.add(replace(frame, captured_at=end), face)
