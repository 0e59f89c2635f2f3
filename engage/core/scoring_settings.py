"""The numbers of the engagement score, with the defaults of DESIGN.md section 5."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise ValueError(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmotionWeights:
    """How engaged a student with this expression usually is, 0-1.

    Source: Sharma et al. 2019 (arXiv 1909.12913); contempt has no published weight, .25 is ours.
    """

    neutral: float = 0.9
    happiness: float = 0.6
    surprise: float = 0.6
    sadness: float = 0.3
    anger: float = 0.25
    disgust: float = 0.2
    fear: float = 0.3
    contempt: float = 0.25

    def __post_init__(self) -> None:
        """Raise ValueError where a weight is not in (0, 1]."""
        for name, value in asdict(self).items():
            _require(0 < value <= 1, f"the weight of {name} is {value}; give a number above 0 and up to 1")

    def as_tuple(self) -> tuple[float, ...]:
        """Return the weights in FER+ order."""
        return tuple(asdict(self).values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringSettings:
    """Every number the scorer uses. Angles in degrees, times in seconds."""

    name: str = "default"
    window_s: float = 10.0
    smoothing_s: float = 15.0
    """Time constant of the exponential moving average."""
    min_presence: float = 0.3
    unknown_below: float = 0.4
    dark_below: float = 0.08
    """Mean brightness under which a frame without a face counts as too dark."""

    emotion_weights: EmotionWeights = EmotionWeights()
    expression_exponent: float = 0.35
    attention_exponent: float = 0.45
    alertness_exponent: float = 0.20

    gaze_trusted_within_deg: float = 10.0
    """Head angle up to which the eyes' gaze is added to it whole; it counts for nothing from the next one on."""
    gaze_ignored_from_deg: float = 20.0
    turned_from_deg: float = 15.0
    """Head angle aside from which confidence falls, to ``turned_confidence`` of itself at ``turned_to_deg``: of a head
    turned 30 degrees and more the network sees half a face, and reads less than it is turned."""
    turned_to_deg: float = 30.0
    turned_confidence: float = 0.6
    attentive_within_deg: float = 15.0
    inattentive_from_deg: float = 35.0
    inattentive_floor: float = 0.02
    downward_below_deg: float = -12.0
    downward_floor: float = 0.6
    downward_floor_after: float = 0.3
    downward_grace_s: float = 30.0
    baseline_learning_s: float = 60.0
    baseline_within_deg: float = 25.0
    baseline_drift_deg: float = 5.0
    baseline_drift_s: float = 600.0
    lost_attention_below: float = 0.2
    lost_within_s: float = 2.0
    lost_counts_for_s: float = 20.0

    perclos_window_s: float = 60.0
    perclos_alert: float = 0.05
    perclos_drowsy: float = 0.15
    drowsy_alertness: float = 0.3
    drowsy_closure_s: float = 3.0
    drowsy_cap: float = 3.5

    lids_open: float = 1.0
    """Openness, against the student's own usual, from which lids cost nothing."""
    lids_low: float = 0.5
    """Openness, likewise, from which on alertness is ``drowsy_alertness``."""
    lids_usual_least: float = 0.8

    participation_window_s: float = 60.0
    participation_gain: float = 0.6
    participation_per_nod: float = 0.15
    participation_per_hand: float = 0.5
    participation_full_speech_s: float = 15.0
    """Seconds of speaking in the window that count as full participation."""

    def __post_init__(self) -> None:
        """Raise ValueError, naming the setting, where the numbers contradict one another."""
        _require(self.window_s > 0 and self.smoothing_s > 0, "window_s and smoothing_s must be above 0")
        _require(0 <= self.min_presence <= 1, "min_presence must lie in 0-1")
        exponents = (self.expression_exponent, self.attention_exponent, self.alertness_exponent)
        _require(min(exponents) >= 0 and sum(exponents) > 0, "exponents must not be negative, nor all 0")
        _require(
            0 <= self.gaze_trusted_within_deg < self.gaze_ignored_from_deg,
            "gaze_trusted_within_deg must be less than gaze_ignored_from_deg",
        )
        _require(
            0 <= self.turned_from_deg < self.turned_to_deg and 0 <= self.turned_confidence <= 1,
            "turned_from_deg must be less than turned_to_deg, turned_confidence lie in 0-1",
        )
        _require(
            0 <= self.attentive_within_deg < self.inattentive_from_deg,
            "attentive_within_deg must be less than inattentive_from_deg",
        )
        _require(
            0 < self.inattentive_floor <= self.downward_floor_after <= self.downward_floor <= 1,
            "floors must rise: inattentive_floor, downward_floor_after, downward_floor, 1",
        )
        _require(0 <= self.perclos_alert < self.perclos_drowsy <= 1, "perclos_alert must be less than perclos_drowsy")
        _require(0 <= self.lids_low < self.lids_open <= 1, "lids_low must be less than lids_open, both in 0-1")
        _require(0 < self.lids_usual_least <= 1, "lids_usual_least must lie above 0 and up to 1")
        _require(0 <= self.participation_gain <= 1, "participation_gain must lie in 0-1")
        _require(
            min(self.participation_per_nod, self.participation_per_hand) >= 0 and self.participation_full_speech_s > 0,
            "participation_per_nod and _per_hand must not be negative, participation_full_speech_s must be above 0",
        )

    @property
    def version(self) -> str:
        """Return the name stored with every score: the settings' name and the start of their SHA-256."""
        text = json.dumps(asdict(self), sort_keys=True)
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
