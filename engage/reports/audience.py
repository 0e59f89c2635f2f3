"""An audience's reaction: what many faces appeared to show together, now and then. Never one face, never few."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engage.core.types import EMOTIONS
from engage.reports.language import ENGLISH, Language
from engage.reports.words import APPEARS, percent

FEWEST_FACES = 5
"""Below this nothing is said: an aggregate of few people tells about each of them."""
NAMED_FROM = 0.1


@dataclass(frozen=True, slots=True)
class Moment:
    """One look at the audience. ``faces`` and ``expression`` (FER+ order) are None where fewer than five were seen."""

    label: str
    faces: int | None
    expression: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class Reaction:
    """All looks, and what they come to: every face of a look that counts has the same weight."""

    moments: tuple[Moment, ...]
    expression: tuple[float, ...] | None

    @property
    def counted(self) -> int:
        """Return how many looks had faces enough."""
        return sum(moment.expression is not None for moment in self.moments)


def moment(label: str, faces: Sequence[tuple[float, ...]]) -> Moment:
    """Return one look from the probabilities of its faces, which are kept in no other form."""
    if len(faces) < FEWEST_FACES:
        return Moment(label, None, None)
    return Moment(label, len(faces), _mean([(face, 1.0) for face in faces]))


def reaction(moments: Iterable[Moment]) -> Reaction:
    """Return what the looks come to."""
    looks = tuple(moments)
    known = [(look.expression, float(look.faces)) for look in looks if look.expression is not None and look.faces]
    return Reaction(looks, _mean(known) if known else None)


def told(expression: Sequence[float] | None, language: Language = ENGLISH) -> str:
    """Return ``neutral 62 %, happy 21 %``: what is worth naming, the most first."""
    if expression is None:
        return language.gettext("fewer than %(n)s faces: nothing is shown", n=FEWEST_FACES)
    ranked = sorted(zip(expression, EMOTIONS, strict=True), reverse=True)
    named = [f"{language.gettext(APPEARS[name])} {percent(share)}" for share, name in ranked if share >= NAMED_FROM]
    return ", ".join(named) or language.gettext("no expression stands out")


def _mean(rows: Sequence[tuple[tuple[float, ...], float]]) -> tuple[float, ...]:
    total = math.fsum(weight for _, weight in rows)
    return tuple(math.fsum(row[k] * weight for row, weight in rows) / total for k in range(len(EMOTIONS)))
