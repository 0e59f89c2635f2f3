"""Everything that is a student's, as one zip: each table as JSON, exact, and as CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import IO, Any, Protocol

from engage.reports.language import ENGLISH, Language, to_translate
from engage.reports.spreadsheets import BYTE_ORDER_MARK, harmless

README = to_translate(
    """What Engage holds about one student, as of %(made_at)s (UTC).

Each table is here twice: in json/ exactly as stored, in csv/ for spreadsheets. In CSV an apostrophe stands before text
that a spreadsheet could take for a formula. Times are UTC. An empty cell, or null, means that nothing is known: it is
never a zero.

students, users, enrolments    who you are here, and your courses (sessions: the lessons, by title and time)
consents                       every answer to the question whether a camera may look
samples, scores, gestures      what was read, second by second; no picture was ever kept
minute_rollups, session_rollups  the same, added up
feedback, attendance, alerts, risk_flags, pauses  what people and rules said
audit_log                      who did what with these data

Scores say what a face appears to say. They are not grades.
"""
)


class Part(Protocol):
    """One table of a student's rows."""

    @property
    def name(self) -> str:
        """Return the table's name."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of its columns."""

    def rows(self) -> Any:
        """Return its rows, as often as asked."""


def write_zip(parts: Sequence[Part], made_at: datetime, stream: IO[bytes], language: Language = ENGLISH) -> None:
    """Write the zip to ``stream``; rows pass through one by one. What explains it is in ``language``."""
    readme = language.gettext(README, made_at=f"{made_at.astimezone(UTC):%Y-%m-%d %H:%M}")
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("README.txt", readme)
        for part in parts:
            with archive.open(f"csv/{part.name}.csv", "w") as entry, _text(entry) as text:
                text.write(BYTE_ORDER_MARK)
                writer = csv.writer(text, lineterminator="\r\n")
                writer.writerow(part.columns)
                writer.writerows([_cell(value) for value in row] for row in part.rows())
            with archive.open(f"json/{part.name}.json", "w") as entry, _text(entry) as text:
                _write_json(part, text)


def _write_json(part: Part, text: io.TextIOWrapper) -> None:
    text.write("[")
    for k, row in enumerate(part.rows()):
        values = {name: _plain(value) for name, value in zip(part.columns, row, strict=True)}
        text.write((",\n" if k else "\n") + json.dumps(values, ensure_ascii=False))
    text.write("\n]\n")


def _text(entry: IO[bytes]) -> io.TextIOWrapper:
    return io.TextIOWrapper(entry, "utf-8", newline="")


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return harmless(json.dumps(value, ensure_ascii=False))
    return harmless(value) if isinstance(value, str) else _plain(value)
