"""The engagement score: samples in, a score from 0 to 10 with a confidence out (DESIGN.md section 5).

Pure: the same samples and settings give the same numbers, so a stored session can be scored again. All means are
weighted by time, so that the score does not depend on the frame rate.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from engage.core.gaze import Attention
from engage.core.gestures.kinds import GestureKind
from engage.core.gestures.participation import Participation
from engage.core.lids import Lids
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import GestureEvent, Mode, Reason, Sample, Score

LIDS_CLOSED_SHARE = 0.95
"""Share of a second with closed lids from which the whole second counts as closed."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of the score, each in [0, 1] or None where its signal is missing."""

    expression: float | None
    attention: float | None
    alertness: float | None
    participation: float = 0.0


def expression_term(probabilities: Sequence[float], settings: ScoringSettings) -> float:
    """Return E: the expected emotion weight under ``probabilities`` (FER+ order), over the largest weight."""
    weights = settings.emotion_weights.as_tuple()
    return sum(w * p for w, p in zip(weights, probabilities, strict=True)) / (max(weights) * sum(probabilities))


def alertness_term(perclos: float, settings: ScoringSettings) -> float:
    """Return L for a share of closed lids: 1 up to ``perclos_alert``, linear to ``drowsy_alertness``, level after."""
    span = settings.perclos_drowsy - settings.perclos_alert
    drowsiness = min(max((perclos - settings.perclos_alert) / span, 0.0), 1.0)
    return 1.0 - drowsiness * (1.0 - settings.drowsy_alertness)


def combine(terms: Terms, settings: ScoringSettings) -> float | None:
    """Return the unsmoothed score 0-10: ``s = 8 E^a A^b L^d`` lifted by participation, or None without any term.

    Exponents are renormalised over the terms that are there.
    """
    parts = [
        (terms.expression, settings.expression_exponent),
        (terms.attention, settings.attention_exponent),
        (terms.alertness, settings.alertness_exponent),
    ]
    present = [(max(value, 1e-9), exponent) for value, exponent in parts if value is not None and exponent > 0]
    if not present:
        return None
    total = sum(exponent for _, exponent in present)
    base = 8.0 * math.exp(sum(exponent / total * math.log(value) for value, exponent in present))
    return base + settings.participation_gain * terms.participation * (10.0 - base)


def certainty(probabilities: Sequence[float]) -> float:
    """Return ``(1 - normalised entropy)^1/2`` of a probability vector: 1 when sure, 0 when uniform."""
    entropy = -sum(p * math.log(p) for p in probabilities if p > 0)
    return math.sqrt(max(0.0, 1.0 - entropy / math.log(len(probabilities))))


@dataclass(frozen=True, slots=True)
class _Entry:
    """A sample in the window, with the attention and the lids' term it was given when it arrived."""

    sample: Sample
    at: float
    attention: float | None
    lids: float | None


class StudentScorer:
    """Scores the samples of one student in one session, in order of capture."""

    def __init__(self, settings: ScoringSettings) -> None:
        self._settings = settings
        self._attention = Attention(settings)
        self._lids = Lids(settings)
        self._participation = Participation(settings)
        self._entries: deque[_Entry] = deque()
        self._closed_s = 0.0
        self._smoothed: float | None = None
        self._smoothed_at = 0.0

    @property
    def usual_sight(self) -> tuple[float, float]:
        """Where the student usually looks, in degrees aside and up: the baseline as it stands."""
        return self._attention.baseline

    def note(self, gesture: GestureEvent) -> None:
        """Take a stored gesture, at the latest before the first sample ``SETTLED_S`` past its end."""
        if gesture.kind == GestureKind.CALIBRATION:
            self._attention.calibrate(gesture.started_at.timestamp(), gesture.ended_at.timestamp())
        self._participation.note(gesture)

    def update(self, sample: Sample, participation: float | None = None) -> Score:
        """Return the score after ``sample``; ``participation`` is G in [0, 1], None for that of the gestures noted."""
        at = sample.captured_at.timestamp()
        if participation is None:
            participation = self._participation.at(at)
        attention = self._attention.update(sample)
        self._entries.append(_Entry(sample, at, attention, self._lids.update(sample, self._attention.noting)))
        self._track_closure(sample)
        longest = max(self._settings.window_s, self._settings.perclos_window_s)
        while self._entries[0].at <= at - longest:
            self._entries.popleft()
        return self._score(at, participation)

    def _score(self, at: float, participation: float) -> Score:
        settings = self._settings
        newest = self._entries[-1].sample
        window = [entry for entry in self._entries if entry.at > at - settings.window_s]
        presence = _mean(window, _visible, _duration) or 0.0
        if newest.mode is Mode.PRESENCE:
            return Score(None, 0.0, Reason.PRESENCE_ONLY, {"presence": presence})
        if presence < settings.min_presence:
            dark = newest.brightness < settings.dark_below
            return Score(None, 0.0, Reason.TOO_DARK if dark else Reason.AWAY, {"presence": presence})
        expression = _mean_expression(window)
        perclos = self._perclos()
        drowsy = self._drowsy(perclos)
        lids = _mean(window, lambda entry: entry.lids, _face_time)
        terms = Terms(
            expression=None if expression is None else expression_term(expression, settings),
            attention=_mean(window, lambda entry: entry.attention, _attended),
            alertness=_least(None if perclos is None else alertness_term(perclos, settings), lids),
            participation=participation,
        )
        raw = combine(terms, settings)
        if raw is None:
            return Score(None, 0.0, Reason.UNSURE, {"presence": presence})
        value = self._smooth(min(raw, settings.drowsy_cap) if drowsy else raw, at)
        if drowsy:
            value = min(value, settings.drowsy_cap)
        confidence = presence * (_mean(window, lambda entry: entry.sample.confidence, _face_time) or 0.0)
        confidence *= _mean(window, lambda entry: _frontal(entry.sample, settings), _face_time) or 1.0
        if expression is not None:
            confidence *= certainty(expression)
        lasting = self._attention.lasting(at)
        return Score(value, confidence, None, {**_explain(terms, presence, raw, drowsy), **lasting})

    def _smooth(self, raw: float, at: float) -> float:
        if self._smoothed is None:
            self._smoothed = raw
        else:
            elapsed = max(at - self._smoothed_at, 0.0)
            self._smoothed += (1.0 - math.exp(-elapsed / self._settings.smoothing_s)) * (raw - self._smoothed)
        self._smoothed_at = at
        return self._smoothed

    def _perclos(self) -> float | None:
        """Return the share of the window with closed lids; before a third of it was read, what is missing is open."""
        read = [entry for entry in self._entries if entry.sample.lids_closed_share is not None]
        if not read:
            return None
        shut_s = sum(_face_time(entry) * (entry.sample.lids_closed_share or 0.0) for entry in read)
        return shut_s / max(sum(map(_face_time, read)), self._settings.perclos_window_s / 3)

    def _drowsy(self, perclos: float | None) -> bool:
        lasting = perclos is not None and perclos > self._settings.perclos_drowsy
        return lasting or self._closed_s >= self._settings.drowsy_closure_s

    def _track_closure(self, sample: Sample) -> None:
        closed = sample.lids_closed_share is not None and sample.lids_closed_share >= LIDS_CLOSED_SHARE
        self._closed_s = self._closed_s + sample.duration_s if closed else 0.0


def score_all(
    samples: Iterable[Sample], settings: ScoringSettings, gestures: Iterable[GestureEvent] = ()
) -> list[Score]:
    """Return the scores of one student's samples, in order of capture, with that student's gestures in any order.

    What is stored gives the very numbers that were stored, where the settings are the same.
    """
    scorer = StudentScorer(settings)
    for gesture in sorted(gestures, key=lambda gesture: gesture.started_at):
        scorer.note(gesture)
    return [scorer.update(sample) for sample in samples]


def _frontal(sample: Sample, settings: ScoringSettings) -> float | None:
    """Return by how much a turned head lowers confidence: 1 where it is not turned."""
    if sample.yaw_deg is None:
        return None
    span = settings.turned_to_deg - settings.turned_from_deg
    turned = min(max((abs(sample.yaw_deg) - settings.turned_from_deg) / span, 0.0), 1.0)
    return 1.0 - turned * (1.0 - settings.turned_confidence)


def _least(*values: float | None) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _duration(entry: _Entry) -> float:
    return entry.sample.duration_s


def _face_time(entry: _Entry) -> float:
    return entry.sample.duration_s * entry.sample.face_share


def _visible(entry: _Entry) -> float:
    """Return the share of the second that counts as present: a face, or a face that just turned out of sight."""
    return 1.0 if entry.attention is not None and entry.sample.face_share == 0 else entry.sample.face_share


def _attended(entry: _Entry) -> float:
    return entry.sample.duration_s * _visible(entry)


def _mean(
    entries: Iterable[_Entry], value: Callable[[_Entry], float | None], weight: Callable[[_Entry], float]
) -> float | None:
    pairs = [(found, weight(entry)) for entry in entries if (found := value(entry)) is not None]
    total = sum(w for _, w in pairs)
    return sum(v * w for v, w in pairs) / total if total > 0 else None


def _mean_expression(entries: Iterable[_Entry]) -> list[float] | None:
    pairs = [(entry.sample.expression, _face_time(entry)) for entry in entries if entry.sample.expression is not None]
    total = sum(w for _, w in pairs)
    if total <= 0:
        return None
    return [sum(p[k] * w for p, w in pairs) / total for k in range(len(pairs[0][0]))]


def _explain(terms: Terms, presence: float, raw: float, drowsy: bool) -> dict[str, float]:
    named = {
        "expression": terms.expression,
        "attention": terms.attention,
        "alertness": terms.alertness,
        "participation": terms.participation,
        "presence": presence,
        "raw": raw,
        "drowsy": 1.0 if drowsy else None,
    }
    return {name: value for name, value in named.items() if value is not None}
