"""A report as PDF, A4 or Letter: text that can be selected, figures as lines and areas, nothing fetched."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from typing import Any, Literal
from xml.sax.saxutils import escape  # nosec B406

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    KeepTogether,
    ListFlowable,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from engage.core.types import Mode
from engage.reports import figures, words
from engage.reports.content import Report, StudentPart
from engage.reports.heat_map import heat_maps
from engage.reports.lettering import drawable
from engage.reports.pdf_figures import BOLD, INKS, PLAIN, Drawing, fitted, glyphs, width_of

Paper = Literal["a4", "letter"]
PAPERS: dict[Paper, tuple[float, float]] = {"a4": A4, "letter": LETTER}
MARGIN = 12 * mm
CELL_PT, COLUMN_PT = 7.5, 7.0
"""Sizes of the letters in tables: cells, and the heads of columns."""


def pdf_bytes(report: Report, paper: Paper = "a4") -> bytes:
    """Return the report as a PDF file."""
    writer = _Writer(report)
    stream = io.BytesIO()
    document = BaseDocTemplate(
        stream,
        pagesize=PAPERS[paper],
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN + 5 * mm,
        title=f"{report.title}, {words.day(report.session.started_at, report.zone, report.language)}",
        author="Engage",
        subject=report.language.gettext("Session report"),
        lang=report.language.code,
    )
    frame = Frame(document.leftMargin, document.bottomMargin, document.width, document.height, 0, 0, 0, 0)
    document.addPageTemplates([PageTemplate("page", [frame], onPage=writer.foot)])
    document.build(writer.story(document.width))
    return stream.getvalue()


class _Writer:
    """Turns a report into reportlab's flowables."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.gettext = report.language.gettext
        self._glyphs = glyphs()
        self._romanised = False
        base = ParagraphStyle("base", fontName=PLAIN, fontSize=9, leading=12.5, textColor=HexColor(INKS["ink"]))
        self._base = base
        self._quiet = ParagraphStyle("quiet", base, textColor=HexColor(INKS["quiet"]), fontSize=8, leading=11)
        self._title = ParagraphStyle("title", base, fontName=BOLD, fontSize=16, leading=20)
        self._head = ParagraphStyle("head", base, fontName=BOLD, fontSize=11, leading=14, spaceBefore=12, spaceAfter=5)
        self._lead = ParagraphStyle("lead", base, fontSize=10.5, leading=15)
        self._cell = ParagraphStyle("cell", base, fontName=BOLD, fontSize=CELL_PT, leading=9)
        self._column = ParagraphStyle("column", self._quiet, fontSize=COLUMN_PT, leading=8.5)

    def letters(self, text: str) -> str:
        """Return what the font can draw of ``text``, and remember where it is not the text itself."""
        shown = drawable(text, self._glyphs)
        self._romanised |= any(c.isalpha() and c not in shown for c in unicodedata.normalize("NFC", text))
        return shown

    def foot(self, canvas: Any, document: Any) -> None:
        """Write the foot of a page."""
        canvas.saveState()
        canvas.setFont(PLAIN, 7.5)
        canvas.setFillColor(HexColor(INKS["quiet"]))
        report = self._report
        text = f"{self.letters(report.title)} · {words.day(report.session.started_at, report.zone, report.language)}"
        canvas.drawString(MARGIN, MARGIN - 2, fitted(text, document.width * 1.2))
        page = self.gettext("Page %(number)s", number=document.page)
        canvas.drawRightString(MARGIN + document.width, MARGIN - 2, page)
        canvas.restoreState()

    def story(self, width: float) -> list[Any]:
        """Return everything, in order."""
        report = self._report
        parts = [*self._first(width)]
        if not report.empty:
            for figure in heat_maps(report):
                parts.append(
                    KeepTogether([self._heading(self.gettext("Students by minutes")), Drawing(figure, self.letters)])
                )
            parts += [*self._students(width), *self._expressions(width), *self._gestures(width), *self._history()]
        if report.markers:
            lines = [f"{words.clock(marker.at, report.zone)}  {self.letters(marker.text)}" for marker in report.markers]
            parts += [self._heading(self.gettext("Markers")), self._list(lines)]
        return [*parts, *self._end()]

    def _text(self, text: str, style: ParagraphStyle) -> Paragraph:
        return Paragraph(escape(self.letters(text)), style)

    def _heading(self, text: str) -> Paragraph:
        return self._text(text, self._head)

    def _list(self, lines: Sequence[str]) -> ListFlowable:
        items = [self._text(line, self._base) for line in lines]
        return ListFlowable(items, bulletType="bullet", start="•", leftIndent=12, bulletFontName=PLAIN)

    def _first(self, width: float) -> list[Any]:
        report = self._report
        when = f"{words.day(report.session.started_at, report.zone, report.language)}, {words.hours_apart(report)}"
        course = "" if report.title == report.session.course_title else f"{report.session.course_title} · "
        return [
            self._text(report.title, self._title),
            self._text(course + when, self._quiet),
            Spacer(0, 8),
            Drawing(figures.timeline(report), self.letters),
            Spacer(0, 8),
            self._numbers(width),
            Spacer(0, 6),
            *(self._text(sentence, self._lead) for sentence in report.summary),
            self._heading(self.gettext("What this cannot tell")),
            self._list(report.limits),
        ]

    def _numbers(self, width: float) -> Table:
        big = ParagraphStyle("big", self._base, fontName=BOLD, fontSize=20, leading=24)
        columns = [
            [self._text(name, self._quiet), self._text(value, big), self._text(more, self._quiet)]
            for name, value, more in words.three_numbers(self._report)
        ]
        return Table(list(zip(*columns, strict=True)), [width / 3] * 3, style=[("LEFTPADDING", (0, 0), (0, -1), 0)])

    def _table(self, names: Sequence[str], rows: Sequence[Sequence[Any]], widths: Sequence[float]) -> Table:
        line = HexColor(INKS["line"])
        style = TableStyle(
            [
                ("FONT", (0, 1), (-1, -1), PLAIN, CELL_PT, 9),
                ("TEXTCOLOR", (0, 1), (-1, -1), HexColor(INKS["ink"])),
                ("VALIGN", (0, 1), (-1, -1), "MIDDLE"),
                ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, line),
                ("LEFTPADDING", (0, 0), (-1, -1), 2),
                ("RIGHTPADDING", (0, 0), (-1, -1), 2),
                ("TOPPADDING", (0, 0), (-1, -1), 2.2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2.2),
            ]
        )
        head = [self._text(name, self._column) for name in names]
        return Table([head, *rows], list(widths), repeatRows=1, style=style, hAlign="LEFT")

    def _students(self, width: float) -> list[Any]:
        report = self._report
        gettext, presence = self.gettext, report.mode is Mode.PRESENCE
        student, time = gettext("Student"), gettext("Time")
        times = [name for name, _ in words.time_columns(report)]
        if presence:
            names = [student, time, *times]
            widths = [150.0, 90.0, *[70.0] * len(times)]
        else:
            names = [
                student,
                gettext("Score"),
                "",
                gettext("Probably"),
                time,
                *times,
                gettext("Lowest minute"),
                gettext("Highest minute"),
            ]
            band = max(42.0, width_of(gettext("no data"), CELL_PT) + 5)
            widths = [0.0, 22.0, 50.0, band, 50.0, *(max(32.0, _least(name)) for name in times), 50.0, 50.0]
            widths[0] = width - sum(widths)
        rows = [self._row(student, presence) for student in report.students]
        table = self._table(names, rows, widths)
        return [
            self._heading(gettext("Students")),
            table,
            Spacer(0, 4),
            self._text(words.time_note(report), self._quiet),
        ]

    def _row(self, student: StudentPart, presence: bool) -> list[Any]:
        bar = Drawing(figures.share_bar(student, presence, self._report.language), self.letters, 80 if presence else 46)
        fields = [field for _, field in words.time_columns(self._report)]
        percents = [words.percent(getattr(student.shares, field)) for field in fields]
        if presence:
            return [self._name(student), bar, *percents]
        low, high = self._number(student.low), self._number(student.high)
        band = self.gettext("no data") if student.low is None else f"{low}–{high}"
        points = [
            "–" if point is None else f"{self._number(point.score)}  {words.clock(point.minute, self._report.zone)}"
            for point in (student.lowest, student.highest)
        ]
        score = Drawing(figures.score_bar(student, self._report.language), self.letters, 46)
        return [self._name(student), self._number(student.tally.mean), score, band, bar, *percents, *points]

    def _number(self, value: float | None) -> str:
        return words.number(value, self._report.language)

    def _name(self, student: StudentPart) -> Paragraph:
        seat = f' <font name="{PLAIN}">{escape(self.letters(student.seat))}</font>' if student.seat else ""
        return Paragraph(escape(self.letters(student.name)) + seat, self._cell)

    def _expressions(self, width: float) -> list[Any]:
        report = self._report
        if report.tally.expression is None:
            return []
        emotions = words.appears(report.language)
        names = [self.gettext("Share of the time with a face"), *emotions]
        everyone = [self._text(self.gettext("All students"), self._cell), *map(words.percent, report.tally.expression)]
        rows = [everyone]
        for student in report.students:
            shares = student.tally.expression
            cells = (
                [self.gettext("no data"), *[""] * (len(emotions) - 1)]
                if shares is None
                else [*map(words.percent, shares)]
            )
            rows.append([self._name(student), *cells])
        widths = [width - 8 * 48.0, *[48.0] * 8]
        return [self._heading(self.gettext("How faces appeared")), self._table(names, rows, widths)]

    def _gestures(self, width: float) -> list[Any]:
        kinds = sorted(self._report.tally.gestures)
        if not kinds:
            return []
        seen = [student for student in self._report.students if student.tally.observed_s]
        rows = [
            [self._name(student), *(str(student.tally.gestures.get(kind) or "–") for kind in kinds)] for student in seen
        ]
        names = [self.gettext("How often"), *(words.spoken(kind, self._report.language) for kind in kinds)]
        least = [_least(name) for name in names[1:]]
        spare = max(0.0, width - 150.0 - sum(least)) / len(kinds)
        widths = [min(60.0, each + spare) for each in least]
        table = self._table(names, rows, [min(150.0, width - sum(widths)), *widths])
        return [self._heading(self.gettext("Gestures seen")), table]

    def _history(self) -> list[Any]:
        figure = figures.history(self._report)
        if figure is None:
            return []
        heading = self._heading(self.gettext("Earlier sessions of this course"))
        return [KeepTogether([heading, Drawing(figure, self.letters)])]

    def _end(self) -> list[Any]:
        lines = [words.made(self._report)]
        if self._romanised:
            lines.append(
                self.gettext(
                    "Names in letters that this file has no font for are written in Latin letters; the page, CSV and "
                    "XLSX have them as they are."
                )
            )
        return [Spacer(0, 10), *(self._text(line, self._quiet) for line in lines)]


def _least(name: str) -> float:
    """Return the width, in points, below which a column's head would be broken within a word."""
    return max(width_of(word, COLUMN_PT) for word in name.split()) + 5
