"""The figures of a report: class timeline, earlier sessions, and the small bars of one student."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from engage.core.types import Mode
from engage.reports.content import MINUTE_S, ClassMinute, Report, StudentPart
from engage.reports.language import ENGLISH, Language
from engage.reports.marks import Area, Boxes, Figure, Ink, Label, Line, Mark
from engage.reports.words import clock, day, number, percent

WIDTH_PX = 800.0
LOW_BELOW, HIGH_FROM = 4.0, 7.0
"""The three steps of the score, as on the live page."""
BAR_PX = (110.0, 14.0)
TICKS_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480)
TICK_PX = 64.0


@dataclass(frozen=True, slots=True)
class Axis:
    """Minutes across the page: the first, how many, and between which x they are drawn."""

    first: int
    count: int
    left: float
    right: float

    def x(self, minute: float) -> float:
        """Return where a minute begins."""
        return self.left + (minute - self.first) * (self.right - self.left) / max(self.count, 1)

    def ticks(self, zone: tzinfo | None) -> Iterator[int]:
        """Yield minutes at whole times of day where people are, far enough apart to be labelled."""
        most = max(1.0, (self.right - self.left) / TICK_PX)
        step = next((step for step in TICKS_MINUTES if self.count / step <= most), TICKS_MINUTES[-1])
        for minute in range(self.first, self.first + self.count + 1):
            local = datetime.fromtimestamp(minute * MINUTE_S, UTC).astimezone(zone)
            if (local.hour * 60 + local.minute) % step == 0:
                yield minute


def score_ink(score: float) -> Ink:
    """Return the step of lightness a score has."""
    return "low" if score < LOW_BELOW else "mid" if score < HIGH_FROM else "high"


def timeline(report: Report) -> Figure:
    """Return the class over the session: mean and middle half, markers, and below how much of the class they cover."""
    top, bottom = 34.0, 190.0
    axis = axis_of(report, 34.0, WIDTH_PX - 18.0)
    presence = report.mode is Mode.PRESENCE
    scale = 1.0 if presence else 10.0

    def y(value: float) -> float:
        return bottom - value / scale * (bottom - top)

    marks: list[Mark] = []
    for share in (0.0, 0.5, 1.0):
        text = f"{share:.0%}" if presence else f"{share * 10:.0f}"
        marks.append(Line("line", [(axis.left, y(share * scale)), (axis.right, y(share * scale))]))
        marks.append(Label("quiet", axis.left - 6, y(share * scale) + 4, text, "end"))
    marks += times(report, axis, bottom + 16)
    value: Callable[[ClassMinute], float | None] = _present if presence else _mean
    for run in _runs(report.minutes, value):
        marks += _curve(run, axis, y, value)
    marks += _marker_lines(report, axis, top, bottom)
    if not presence:
        marks += _coverage(report, axis, bottom + 26)
    height = bottom + (24 if presence else 62)
    say = report.language
    title = say.gettext("Share of the class before a camera") if presence else say.gettext("The class over the session")
    return Figure(WIDTH_PX, height, title, _told(report), marks)


def score_bar(student: StudentPart, say: Language = ENGLISH) -> Figure:
    """Return one student's score as a bar with its band."""
    width, height = BAR_PX
    mean, low, high = student.tally.mean, student.low, student.high
    marks: list[Mark] = [Boxes("line", [(0, height / 2 - 1, width, 2)])]
    if mean is None or low is None or high is None:
        none = say.gettext("no score")
        return Figure(width, height, say.gettext("Score"), f"{student.name}: {none}", marks)
    marks.append(Boxes("band", [(low / 10 * width, 1, (high - low) / 10 * width, height - 2)]))
    marks.append(Boxes(score_ink(mean), [(0, 4, mean / 10 * width, height - 8)]))
    said = say.gettext(
        "%(name)s: %(score)s of 10, probably between %(low)s and %(high)s",
        name=student.name,
        score=number(mean, say),
        low=number(low, say),
        high=number(high, say),
    )
    return Figure(width, height, say.gettext("Score with its band"), said, marks)


def share_bar(student: StudentPart, presence: bool, say: Language = ENGLISH) -> Figure:
    """Return how one student's time divides, as a bar."""
    width, height = BAR_PX
    shares = student.shares
    inks: tuple[Ink, ...] = ("mid", "away", "drowsy", "band", "line")
    parts = (shares.attentive, shares.away, shares.drowsy, shares.unclear, shares.no_data)
    marks: list[Mark] = []
    x = 0.0
    for ink, share in zip(inks, parts, strict=True):
        marks.append(Boxes(ink, [(x, 1, share * width, height - 2)] if share > 0 else []))
        x += share * width
    said = ", ".join(
        f"{percent(share)} {word}" for share, word in zip(parts, _share_words(presence, say), strict=True) if word
    )
    return Figure(width, height, say.gettext("Time"), f"{student.name}: {said}", marks)


def _share_words(presence: bool, say: Language) -> tuple[str, ...]:
    no_data = say.gettext("no data")
    if presence:
        return say.gettext("present"), say.gettext("no face seen"), "", "", no_data
    return say.gettext("attentive"), say.gettext("away"), say.gettext("drowsy"), say.gettext("unclear"), no_data


def history(report: Report) -> Figure | None:
    """Return the means of the course's earlier sessions with this one last, or None where there is none."""
    known = [
        (past.session.started_at, past.tally.mean) for past in reversed(report.earlier) if past.tally.mean is not None
    ]
    if not known or report.tally.mean is None:
        return None
    known.append((report.session.started_at, report.tally.mean))
    left, right, top, bottom = 34.0, WIDTH_PX - 30.0, 20.0, 110.0
    step = (right - left) / len(known)
    points = [
        (left + (place + 0.5) * step, bottom - mean / 10 * (bottom - top)) for place, (_, mean) in enumerate(known)
    ]
    marks: list[Mark] = []
    for value in (0.0, 5.0, 10.0):
        y = bottom - value / 10 * (bottom - top)
        marks += [Line("line", [(left, y), (right, y)]), Label("quiet", left - 6, y + 4, f"{value:.0f}", "end")]
    marks.append(Line("mid", points, 1.5))
    marks.append(Boxes("high", [(x - 3.5, y - 3.5, 7, 7) for x, y in points]))
    say = report.language
    for (x, y), (at, mean) in zip(points, known, strict=True):
        marks.append(Label("ink", x, y - 8, number(mean, say), "middle"))
        marks.append(Label("quiet", x, bottom + 16, say.short_day(at.astimezone(report.zone)), "middle"))
    said = "; ".join(f"{day(at, report.zone, say)}: {number(mean, say)}" for at, mean in known)
    title = say.gettext("Class means of the course's sessions, this one last")
    return Figure(WIDTH_PX, bottom + 24, title, said, marks)


def axis_of(report: Report, left: float, right: float) -> Axis:
    """Return the report's minutes between two x."""
    first = report.minutes[0].minute if report.minutes else int(report.session.started_at.timestamp()) // MINUTE_S
    return Axis(first, max(len(report.minutes), 1), left, right)


def _mean(column: ClassMinute) -> float | None:
    return column.mean


def _present(column: ClassMinute) -> float | None:
    return column.present if column.length_s > 0 else None


def times(report: Report, axis: Axis, y: float) -> list[Mark]:
    """Return the times of day under an axis."""
    return [
        Label("quiet", axis.x(minute), y, clock(minute, report.zone), "middle") for minute in axis.ticks(report.zone)
    ]


def _runs(
    columns: Sequence[ClassMinute], value: Callable[[ClassMinute], float | None]
) -> Iterator[Sequence[ClassMinute]]:
    """Yield stretches of minutes that all have a value: lines do not bridge what is not known."""
    run: list[ClassMinute] = []
    for column in columns:
        if value(column) is not None:
            run.append(column)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _curve(
    run: Sequence[ClassMinute],
    axis: Axis,
    y: Callable[[float], float],
    value: Callable[[ClassMinute], float | None],
) -> list[Mark]:
    middles = [axis.x(column.minute + 0.5) for column in run]
    points = [(x, y(value(column) or 0.0)) for x, column in zip(middles, run, strict=True)]
    if len(run) == 1:
        (x, height), half = points[0], max(1.5, (axis.x(1) - axis.x(0)) / 2)
        return [Boxes("high", [(x - half, height - 1, 2 * half, 2)])]
    if run[0].low_quartile is None:
        return [Line("high", points, 2.0)]
    upper = [(x, y(column.high_quartile or 0.0)) for x, column in zip(middles, run, strict=True)]
    lower = [(x, y(column.low_quartile or 0.0)) for x, column in zip(middles, run, strict=True)]
    return [Area("band", [*upper, *reversed(lower)]), Line("high", points, 2.0)]


def _marker_lines(report: Report, axis: Axis, top: float, bottom: float) -> list[Mark]:
    """Return a dashed line with its text for each marker; texts that would meet stand in two rows, then nowhere."""
    marks: list[Mark] = []
    free_from = [axis.left] * 2
    for marker in report.markers:
        minute = marker.at.timestamp() / MINUTE_S
        if not axis.first <= minute <= axis.first + axis.count:
            continue
        x = axis.x(minute)
        marks.append(Line("quiet", [(x, top - 4), (x, bottom)], 1.0, dashed=True))
        width = min(160.0, len(marker.text) * 6.9)
        start = min(x, WIDTH_PX - width - 4)
        for row, free in enumerate(free_from):
            if start >= free - 0.01:
                marks.append(Label("quiet", start + 2, top - 20 + 14 * row, marker.text, "start", 160.0))
                free_from[row] = start + width + 10
                break
    return marks


def _coverage(report: Report, axis: Axis, top: float) -> list[Mark]:
    height = 18.0
    boxes = [
        (axis.x(column.minute), top + height * (1 - column.coverage), axis.x(1) - axis.x(0), height * column.coverage)
        for column in report.minutes
        if column.coverage > 0
    ]
    base = Line("line", [(axis.left, top + height), (axis.right, top + height)])
    words = report.language.gettext("Share of the students' time with a score, minute by minute")
    return [Boxes("none", boxes), base, Label("quiet", axis.left, top + height + 14, words)]


def _told(report: Report) -> str:
    say = report.language
    if report.empty:
        return say.gettext("Nobody was looked at.")
    if report.mode is Mode.PRESENCE:
        return say.gettext(
            "%(share)s of the students' time before a camera over the session.", share=percent(report.present)
        )
    known = [(column.mean, column.minute) for column in report.minutes if column.mean is not None]
    if not known:
        return say.gettext("No score in any minute.")
    (low, low_at), (high, high_at) = min(known), max(known)
    return say.gettext(
        "Class mean by minute: between %(low)s at %(low_at)s and %(high)s at %(high_at)s, %(mean)s overall; "
        "%(markers)s.",
        low=number(low, say),
        low_at=clock(low_at, report.zone),
        high=number(high, say),
        high_at=clock(high_at, report.zone),
        mean=number(report.tally.mean, say),
        markers=say.ngettext("%(n)s marker", "%(n)s markers", len(report.markers)),
    )
