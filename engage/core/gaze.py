"""Attention: how far the line of sight lies from the student's own usual place (DESIGN.md section 5). Pure."""

from __future__ import annotations

import math

from engage.core.scoring_settings import ScoringSettings
from engage.core.types import Sample


def attention_at(offset_deg: float, settings: ScoringSettings) -> float:
    """Return A for a line of sight ``offset_deg`` off: 1 near, half a cosine down to the floor when far."""
    near, far, floor = settings.attentive_within_deg, settings.inattentive_from_deg, settings.inattentive_floor
    progress = min(max((abs(offset_deg) - near) / (far - near), 0.0), 1.0)
    return floor + (1.0 - floor) * (1.0 + math.cos(math.pi * progress)) / 2.0


class Attention:
    """Follows one student's line of sight: own baseline, downward spells, a face lost while looking away."""

    def __init__(self, settings: ScoringSettings) -> None:
        self._settings = settings
        self._baseline = (0.0, 0.0)
        self._learned_s = 0.0
        self._seen_s = 0.0
        self._down_since: float | None = None
        self._last: tuple[float, float] | None = None
        """Time and value of the last attention that was read."""
        self._lost_since: float | None = None

    def update(self, sample: Sample) -> float | None:
        """Return A of this second, or None where neither a line of sight nor a turn out of sight is known."""
        at = sample.captured_at.timestamp()
        if sample.face_share == 0:
            return self._while_lost(at)
        self._lost_since = None
        if sample.yaw_deg is None or sample.pitch_deg is None:
            self._last = None
            return None
        sight = (sample.yaw_deg + (sample.gaze_x or 0.0), sample.pitch_deg + (sample.gaze_y or 0.0))
        self._learn(sight, sample.duration_s)
        value = self._value(sight, at)
        self._last = (at, value)
        return value

    def _value(self, sight: tuple[float, float], at: float) -> float:
        settings = self._settings
        aside, up = sight[0] - self._baseline[0], sight[1] - self._baseline[1]
        direct = attention_at(math.hypot(aside, up), settings)
        if up >= settings.downward_below_deg:
            self._down_since = None
            return direct
        if self._down_since is None:
            self._down_since = at
        noting = at - self._down_since <= settings.downward_grace_s
        floor = settings.downward_floor if noting else settings.downward_floor_after
        return max(direct, min(floor, attention_at(aside, settings)))

    def _while_lost(self, at: float) -> float | None:
        settings = self._settings
        if self._lost_since is None:
            turned_away = self._last is not None and self._last[1] < settings.lost_attention_below
            if not turned_away or self._last is None or at - self._last[0] > settings.lost_within_s:
                return None
            self._lost_since = self._last[0]
        return settings.inattentive_floor if at - self._lost_since <= settings.lost_counts_for_s else None

    def _learn(self, sight: tuple[float, float], duration_s: float) -> None:
        settings = self._settings
        learning = self._seen_s < settings.baseline_learning_s
        self._seen_s += duration_s
        centre = (0.0, 0.0) if learning else self._baseline
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
        step = [share * (goal - here) for goal, here in zip(towards, self._baseline, strict=True)]
        length = math.hypot(*step)
        scale = min(1.0, limit / length) if length > 0 else 0.0
        self._baseline = (self._baseline[0] + scale * step[0], self._baseline[1] + scale * step[1])
