"""What a recording shows: faces followed through it, each read and scored as in a live session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from engage.capture.looking import Looked
from engage.core.scoring_settings import ScoringSettings
from engage.core.signals import FaceSignals, FrameSignals
from engage.core.types import FaceCrop, Frame, GestureEvent, Hint, Mode, Origin, Score, ScoredSample
from engage.inference.reading import FaceReader
from engage.pipeline.student import StudentLine
from engage.vision.crops import Shift

NO_ORIGIN = Origin(0, 0, 0)


@dataclass(frozen=True, slots=True)
class FaceReading:
    """One face in one looked-at frame, and how its track stood then. ``file`` is set for pictures of a folder."""

    time_s: float
    signals: FaceSignals
    scored: ScoredSample
    file: str | None = None


@dataclass(frozen=True, slots=True)
class TrackGesture:
    """A gesture of one track, in seconds of the recording, with its strength 0-1."""

    kind: str
    start_s: float
    end_s: float
    strength: float


@dataclass(slots=True)
class Track:
    """One face through a recording: every reading, the sample of every second, and the gestures."""

    id: int
    look_s: float
    readings: list[FaceReading] = field(default_factory=list)
    samples: list[ScoredSample] = field(default_factory=list)
    gestures: list[TrackGesture] = field(default_factory=list)

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

    def again(self, frame: Frame, crop: FaceCrop, shift: Shift) -> FaceCrop | None:
        """Return the face of a followed crop cut again, where the network sees it ``shift`` away; None where near."""

    def learn(self, hint: Hint) -> None:
        """Take in where the network saw the face of an earlier crop."""

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

    Where the reader says how a face has moved, that decides where it is cut in the next frame: the network then sees
    one frame at a time.
    """

    def __init__(self, rules: Rules, finder: Finder, reader: FaceReader) -> None:
        self._rules = rules
        self._finder = finder
        self._reader = reader
        self._open: dict[int, _TrackScorer] = {}
        self._next_id = 1
        self.tracks: list[Track] = []

    def read(self, frames: Sequence[Frame], file: str | None = None) -> list[list[FaceReading]]:
        """Return the readings of each of ``frames``, one list per frame."""
        if self._reader.reads_signals and self._rules.mode is not Mode.PRESENCE:
            return [self._read_followed(frame, file) for frame in frames]
        looks = [self._finder.look(frame, self._rules.mode) for frame in frames]
        found = iter(self._signals([crop for look in looks for crop in look.faces]))
        return [
            self._observe(frame, look, [next(found) for _ in look.faces], file)
            for frame, look in zip(frames, looks, strict=True)
        ]

    def cut(self) -> None:
        """Say that what comes next is another picture, or nothing: open seconds are closed, faces forgotten."""
        for scorer in self._open.values():
            scorer.finish()
        self._open.clear()
        self._finder.reset()

    def _read_followed(self, frame: Frame, file: str | None) -> list[FaceReading]:
        look = self._finder.look(frame, self._rules.mode)
        crops = list(look.faces)
        faces = self._signals(crops)
        again = [
            self._finder.again(frame, crop, face.box_shift) if face.box_shift else None
            for crop, face in zip(crops, faces, strict=True)
        ]
        moved = {place: crop for place, crop in enumerate(again) if crop is not None}
        for (place, crop), face in zip(moved.items(), self._signals(list(moved.values())), strict=True):
            crops[place], faces[place] = crop, face
        for face in faces:
            if face.face_score is not None and face.box_shift is not None:
                hint = Hint(NO_ORIGIN, frame.seq, frame.monotonic_s, face.track_id, face.face_score, face.box_shift)
                self._finder.learn(hint)
        kept = [face for crop, face in zip(crops, faces, strict=True) if self._reader.believed(crop, face)]
        return self._observe(frame, look, kept, file)

    def _signals(self, crops: Sequence[FaceCrop]) -> list[FaceSignals]:
        return self._reader.read([(crop, self._rules.mode) for crop in crops])

    def _observe(self, frame: Frame, look: Looked, faces: Sequence[FaceSignals], file: str | None) -> list[FaceReading]:
        signals = FrameSignals(
            NO_ORIGIN, self._rules.mode, frame.seq, frame.captured_at, frame.monotonic_s, look.brightness, tuple(faces)
        )
        readings = []
        for face in faces:
            scorer = self._follow(face.track_id, frame.captured_at - timedelta(seconds=frame.position_s))
            scored = scorer.add(signals, face)
            reading = FaceReading(frame.position_s, replace(face, track_id=scorer.track.id), scored, file)
            scorer.track.readings.append(reading)
            readings.append(reading)
        seen = {face.track_id for face in faces}
        self._pass_over(signals, seen)
        return readings

    def _pass_over(self, signals: FrameSignals, seen: set[int]) -> None:
        memory = timedelta(seconds=self._rules.memory_s)
        for track_id, scorer in list(self._open.items()):
            if track_id in seen:
                continue
            if signals.captured_at - scorer.seen_at > memory:
                scorer.leave()
                del self._open[track_id]
            else:
                scorer.add(signals, None)

    def _follow(self, track_id: int, began_at: datetime) -> _TrackScorer:
        if track_id not in self._open:
            track = Track(self._next_id, self._rules.look_s)
            self._next_id += 1
            self.tracks.append(track)
            self._open[track_id] = _TrackScorer(track, self._rules.scoring, began_at)
        return self._open[track_id]


class _TrackScorer:
    """Scores one track as a live session scores a student; ``began_at`` is the recording's start."""

    def __init__(self, track: Track, scoring: ScoringSettings, began_at: datetime) -> None:
        self.track = track
        self.seen_at = began_at
        self._began_at = began_at
        self._line = StudentLine(0, track.id, scoring)
        self._unclosed: FrameSignals | None = None

    def add(self, frame: FrameSignals, face: FaceSignals | None) -> ScoredSample:
        """Take one frame in and return the newest scored sample; the first frame closes the first sample."""
        if face is not None:
            self.seen_at = frame.captured_at
        self._unclosed = replace(frame, faces=() if face is None else (face,))
        self._take(self._unclosed)
        return self.track.samples[-1]

    def leave(self) -> None:
        """End the gestures under way: the face is gone."""
        self._note(self._line.finish())

    def finish(self) -> None:
        """Close the last second as if its last frame had lasted to its end, and end the gestures."""
        if self._unclosed is not None:
            end = self._unclosed.captured_at.replace(microsecond=0) + timedelta(seconds=1)
            self._take(replace(self._unclosed, captured_at=end))
        self.leave()

    def _take(self, frame: FrameSignals) -> None:
        taken = self._line.take(frame)
        self._note(taken.gestures)
        if taken.sample is not None:
            self._unclosed = None
            self.track.samples.append(taken.sample)

    def _note(self, gestures: Sequence[GestureEvent]) -> None:
        for found in gestures:
            start_s, end_s = ((at - self._began_at).total_seconds() for at in (found.started_at, found.ended_at))
            self.track.gestures.append(TrackGesture(found.kind, start_s, end_s, found.strength))
