"""One student's line: frames in; gestures and scored samples out. Pure but for its memory."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace

from engage.core.gestures.kinds import GestureKind
from engage.core.gestures.reader import GestureReader
from engage.core.scoring import StudentScorer
from engage.core.scoring_settings import ScoringSettings
from engage.core.signals import FrameSignals
from engage.core.types import GestureEvent, Sample, ScoredSample
from engage.pipeline.sampling import SampleBuilder
from engage.pipeline.steadiness import SteadyTime

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """What one frame brought: gestures that are over with it, and the sample that it closes, if it does."""

    gestures: tuple[GestureEvent, ...] = ()
    sample: ScoredSample | None = None


class StudentLine:
    """Samples, gestures and scores of one student in one session; frames in order of capture.

    The gestures of a frame stand before its sample: where both are stored in that order, what the sample's score rests
    on is stored whenever the sample is, and scoring it again gives the same number.
    """

    def __init__(self, session_id: int, student_id: int, scoring: ScoringSettings) -> None:
        self._whose = session_id, student_id
        self._version = scoring.version
        self._time = SteadyTime()
        self._builder = SampleBuilder(session_id, student_id)
        self._reader = GestureReader(session_id, student_id, scoring)
        self._scorer = StudentScorer(scoring)
        self._too_slow: frozenset[GestureKind] = frozenset()

    def remember(self, samples: Iterable[Sample], gestures: Iterable[GestureEvent]) -> None:
        """Go on from what is stored."""
        for gesture in gestures:
            self._scorer.note(gesture)
        for sample in samples:
            self._scorer.update(sample)
            self._builder.resume(sample)
            self._time.resume(sample.captured_at)

    def note(self, gesture: GestureEvent) -> None:
        """Take a gesture that was stored by somebody else, such as a calibration step; repeats change nothing."""
        self._scorer.note(gesture)

    def take(self, frame: FrameSignals) -> Taken:
        """Return what ``frame`` brings; its first face is the student's."""
        at = self._time.of(frame.captured_at, frame.monotonic_s)
        frame = frame if at == frame.captured_at else replace(frame, captured_at=at)
        face = frame.faces[0] if frame.faces else None
        gestures = tuple(self._reader.update(frame, face, self._scorer.usual_sight))
        for gesture in gestures:
            self._scorer.note(gesture)
        sample = self._builder.add(frame, face)
        if sample is None:
            return Taken(gestures)
        self._say_rate()
        return Taken(gestures, ScoredSample(sample, self._scorer.update(sample), self._version))

    def finish(self) -> tuple[GestureEvent, ...]:
        """End the gestures under way and return them: the camera is off, or the collector stops."""
        gestures = tuple(self._reader.finish())
        for gesture in gestures:
            self._scorer.note(gesture)
        return gestures

    def _say_rate(self) -> None:
        too_slow = self._reader.too_slow_for()
        if too_slow != self._too_slow:
            self._too_slow = too_slow
            kinds = ",".join(sorted(too_slow)) or "none"
            log.info("gestures not read session=%d student=%d kinds=%s reason='rate too low'", *self._whose, kinds)
