"""Which term of a score cost what, in words and points. Pure.

Points are those of one term alone: how much higher the unsmoothed score would be with that term at 1. Terms multiply,
so their points do not add up to what is missing to 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from engage.core.scoring import Terms, combine
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import Reason, Score

TELLING = 0.05
"""Points below which nothing is said about a term."""

WORDS = {
    "attention": ("looks at the usual place", "looks away from the usual place, or down"),
    "alertness": ("eyes open as usual", "lids drooping or closed"),
    "expression": ("expression appears engaged", "expression appears less engaged"),
    "participation": ("nods, speaks or raises a hand", "no nod, raised hand or speaking in the last minute"),
}
"""Of each term: what is said where it costs nothing, and where it does (for participation: lifts, does not)."""

REASONS = {
    Reason.AWAY: "no face for most of the last seconds",
    Reason.NO_CAMERA: "no picture from the camera",
    Reason.TOO_DARK: "too dark to see a face",
    Reason.PAUSED: "paused",
    Reason.NO_CONSENT: "no consent",
    Reason.UNSURE: "a face, but nothing that could be read from it",
    Reason.PRESENCE_ONLY: "presence only: no score is computed here",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """One part of a score: its value 0-1 where it has one, and its points (negative: lost, positive: gained)."""

    term: str
    value: float | None
    points: float
    words: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A score and its parts, the dearest first; without a score there are no parts, and ``words`` says why."""

    value: float | None
    confidence: float
    words: str
    parts: tuple[Cost, ...] = ()
    missing: tuple[str, ...] = ()
    """Terms that were not read, so that the others counted for more."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, numbers to three places."""
        plain: dict[str, Any] = _rounded(asdict(self))
        return plain


def explain(score: Score, settings: ScoringSettings) -> Explanation:
    """Return what made ``score``, of the terms stored with it and the settings that made it."""
    if score.value is None:
        reason = REASONS[score.reason] if score.reason else "no data"
        return Explanation(None, score.confidence, f"No score: {reason}.")
    stored = score.terms
    terms = Terms(
        stored.get("expression"), stored.get("attention"), stored.get("alertness"), stored.get("participation", 0.0)
    )
    named = {"attention": terms.attention, "alertness": terms.alertness, "expression": terms.expression}
    costs = [_cost(name, value, terms, settings) for name, value in named.items() if value is not None]
    costs.append(_lift(terms, settings))
    costs.extend(_afterwards(score.value, stored, settings))
    parts = tuple(sorted(costs, key=lambda cost: cost.points))
    missing = tuple(name for name, value in named.items() if value is None)
    return Explanation(score.value, score.confidence, _summary(score.value, parts), parts, missing)


def _cost(name: str, value: float, terms: Terms, settings: ScoringSettings) -> Cost:
    here, whole = combine(terms, settings), combine(replace(terms, **{name: 1.0}), settings)
    points = (here or 0.0) - (whole or 0.0)
    return Cost(name, value, points, WORDS[name][points <= -TELLING])


def _lift(terms: Terms, settings: ScoringSettings) -> Cost:
    here, without = combine(terms, settings), combine(replace(terms, participation=0.0), settings)
    points = (here or 0.0) - (without or 0.0)
    return Cost("participation", terms.participation, points, WORDS["participation"][points < TELLING])


def _afterwards(value: float, stored: Mapping[str, float], settings: ScoringSettings) -> list[Cost]:
    """Return what the cap on drowsy seconds and the smoothing over time did to the unsmoothed score."""
    raw = stored.get("raw")
    if raw is None:
        return []
    costs = []
    capped = min(raw, settings.drowsy_cap) if stored.get("drowsy") else raw
    if capped < raw:
        costs.append(Cost("drowsy", None, capped - raw, f"appears drowsy: {settings.drowsy_cap:g} at most"))
    if abs(value - capped) >= TELLING:
        words = "the seconds before were higher" if value > capped else "the seconds before were lower"
        costs.append(Cost("smoothing", None, value - capped, words))
    return costs


def _summary(value: float, parts: tuple[Cost, ...]) -> str:
    dearest = [part.words for part in parts if part.points <= -TELLING and part.term != "smoothing"]
    why = "; ".join(dearest) if dearest else "nothing that was read costs points"
    return f"{value:.1f} of 10: {why}."


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, tuple | list) else value
