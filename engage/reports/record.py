"""A report as JSON: every number the page shows, for programs."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from engage.core.types import EMOTIONS, Mode
from engage.reports.content import Point, Report, Stretch, StudentPart
from engage.reports.tables import Value, sheet

FORMAT = "engage-report/1"
DECIMALS = 4


def json_text(report: Report) -> str:
    """Return the report as one JSON object; null is no data, times are ISO 8601 in UTC."""
    return json.dumps(_record(report), ensure_ascii=False, indent=1) + "\n"


def _record(report: Report) -> dict[str, Any]:
    session = report.session
    record: dict[str, Any] = {
        "format": FORMAT,
        "session": {
            "id": session.id,
            "title": report.title,
            "course": {"id": session.course_id, "title": session.course_title},
            "started_at": _plain(session.started_at),
            "ended_at": _plain(session.ended_at),
            "drawn_students": session.demo,
            "seconds_erased_at": _plain(session.reduced_at),
        },
        "mode": report.mode.value,
        "made_at": _plain(report.made_at),
        "length_s": _plain(report.length_s),
        "summary": list(report.summary),
        "limits": list(report.limits),
        "present_share": _plain(report.present),
    }
    if report.mode is not Mode.PRESENCE:
        record |= {
            "mean": _plain(report.tally.mean),
            "spread": _plain(report.tally.spread),
            "coverage": _plain(report.coverage),
            "best": _stretch(report.best),
            "weakest": _stretch(report.weakest),
            "earlier": _earlier(report),
        }
    if report.tally.expression is not None:
        record["expression"] = _expression(report.tally.expression)
    record["class"] = _objects(report, "class")
    record["students"] = [_student(report, student) for student in report.students]
    record["markers"] = _objects(report, "markers")
    return record


def _student(report: Report, student: StudentPart) -> dict[str, Any]:
    tally, shares = student.tally, student.shares
    record: dict[str, Any] = {"id": student.student_id, "name": student.name, "seat": student.seat}
    if report.mode is Mode.PRESENCE:
        named = {"present": shares.attentive, "no_face": shares.away, "no_data": shares.no_data}
    else:
        named = {
            "attentive": shares.attentive,
            "away": shares.away,
            "drowsy": shares.drowsy,
            "unclear": shares.unclear,
            "no_data": shares.no_data,
        }
        record |= {
            "score": _plain(tally.mean),
            "low": _plain(student.low),
            "high": _plain(student.high),
            "confidence": _plain(tally.confidence),
            "lowest": _point(student.lowest),
            "highest": _point(student.highest),
            "gestures": dict(tally.gestures),
            "minutes": [_plain(score) for score in student.minutes],
        }
    if tally.expression is not None:
        record["expression"] = _expression(tally.expression)
    states = [cell.value for cell in student.cells]
    return record | {"shares": {name: _plain(share) for name, share in named.items()}, "states": states}


def _earlier(report: Report) -> dict[str, Any] | None:
    comparison = report.comparison
    if comparison is None:
        return None
    sessions = [
        {"id": past.session.id, "started_at": _plain(past.session.started_at), "mean": _plain(past.tally.mean)}
        for past in report.earlier
    ]
    return {"change": _plain(comparison.change), "mean": _plain(comparison.mean), "sessions": sessions}


def _objects(report: Report, name: str) -> list[dict[str, Any]]:
    table = sheet(report, name)
    return [dict(zip(table.columns, map(_plain, row), strict=True)) for row in table.rows]


def _expression(shares: tuple[float, ...]) -> dict[str, Any]:
    return {name: _plain(share) for name, share in zip(EMOTIONS, shares, strict=True)}


def _point(point: Point | None) -> dict[str, Any] | None:
    return None if point is None else {"minute": point.minute, "score": _plain(point.score), "marker": point.marker}


def _stretch(stretch: Stretch | None) -> dict[str, Any] | None:
    if stretch is None:
        return None
    mean = _plain(stretch.mean)
    return {"minute": stretch.minute, "until": stretch.until, "mean": mean, "marker": stretch.marker}


def _plain(value: Value) -> Any:
    if isinstance(value, float):
        return round(value, DECIMALS)
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
