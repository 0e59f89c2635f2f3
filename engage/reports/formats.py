"""A report in each of its formats, as bytes with their media type: the one list that pages and command line share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from engage.reports.content import Report
from engage.reports.tables import TABLES


@dataclass(frozen=True, slots=True)
class Choices:
    """What else can be said about a file: the table of a CSV, the paper of a PDF, whether xAPI names people."""

    table: str = "students"
    paper: str = "a4"
    with_names: bool = False
    home: str = "http://localhost"
    """The dashboard's address, for xAPI."""


def _pdf(report: Report, choices: Choices) -> bytes:
    from engage.reports.pdf import pdf_bytes  # reportlab takes a third of a second

    return pdf_bytes(report, "letter" if choices.paper == "letter" else "a4")


def _html(report: Report, _choices: Choices) -> bytes:
    from engage.reports.page import standalone

    return standalone(report).encode("utf-8", "replace")


def _csv(report: Report, choices: Choices) -> bytes:
    from engage.reports.spreadsheets import csv_text
    from engage.reports.tables import sheet

    return csv_text(sheet(report, choices.table)).encode()


def _xlsx(report: Report, _choices: Choices) -> bytes:
    from engage.reports.spreadsheets import xlsx_bytes
    from engage.reports.tables import sheets

    about = [
        ("session", report.title),
        ("course", report.session.course_title),
        ("what", "Session report of Engage. Times are UTC. An empty cell is no data, never zero."),
        *(("summary", sentence) for sentence in report.summary),
        *(("what this cannot tell", sentence) for sentence in report.limits),
    ]
    return xlsx_bytes(sheets(report), about)


def _json(report: Report, _choices: Choices) -> bytes:
    from engage.reports.record import json_text

    return json_text(report).encode("utf-8", "replace")


def _jsonl(report: Report, choices: Choices) -> bytes:
    from engage.reports.statements import statement_lines

    return "".join(statement_lines(report, choices.home, choices.with_names)).encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file: its media type, how it is made, and whether people read it, each in their language.

    What programs read is English for everyone, so that a column, or a sentence, is found by its name.
    """

    media_type: str
    make: Callable[[Report, Choices], bytes]
    for_people: bool = False


FORMATS: dict[str, Format] = {
    "pdf": Format("application/pdf", _pdf, for_people=True),
    "html": Format("text/html; charset=utf-8", _html, for_people=True),
    "csv": Format("text/csv; charset=utf-8", _csv),
    "xlsx": Format("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _xlsx),
    "json": Format("application/json", _json),
    "jsonl": Format("application/jsonl", _jsonl),
}
"""By ending of the file's name; ``jsonl`` is xAPI."""


def file_name(report: Report, ending: str, table: str | None = None) -> str:
    """Return a name for a file, in plain ASCII: ``2026-11-22-physics-9b.pdf``; of a CSV also its table's name."""
    plain = unicodedata.normalize("NFKD", report.title).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60] or f"session-{report.session.id}"
    part = f"-{table}" if table in TABLES else ""
    return f"{report.session.started_at.astimezone(report.zone):%Y-%m-%d}-{words}{part}.{ending}"
