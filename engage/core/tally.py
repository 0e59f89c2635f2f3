"""Sums over time of one student: what a minute, a session or a term comes to. Pure.

Everything is a sum, so minutes add up to sessions and sessions to terms; means, spreads and shares are read off at the
end. All of them are weighted by time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from engage.core.types import EMOTIONS

NOTHING_SEEN = (0.0,) * len(EMOTIONS)


@dataclass(frozen=True, slots=True)
class Tally:
    """What was seen of one student over a stretch of time; seconds unless said otherwise.

    A camera that was off, paused or refused adds nothing at all: it is not time away.
    """

    samples: int = 0
    """Number of stored seconds."""
    observed_s: float = 0.0
    """Time a camera looked, whether a face was there or not."""
    face_s: float = 0.0
    scored_s: float = 0.0
    """Time with a score; the weight of the next three sums."""
    score_sum: float = 0.0
    square_sum: float = 0.0
    confidence_sum: float = 0.0
    attentive_s: float = 0.0
    away_s: float = 0.0
    """No face, or looking elsewhere."""
    drowsy_s: float = 0.0
    """Attentive, away and drowsy exclude one another; what is left of ``observed_s`` could not be read."""
    emotion_s: tuple[float, ...] = NOTHING_SEEN
    """Face time with each expression, in FER+ order: a second of .6 neutral is .6 s of neutral."""
    gestures: Mapping[str, int] = field(default_factory=dict)
    """How many gestures of each kind began."""

    @property
    def mean(self) -> float | None:
        """Return the mean score 0-10, or None where there was none."""
        return _ratio(self.score_sum, self.scored_s)

    @property
    def spread(self) -> float | None:
        """Return the standard deviation of the score, or None where there was none."""
        if self.scored_s <= 0:
            return None
        return math.sqrt(max(0.0, self.square_sum / self.scored_s - (self.score_sum / self.scored_s) ** 2))

    @property
    def confidence(self) -> float | None:
        """Return the mean confidence 0-1 of the scores there were, or None."""
        return _ratio(self.confidence_sum, self.scored_s)

    @property
    def attentive_share(self) -> float | None:
        """Return the share of the observed time spent looking at the screen, or None where nothing was observed."""
        return _ratio(self.attentive_s, self.observed_s)

    @property
    def away_share(self) -> float | None:
        """Return the share of the observed time without a face or with the eyes elsewhere, or None."""
        return _ratio(self.away_s, self.observed_s)

    @property
    def drowsy_share(self) -> float | None:
        """Return the share of the observed time that appeared drowsy, or None."""
        return _ratio(self.drowsy_s, self.observed_s)

    @property
    def unread_s(self) -> float:
        """Return the observed time of which nothing can be said: too dark, unsure, presence only."""
        return max(0.0, self.observed_s - self.attentive_s - self.away_s - self.drowsy_s)

    @property
    def expression(self) -> tuple[float, ...] | None:
        """Return the shares of the eight expressions in FER+ order, or None where none was computed."""
        total = sum(self.emotion_s)
        return tuple(seconds / total for seconds in self.emotion_s) if total > 0 else None

    def coverage(self, length_s: float) -> float:
        """Return the share of ``length_s`` for which there is a score, 0-1."""
        return min(1.0, self.scored_s / length_s) if length_s > 0 else 0.0

    def not_sharing_s(self, length_s: float) -> float:
        """Return the part of ``length_s`` in which no camera looked: refused, paused or off. It says nothing more."""
        return max(0.0, length_s - self.observed_s)

    def __add__(self, other: Tally) -> Tally:
        """Return the tally of both stretches together."""
        return total((self, other))


SUMS = tuple(field.name for field in fields(Tally) if field.name not in ("emotion_s", "gestures"))
"""The plain sums, in the order of the record."""


def total(tallies: Iterable[Tally]) -> Tally:
    """Return the tally of all stretches together; sums are exact to the last bit (``math.fsum``)."""
    parts = list(tallies)
    gestures: Counter[str] = Counter()
    for part in parts:
        gestures.update(part.gestures)
    sums = [math.fsum(getattr(part, name) for part in parts) for name in SUMS[1:]]
    emotions = tuple(math.fsum(part.emotion_s[k] for part in parts) for k in range(len(EMOTIONS)))
    values: list[Any] = [sum(part.samples for part in parts), *sums, emotions, dict(gestures)]
    return Tally(*values)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
