"""Robust numbers over a series of sessions: what the class did, lines, spreads. Pure; gaps are NaN."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

POLISHES = 3
FEWEST_OTHERS = 3
"""Others with data in a session, from which their median says something of the class in it."""
MEDIAN_COST = math.pi / 2
"""Variance of a median of normal numbers over that of their mean."""
LINE_COST = 1.05
"""Standard error of Theil and Sen's slope over that of least squares (Sen 1968: efficiency .91 for normal numbers)."""
OUTLIERS_FROM = 2.5
MAD_TO_SD = 1.4826


@dataclass(frozen=True, slots=True)
class Line:
    """A line through the last sessions: ``slope`` per session, the spread about it, and the slope's standard error."""

    slope: float
    spread: float
    n: int

    def slope_error(self, spread: float) -> float:
        """Return the standard error of the slope where sessions scatter by ``spread``."""
        x = np.arange(self.n, dtype=np.float64)
        return LINE_COST * spread / math.sqrt(float(np.sum((x - x.mean()) ** 2)))


def class_effect(scores: Numbers) -> Numbers:
    """Return what the others did in each session: ``(students, sessions)``, without the student's own part.

    Tukey's median polish takes each student's own level out; what remains of a session is the median of the *other*
    students. So a student who joins late, or an exam week in which all fall, tells nothing about one of them. Every row
    and every column of ``scores`` needs a number.
    """
    session = np.zeros(scores.shape[1])
    for _ in range(POLISHES):
        own = np.nanmedian(scores - session, axis=1, keepdims=True)
        session = np.nanmedian(scores - own, axis=0)
    own = np.nanmedian(scores - session, axis=1, keepdims=True)
    others = _median_of_others(scores - own)
    for row in others:  # a view of each
        gaps = np.isnan(row)
        if gaps.any():
            row[gaps] = 0.0 if gaps.all() else median(row[~gaps])
    return others


def median(series: Numbers) -> float:
    """Return the median of a short series without gaps (a tenth of the time of NumPy's, which looks for NaN first)."""
    ordered = np.sort(series)
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def line(series: Numbers) -> Line:
    """Return the line of Theil (1950) and Sen (1968) through a series without gaps: the median of all slopes.

    The spread is of the residuals, drawn in at 2.5 robust standard deviations (Huber), with n - 2 degrees of freedom.
    """
    x = np.arange(len(series), dtype=np.float64)
    i, j = _pairs(len(series))
    slope = median((series[j] - series[i]) / (x[j] - x[i]))
    rest = series - slope * x
    rest = rest - median(rest)
    bound = OUTLIERS_FROM * MAD_TO_SD * median(np.abs(rest))
    kept = np.clip(rest, -bound, bound)
    return Line(slope, math.sqrt(float(np.sum(kept**2)) / max(len(series) - 2, 1)), len(series))


def difference_error(spread: float, n_first: int, n_last: int) -> float:
    """Return the standard error of the difference of two medians."""
    return spread * math.sqrt(MEDIAN_COST * (1 / n_first + 1 / n_last))


@cache
def _pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(n, 1)


def _median_of_others(values: Numbers) -> Numbers:
    """Return, for each number, the median of the others in its column; NaN where there are too few."""
    ordered = np.sort(values, axis=0)
    rank = np.argsort(np.argsort(values, axis=0), axis=0)
    n_others = np.sum(~np.isnan(values), axis=0) - ~np.isnan(values)
    middle = [_without(ordered, rank, np.maximum(place, 0)) for place in ((n_others - 1) // 2, n_others // 2)]
    return np.where(n_others >= FEWEST_OTHERS, (middle[0] + middle[1]) / 2, np.nan)


def _without(ordered: Numbers, rank: NDArray[np.intp], place: NDArray[np.intp]) -> Numbers:
    """Return the number at ``place`` of each sorted column, counted as if the one at ``rank`` were not there."""
    shifted = np.where(place < rank, place, place + 1)  # the ranks of gaps are the last ones
    return np.take_along_axis(ordered, np.minimum(shifted, len(ordered) - 1), axis=0)
