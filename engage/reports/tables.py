"""The tables of a session for other programs: which columns, what each means, and their rows.

A column that a mode does not allow is not there, rather than empty. Times are ISO 8601 in UTC, seconds are seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from engage.core.types import EMOTIONS, Mode
from engage.reports.content import MINUTE_S, ClassMinute, Point, Report, StudentPart
from engage.storage.records import MarkerRecord

Value = str | int | float | datetime | None

EVERY = (Mode.FULL, Mode.ATTENTION, Mode.PRESENCE)
SCORED = (Mode.FULL, Mode.ATTENTION)
EXPRESSIVE = (Mode.FULL,)


@dataclass(frozen=True, slots=True)
class StudentMinute:
    """A row of the table ``minutes``: one student in one column of the report."""

    student: StudentPart
    column: ClassMinute
    index: int


@dataclass(frozen=True, slots=True)
class ReportMarker:
    """A row of the table ``markers``: a note, and when the next one follows."""

    marker: MarkerRecord
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, what stands in it, in which modes it is there, and how a row's cell is got."""

    name: str
    meaning: str
    get: Callable[[Report, object], Value]
    modes: tuple[Mode, ...] = EVERY


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as it is written: names of columns, and rows of as many cells."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Value, ...]]


def _of_student(get: Callable[[StudentPart], Value]) -> Callable[[Report, object], Value]:
    return lambda _report, row: get(row.student if isinstance(row, StudentMinute) else row)  # type: ignore[arg-type]


def _of_minute(get: Callable[[StudentMinute], Value]) -> Callable[[Report, object], Value]:
    return lambda _report, row: get(row)  # type: ignore[arg-type]


def _of_class(get: Callable[[Report, ClassMinute], Value]) -> Callable[[Report, object], Value]:
    return get  # type: ignore[return-value]


def _of_marker(get: Callable[[ReportMarker], Value]) -> Callable[[Report, object], Value]:
    return lambda _report, row: get(row)  # type: ignore[arg-type]


def _session(report: Report, _row: object) -> Value:
    return report.session.id


def _at(point: Point | None) -> Value:
    return None if point is None else datetime.fromtimestamp(point.minute * MINUTE_S, UTC)


def _score(point: Point | None) -> Value:
    return None if point is None else point.score


def _marker(point: Point | None) -> Value:
    return None if point is None else point.marker


def _expression(place: int) -> Callable[[StudentPart], Value]:
    return lambda student: None if student.tally.expression is None else student.tally.expression[place]


SESSION = Column("session_id", "number of the session", _session)
STUDENT = (
    Column("student_id", "number of the student", _of_student(lambda s: s.student_id)),
    Column("student", "the student's name", _of_student(lambda s: s.name)),
    Column("seat", "the seat, where one is given", _of_student(lambda s: s.seat)),
)
SUMS = (
    Column("score", "mean engagement score, 0-10, weighted by time", _of_student(lambda s: s.tally.mean), SCORED),
    Column("score_low", "lower end of the band the mean confidence leaves", _of_student(lambda s: s.low), SCORED),
    Column("score_high", "upper end of that band", _of_student(lambda s: s.high), SCORED),
    Column("confidence", "mean confidence of the scores, 0-1", _of_student(lambda s: s.tally.confidence), SCORED),
    Column("spread", "standard deviation of the score", _of_student(lambda s: s.tally.spread), SCORED),
    Column("observed_s", "time a camera looked, face or no face", _of_student(lambda s: s.tally.observed_s)),
    Column("face_s", "time with a face", _of_student(lambda s: s.tally.face_s)),
    Column("scored_s", "time with a score", _of_student(lambda s: s.tally.scored_s), SCORED),
    Column("attentive_s", "time looking at the screen", _of_student(lambda s: s.tally.attentive_s), SCORED),
    Column("away_s", "time without a face, or looking elsewhere", _of_student(lambda s: s.tally.away_s), SCORED),
    Column("drowsy_s", "time that appeared drowsy", _of_student(lambda s: s.tally.drowsy_s), SCORED),
    Column("unclear_s", "time a camera looked and could not tell", _of_student(lambda s: s.tally.unread_s), SCORED),
    Column(
        "no_data_share", "share of the session in which no camera looked, 0-1", _of_student(lambda s: s.shares.no_data)
    ),
    Column("low_at", "start of the student's lowest minute", _of_student(lambda s: _at(s.lowest)), SCORED),
    Column("low_score", "its mean score", _of_student(lambda s: _score(s.lowest)), SCORED),
    Column("low_marker", "the marker it fell on", _of_student(lambda s: _marker(s.lowest)), SCORED),
    Column("high_at", "start of the student's highest minute", _of_student(lambda s: _at(s.highest)), SCORED),
    Column("high_score", "its mean score", _of_student(lambda s: _score(s.highest)), SCORED),
    Column("high_marker", "the marker it fell on", _of_student(lambda s: _marker(s.highest)), SCORED),
    Column(
        "gestures",
        "gestures that began, by kind: `nod 3, yawn 1`",
        _of_student(lambda s: ", ".join(f"{kind} {n}" for kind, n in sorted(s.tally.gestures.items())) or None),
        SCORED,
    ),
    *(
        Column(
            f"share_{name}", f"share of the face time that appears {name}, 0-1", _of_student(_expression(k)), EXPRESSIVE
        )
        for k, name in enumerate(EMOTIONS)
    ),
)
TABLES: dict[str, tuple[Column, ...]] = {
    "students": (SESSION, *STUDENT, *SUMS),
    "minutes": (
        SESSION,
        *STUDENT,
        Column("minute", "start of the minute", _of_minute(lambda row: row.column.starts_at)),
        Column("state", "`scored`, `seen`, `away` or `no data`", _of_minute(lambda r: r.student.cells[r.index].value)),
        Column("score", "mean score of the minute, 0-10", _of_minute(lambda r: r.student.minutes[r.index]), SCORED),
    ),
    "class": (
        SESSION,
        Column("minute", "start of the minute", _of_class(lambda _, column: column.starts_at)),
        Column("length_s", "how much of it belongs to the session", _of_class(lambda _, column: column.length_s)),
        Column("students", "students in the session", _of_class(lambda report, _: len(report.students))),
        Column("present_share", "share of their time with a face, 0-1", _of_class(lambda _, column: column.present)),
        Column("mean", "mean score of the class, 0-10", _of_class(lambda _, column: column.mean), SCORED),
        Column("low_quartile", "a quarter of them is below", _of_class(lambda _, c: c.low_quartile), SCORED),
        Column("high_quartile", "a quarter of them is above", _of_class(lambda _, c: c.high_quartile), SCORED),
        Column("students_scored", "students with a score", _of_class(lambda _, c: c.n_scored), SCORED),
        Column("coverage", "share of their time with a score, 0-1", _of_class(lambda _, c: c.coverage), SCORED),
    ),
    "markers": (
        SESSION,
        Column("at", "when it was set", _of_marker(lambda row: row.marker.at)),
        Column("until", "when the next one was set, or the session ended", _of_marker(lambda row: row.until)),
        Column("text", "the teacher's words", _of_marker(lambda row: row.marker.text)),
    ),
}
"""Every table by name; ``docs/exports.md`` says the same."""


def sheet(report: Report, name: str) -> Sheet:
    """Return one table of the report; KeyError for a name that ``TABLES`` does not have."""
    columns = [column for column in TABLES[name] if report.mode in column.modes]
    rows = [tuple(column.get(report, row) for column in columns) for row in _rows(report, name)]
    return Sheet(name, tuple(column.name for column in columns), rows)


def sheets(report: Report) -> list[Sheet]:
    """Return all tables."""
    return [sheet(report, name) for name in TABLES]


def _rows(report: Report, name: str) -> Iterator[object]:
    if name == "students":
        yield from report.students
    elif name == "class":
        yield from report.minutes
    elif name == "minutes":
        for student in report.students:
            for index, column in enumerate(report.minutes):
                yield StudentMinute(student, column, index)
    else:
        for marker, after in pairwise([*report.markers, None]):
            if marker is not None:
                yield ReportMarker(marker, after.at if after else report.session.ended_at)
