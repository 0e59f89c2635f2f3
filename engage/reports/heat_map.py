"""Students × minutes: who appeared how, when; a figure for each page of students."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from engage.core.types import Mode
from engage.reports.content import Cell, Report, StudentPart
from engage.reports.figures import WIDTH_PX, axis_of, score_ink, times
from engage.reports.marks import Boxes, Figure, Ink, Label, Mark

HEAT_COLUMNS = 180
"""A longer session shows several minutes as one column."""
HEAT_ROWS = 45
"""As many students fit on a printed page; more make further figures."""
ROW_PX, NAME_PX = 15.0, 150.0


def heat_maps(report: Report) -> list[Figure]:
    """Return students × minutes, by name, at most ``HEAT_ROWS`` students in a figure."""
    groups = [report.students[at : at + HEAT_ROWS] for at in range(0, len(report.students), HEAT_ROWS)]
    return [_heat_map(report, group) for group in groups if report.minutes]


def _heat_map(report: Report, students: Sequence[StudentPart]) -> Figure:
    axis = axis_of(report, NAME_PX, WIDTH_PX - 18.0)
    top = 4.0
    bottom = top + ROW_PX * len(students)
    merged = math.ceil(axis.count / HEAT_COLUMNS)
    boxes: dict[Ink, list[tuple[float, float, float, float]]] = {ink: [] for ink in _HEAT_INKS}
    marks: list[Mark] = []
    for place, student in enumerate(students):
        y = top + ROW_PX * place
        marks.append(Label("ink", NAME_PX - 8, y + 11.5, student.name, "end", NAME_PX - 12))
        for ink, start, stop in _spans(report, student, merged):
            x, right = axis.x(axis.first + start), axis.x(axis.first + stop)
            cell_top, height = _upright(ink, y)
            boxes[ink].append((x, cell_top, right - x, height))
    drawn = [Boxes(ink, rows) for ink, rows in boxes.items()]
    say = report.language
    columns = say.gettext(", %(n)s minutes a column", n=merged) if merged > 1 else ""
    said = say.gettext(
        "%(students)s by %(minutes)s%(columns)s; the table below has the numbers.",
        students=say.ngettext("%(n)s student", "%(n)s students", len(students)),
        minutes=say.ngettext("%(n)s minute", "%(n)s minutes", axis.count),
        columns=columns,
    )
    marks = [*drawn, *marks, *times(report, axis, bottom + 16), *_legend(report, bottom + 34)]
    return Figure(WIDTH_PX, bottom + 42, say.gettext("Students by minutes"), said, marks)


_HEAT_INKS: tuple[Ink, ...] = ("low", "mid", "high", "seen", "away")


def _upright(ink: Ink, y: float) -> tuple[float, float]:
    """Return top and height of a cell: without a score it is a thin line, so that colour is not all that tells."""
    if ink == "away":
        return y + 6, 2.0
    if ink == "seen":
        return y + 4, 6.0
    return y + 1, ROW_PX - 2


def _spans(report: Report, student: StudentPart, merged: int) -> Iterator[tuple[Ink, int, int]]:
    """Yield stretches of one ink as (ink, first column, end); nothing where there is no data."""
    open_ink: Ink | None = None
    begun = 0
    for start in range(0, len(student.cells), merged):
        ink = _cell_ink(report, student, slice(start, start + merged))
        if ink != open_ink:
            if open_ink is not None:
                yield open_ink, begun, start
            open_ink, begun = ink, start
    if open_ink is not None:
        yield open_ink, begun, len(student.cells)


def _cell_ink(report: Report, student: StudentPart, part: slice) -> Ink | None:
    scores = [score for score in student.minutes[part] if score is not None]
    if scores:
        return score_ink(sum(scores) / len(scores))
    cell = Counter(student.cells[part]).most_common(1)[0][0]
    if cell is Cell.NONE:
        return None
    if cell is Cell.AWAY:
        return "away"
    return "mid" if report.mode is Mode.PRESENCE else "seen"


def _legend(report: Report, y: float) -> list[Mark]:
    say = report.language
    blank: tuple[Ink | None, str] = (None, say.gettext("blank: no data"))
    entries: list[tuple[Ink | None, str]]
    if report.mode is Mode.PRESENCE:
        entries = [("mid", say.gettext("present")), ("away", say.gettext("no face seen")), blank]
    else:
        entries = [
            ("low", say.gettext("below 4")),
            ("mid", say.gettext("4 to 7")),
            ("high", say.gettext("7 and above")),
            ("seen", say.gettext("seen, no score")),
            ("away", say.gettext("away")),
            blank,
        ]
    marks: list[Mark] = []
    x = NAME_PX
    for ink, text in entries:
        if ink is not None:
            top, height = _upright(ink, y - 11)
            marks.append(Boxes(ink, [(x, top, 14, height)]))
            x += 19
        marks.append(Label("quiet", x, y, text))
        x += len(text) * 6.9 + 18
    return marks
