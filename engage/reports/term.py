"""One student's sessions in a course: a figure, and what can be said of them in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from engage.core.risk import Assessment, Level, Standing
from engage.reports.figures import WIDTH_PX
from engage.reports.language import ENGLISH, Language
from engage.reports.marks import Boxes, Figure, Label, Line, Mark
from engage.reports.words import day, number, plural, signed

LEVELS = {Level.LOOK: "Worth a look", Level.TALK: "Worth a talk"}
POINT_PX = 5.0
MOST_DATES = 8


@dataclass(frozen=True, slots=True)
class TermPoint:
    """One session: when, its mean score (None: none), and whether a camera looked at the student at all."""

    at: datetime
    mean: float | None
    shared: bool


def standing_words(found: Assessment) -> str:
    """Return what can be said of a student's sessions, in a sentence or two."""
    baseline, recent = found.baseline or 0.0, found.recent or 0.0
    match found.standing:
        case Standing.NOT_ENOUGH:
            return f"Not enough data: {plural(found.n_sessions, 'session')} with a score; it takes three."
        case Standing.TOO_EARLY:
            return f"Around {number(baseline)} in {plural(found.n_sessions, 'session')}; too early to speak of change."
        case Standing.STEADY_LOW:
            return f"Low but steady: {number(recent)} lately, {number(baseline)} in the first sessions. Not declining."
        case Standing.DECLINING:
            return f"Lower than in the first sessions: {number(recent)} lately, {number(baseline)} then."
        case _:
            return f"No lasting decline: {number(recent)} lately, {number(baseline)} in the first sessions."


def class_words(found: Assessment) -> str:
    """Return how the change stands beside the class's, or nothing where there is no change to speak of."""
    if found.change is None:
        return ""
    if found.class_change is None:
        return "There are too few others to tell a change from one of the whole class."
    own, others = signed(found.change), signed(found.class_change)
    return f"Since the first sessions the whole class changed by {others}; {own} is this student's own."


def term_figure(
    points: Sequence[TermPoint], baseline: float | None, zone: tzinfo | None, language: Language = ENGLISH
) -> Figure | None:
    """Return a course's sessions from left to right, or None where there is none; gaps are sessions without a score."""
    if not points:
        return None
    left, right, top, bottom = 34.0, WIDTH_PX - 18.0, 14.0, 164.0
    step = (right - left) / len(points)

    def x(place: int) -> float:
        return left + (place + 0.5) * step

    def y(score: float) -> float:
        return bottom - score / 10 * (bottom - top)

    marks: list[Mark] = []
    for value in (0.0, 5.0, 10.0):
        marks.append(Line("line", [(left, y(value)), (right, y(value))]))
        marks.append(Label("quiet", left - 6, y(value) + 4, f"{value:.0f}", "end"))
    if baseline is not None:
        marks.append(Line("quiet", [(left, y(baseline)), (right, y(baseline))], dashed=True))
    marks += [Line("mid", run, 1.5) for run in _runs(points, x, y) if len(run) > 1]
    half = POINT_PX / 2
    scored = [(x(place), y(point.mean)) for place, point in enumerate(points) if point.mean is not None]
    marks.append(Boxes("high", [(px - half, py - half, POINT_PX, POINT_PX) for px, py in scored]))
    silent = [x(place) for place, point in enumerate(points) if not point.shared]
    marks.append(Boxes("none", [(px - 1, bottom + 4, 2, 6) for px in silent]))
    for place in range(0, len(points), -(-len(points) // MOST_DATES)):
        date = language.short_day(points[place].at.astimezone(zone))
        marks.append(Label("quiet", x(place), bottom + 26, date, "middle"))
    told = _told(points, baseline, zone, language)
    return Figure(WIDTH_PX, bottom + 34, language.gettext("Score by session"), told, marks)


def _runs(
    points: Sequence[TermPoint], x: Callable[[int], float], y: Callable[[float], float]
) -> list[list[tuple[float, float]]]:
    """Return the stretches of sessions with a score, as points of a line."""
    runs: list[list[tuple[float, float]]] = [[]]
    for place, point in enumerate(points):
        if point.mean is None:
            runs.append([])
        else:
            runs[-1].append((x(place), y(point.mean)))
    return runs


def _told(points: Sequence[TermPoint], baseline: float | None, zone: tzinfo | None, say: Language) -> str:
    means = [point.mean for point in points if point.mean is not None]
    sentences = [
        say.ngettext(
            "%(n)s session from %(first)s to %(last)s.",
            "%(n)s sessions from %(first)s to %(last)s.",
            len(points),
            first=day(points[0].at, zone, say),
            last=day(points[-1].at, zone, say),
        )
    ]
    if means:
        text = say.gettext(
            "%(n)s with a score, between %(low)s and %(high)s, the last at %(last)s.",
            n=len(means),
            low=number(min(means), say),
            high=number(max(means), say),
            last=number(means[-1], say),
        )
        sentences.append(text)
    else:
        sentences.append(say.gettext("None with a score."))
    if baseline is not None:
        text = say.gettext("The dashed line is the first sessions' %(score)s.", score=number(baseline, say))
        sentences.append(text)
    silent = sum(not point.shared for point in points)
    sentences.append(
        say.ngettext("In %(n)s session nothing was shared.", "In %(n)s sessions nothing was shared.", silent)
    )
    return " ".join(sentences)
