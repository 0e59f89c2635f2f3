"""Attention: how far the line of sight lies from the student's own usual place (DESIGN.md section 5). Pure."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from engage.core.scoring_settings import ScoringSettings
from engage.core.signals import FaceSignals
from engage.core.types import Sample

LEAST_CALIBRATION_S = 2.0
"""Seconds of face in a calibration step under which it is taken for not made."""


def attention_at(offset_deg: float, settings: ScoringSettings) -> float:
    """Return A for a line of sight ``offset_deg`` off: 1 near, half a cosine down to the floor when far."""
    near, far, floor = settings.attentive_within_deg, settings.inattentive_from_deg, settings.inattentive_floor
    progress = min(max((abs(offset_deg) - near) / (far - near), 0.0), 1.0)
    return floor + (1.0 - floor) * (1.0 + math.cos(math.pi * progress)) / 2.0


def line_of_sight(signals: FaceSignals | Sample, settings: ScoringSettings) -> tuple[float, float] | None:
    """Return where somebody looks, degrees aside and up; None where the head's pose was not read.

    Head and gaze add up, but the gaze is trusted less the further the head is turned: of half a face the network reads
    eyes that look back at the camera, whatever they do (12 degrees back at a head turned 35, virtual students).
    """
    if signals.yaw_deg is None or signals.pitch_deg is None:
        return None
    return (
        signals.yaw_deg + _trusted(signals.gaze_x, signals.yaw_deg, settings),
        signals.pitch_deg + _trusted(signals.gaze_y, signals.pitch_deg, settings),
    )


def _trusted(gaze_deg: float | None, head_deg: float, settings: ScoringSettings) -> float:
    near, far = settings.gaze_trusted_within_deg, settings.gaze_ignored_from_deg
    return (gaze_deg or 0.0) * min(max((far - abs(head_deg)) / (far - near), 0.0), 1.0)


@dataclass(slots=True)
class _Calibration:
    """A stretch of time in which the student was asked to look at the screen."""

    start: float
    end: float
    aside: float = 0.0
    up: float = 0.0
    seconds: float = 0.0

    def add(self, sight: tuple[float, float], duration_s: float) -> None:
        self.aside += sight[0] * duration_s
        self.up += sight[1] * duration_s
        self.seconds += duration_s

    def mean(self) -> tuple[float, float] | None:
        """Return the mean line of sight, or None where too little was seen to tell."""
        return (self.aside / self.seconds, self.up / self.seconds) if self.seconds >= LEAST_CALIBRATION_S else None


class Attention:
    """Follows one student's line of sight: own baseline, downward spells, a face lost while looking away."""

    def __init__(self, settings: ScoringSettings) -> None:
        self._settings = settings
        self.baseline = (0.0, 0.0)
        """The student's usual line of sight, degrees aside and up."""
        self._calibrations: deque[_Calibration] = deque()
        self._calibrated_from = -math.inf
        self._learned_s = 0.0
        self._seen_s = 0.0
        self._down_since: float | None = None
        self.noting = False
        """Whether the sight of the newest sample is lowered, and not for longer than notes may take."""
        self._away_since: float | None = None
        self._last: tuple[float, float] | None = None
        """Time and value of the last attention that was read."""
        self._lost_since: float | None = None

    def calibrate(self, start: float, end: float) -> None:
        """Take what is seen from ``start`` to ``end`` (Unix seconds) for the student's usual line of sight.

        It holds from the first sample past ``end`` on; of several stretches the later holds, a repeat changes nothing.
        """
        if start > self._calibrated_from:
            self._calibrated_from = start
            self._calibrations.append(_Calibration(start, end))

    def update(self, sample: Sample) -> float | None:
        """Return A of this second, or None where neither a line of sight nor a turn out of sight is known."""
        at = sample.captured_at.timestamp()
        self.noting = False
        value = self._read(sample, at)
        self._follow(at, value)
        return value

    def _read(self, sample: Sample, at: float) -> float | None:
        if sample.face_share == 0:
            return self._while_lost(at)
        self._lost_since = None
        sight = line_of_sight(sample, self._settings)
        if sight is None:
            self._last = None
            return None
        self._calibrate(sight, at, sample.duration_s)
        self._learn(sight, sample.duration_s)
        value = self._value(sight, at)
        self._last = (at, value)
        return value

    def lasting(self, at: float) -> dict[str, float]:
        """Return for how many seconds the student has been looking away, or down, up to ``at``; empty where neither."""
        since = {"looking_away_s": self._away_since, "looking_down_s": self._down_since}
        return {name: at - began for name, began in since.items() if began is not None}

    def _follow(self, at: float, value: float | None) -> None:
        """Note since when attention has been low, but not for looking down."""
        if value is None or self._down_since is not None or value >= self._settings.lost_attention_below:
            self._away_since = None
        elif self._away_since is None:
            self._away_since = at

    def _value(self, sight: tuple[float, float], at: float) -> float:
        settings = self._settings
        aside, up = sight[0] - self.baseline[0], sight[1] - self.baseline[1]
        direct = attention_at(math.hypot(aside, up), settings)
        if up >= settings.downward_below_deg:
            self._down_since = None
            return direct
        lost_s = 0.0 if self._last is None else at - self._last[0]
        if self._down_since is None or lost_s > settings.lost_counts_for_s:
            self._down_since = at
        self.noting = at - self._down_since <= settings.downward_grace_s
        floor = settings.downward_floor if self.noting else settings.downward_floor_after
        return max(direct, min(floor, attention_at(aside, settings)))

    def _while_lost(self, at: float) -> float | None:
        settings = self._settings
        if self._lost_since is None:
            turned_away = self._last is not None and self._last[1] < settings.lost_attention_below
            if not turned_away or self._last is None or at - self._last[0] > settings.lost_within_s:
                return None
            self._lost_since = self._last[0]
        return settings.inattentive_floor if at - self._lost_since <= settings.lost_counts_for_s else None

    def _calibrate(self, sight: tuple[float, float], at: float, duration_s: float) -> None:
        for calibration in self._calibrations:
            if calibration.start <= at <= calibration.end:
                calibration.add(sight, duration_s)
        while self._calibrations and at > self._calibrations[0].end:
            usual = self._calibrations.popleft().mean()
            if usual is not None:
                self.baseline = usual
                self._seen_s = max(self._seen_s, self._settings.baseline_learning_s)  # nothing is left to learn

    def _learn(self, sight: tuple[float, float], duration_s: float) -> None:
        settings = self._settings
        learning = self._seen_s < settings.baseline_learning_s
        self._seen_s += duration_s
        centre = (0.0, 0.0) if learning else self.baseline
        off = (sight[0] - centre[0], sight[1] - centre[1])
        if math.hypot(*off) > settings.baseline_within_deg:
            return
        if learning:
            self._learned_s += duration_s
            share = duration_s / self._learned_s if self._learned_s > 0 else 0.0
            self._move(sight, share, math.inf)
        else:
            limit = settings.baseline_drift_deg * duration_s / settings.baseline_drift_s
            self._move(sight, duration_s / settings.baseline_drift_s, limit)

    def _move(self, towards: tuple[float, float], share: float, limit: float) -> None:
        step = [share * (goal - here) for goal, here in zip(towards, self.baseline, strict=True)]
        length = math.hypot(*step)
        scale = min(1.0, limit / length) if length > 0 else 0.0
        self.baseline = (self.baseline[0] + scale * step[0], self.baseline[1] + scale * step[1])
