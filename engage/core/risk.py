"""Who may need help, across sessions: change from a student's own baseline, beside what the class did. Pure.

A student is compared with nobody but their own first sessions; the class only tells which change is everybody's. A
camera that was off, paused or refused leaves a gap, and a gap says nothing: attendance is what a person marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from engage.core import trends
from engage.core.risk_settings import RiskSettings
from engage.core.trends import Numbers


class Attendance(StrEnum):
    """Whether a student was there, as a person marked it."""

    PRESENT = "present"
    ABSENT = "absent"
    EXCUSED = "excused"


class Standing(StrEnum):
    """What can be said of a student's sessions."""

    NOT_ENOUGH = "not enough data"
    TOO_EARLY = "too early"
    STEADY = "steady"
    STEADY_LOW = "low but steady"
    DECLINING = "declining"


class Level(StrEnum):
    """How much a flag asks for."""

    LOOK = "look"
    TALK = "talk"


@dataclass(frozen=True, slots=True)
class Term:
    """The sessions of a course in order of time; arrays are ``(students, sessions)``.

    ``scores`` holds the mean score 0-10, NaN where there was too little data; ``marked`` and ``absent`` what a person
    marked (an excused absence counts as not marked).
    """

    student_ids: Sequence[int]
    scores: Numbers
    marked: NDArray[np.bool_]
    absent: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ground:
    """One reason, in words with its numbers."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """What can be said of one student now; numbers are None where they cannot.

    ``change`` is the student's own part (below 0: lower), ``class_change`` what the class did over the same sessions
    (None where there are too few others). ``level`` is None where no flag is called for.
    """

    student_id: int
    standing: Standing
    n_sessions: int
    baseline: float | None = None
    recent: float | None = None
    change: float | None = None
    class_change: float | None = None
    slope: float | None = None
    level: Level | None = None
    grounds: tuple[Ground, ...] = ()


@dataclass(frozen=True, slots=True)
class _Series:
    """One student's sessions with data: as scored, and without the class's part."""

    scores: Numbers
    own: Numbers
    line: trends.Line


def assess(term: Term, settings: RiskSettings) -> list[Assessment]:
    """Return what can be said of each student after the last of these sessions, in the order of ``student_ids``."""
    own, compared = _own_part(term.scores, settings)
    series = [_series(scores, part, settings) for scores, part in zip(term.scores, own, strict=True)]
    spreads = [each.line.spread for each in series if each is not None]
    usual = trends.median(np.array(spreads)) if spreads else 0.0
    return [
        _assess_one(term, k, series[k], usual if compared else None, settings) for k in range(len(term.student_ids))
    ]


def _own_part(scores: Numbers, settings: RiskSettings) -> tuple[Numbers, bool]:
    """Return the scores without the class's part, and whether there is a class to compare with."""
    measured = ~np.isnan(scores)
    rows, columns = measured.sum(axis=1) >= settings.min_sessions, measured.any(axis=0)
    if rows.sum() < settings.class_of:
        return scores, False
    columns &= measured[rows].any(axis=0)
    own = scores.copy()
    there = np.ix_(rows, columns)
    own[there] = scores[there] - trends.class_effect(scores[there])
    return own, True


def _series(scores: Numbers, own: Numbers, settings: RiskSettings) -> _Series | None:
    there = ~np.isnan(scores)
    if there.sum() < settings.min_sessions:
        return None
    return _Series(scores[there], own[there], trends.line(own[there][-settings.trend_sessions :]))


def _assess_one(
    term: Term, k: int, series: _Series | None, usual_spread: float | None, settings: RiskSettings
) -> Assessment:
    student_id, n_measured = term.student_ids[k], int(np.sum(~np.isnan(term.scores[k])))
    absence = _absence(term.marked[k], term.absent[k], settings)
    grounds = (absence,) if absence else ()
    level = Level.LOOK if absence else None
    if series is None:
        return Assessment(student_id, Standing.NOT_ENOUGH, n_measured, level=level, grounds=grounds)
    n_first = min(settings.baseline_sessions, n_measured)
    n_last = min(settings.recent_sessions, n_measured - n_first)
    baseline = trends.median(series.scores[:n_first])
    if n_last < settings.min_sessions:
        return Assessment(student_id, Standing.TOO_EARLY, n_measured, baseline, level=level, grounds=grounds)
    recent = trends.median(series.scores[-n_last:])
    change = trends.median(series.own[-n_last:]) - trends.median(series.own[:n_first])
    found = Assessment(
        student_id, Standing.STEADY, n_measured, baseline, recent, change,
        None if usual_spread is None else recent - baseline - change, series.line.slope, level, grounds,
    )  # fmt: skip
    if _declining(series, change, usual_spread, settings):
        return _flagged(found, series, absence, (n_first, n_last), settings)
    low = max(baseline, recent) < settings.low_below
    return replace(found, standing=Standing.STEADY_LOW if low else Standing.STEADY)


def _declining(series: _Series, change: float, usual_spread: float | None, settings: RiskSettings) -> bool:
    """Return whether the change is large, lasting, and more than this student's sessions scatter anyway.

    A step (first against last sessions) or a slope will do; a slope is told from scatter earlier. The spread of the
    class's students steadies that of the one, of which few sessions say little.
    """
    line, n = series.line, settings.spread_weight
    usual = line.spread if usual_spread is None else usual_spread
    spread = float(np.sqrt((line.n * line.spread**2 + n * usual**2) / (line.n + n)))
    spread = max(spread, settings.least_spread)
    n_first = settings.baseline_sessions
    n_last = min(settings.recent_sessions, len(series.own) - n_first)
    below = trends.median(series.own[:n_first]) - series.own[-n_last:]

    def lasting(drop: float) -> bool:
        return -change >= drop and int(np.sum(below >= drop / 2)) >= min(settings.persistent, n_last)

    step = -change / trends.difference_error(spread, n_first, n_last)
    fall = -line.slope * (line.n - 1)
    slope = -line.slope / line.slope_error(spread)
    return (step >= settings.step_z and lasting(settings.min_change)) or (
        slope >= settings.slope_z and fall >= settings.min_fall and lasting(settings.min_change_on_slope)
    )


def _flagged(
    found: Assessment, series: _Series, absence: Ground | None, windows: tuple[int, int], settings: RiskSettings
) -> Assessment:
    n_first, n_last = windows
    below = int(np.sum(series.own[-n_last:] < trends.median(series.own[:n_first])))
    change, baseline, recent, slope = found.change or 0.0, found.baseline or 0.0, found.recent or 0.0, series.line.slope
    text = f"Score {recent:.1f} in the last {n_last} sessions, {baseline:.1f} in the first {n_first}"
    if found.class_change is None:
        beside = "There are too few others to tell this from a change of the whole class."
    else:
        beside = (
            f"The class changed by {found.class_change:+.1f} over the same time; {change:+.1f} is this student's own."
        )
    grounds = [Ground("change", f"{text}."), Ground("class", beside)]
    if -slope * (series.line.n - 1) >= settings.min_fall:
        falling = f"Falling by about {-slope:.2f} points a session over the last {series.line.n} sessions."
        grounds.append(Ground("trend", falling))
    grounds.append(
        Ground("persistence", f"Below the own first sessions in {below} of the last {n_last} sessions with data.")
    )
    clear = -change >= settings.clear_change or absence is not None
    return replace(
        found,
        standing=Standing.DECLINING,
        level=Level.TALK if clear else Level.LOOK,
        grounds=(*grounds, *found.grounds),
    )


def _signed(change: float) -> str:
    return f"{change:+.1f}".replace("-", "−")


def _absence(marked: NDArray[np.bool_], absent: NDArray[np.bool_], settings: RiskSettings) -> Ground | None:
    """Return the reason where a person marked the student absent again and again."""
    last = np.flatnonzero(marked)[-settings.absent_of :]
    count = int(np.sum(absent[last]))
    if count < settings.absent_from:
        return None
    return Ground("attendance", f"Marked absent by a person in {count} of the last {len(last)} marked sessions.")
