"""What was seen of each student as xAPI statements (xAPI 1.0.3, IEEE 9274.1.1), one JSON object a line.

An engagement score is no grade, so it is not ``result.score``, which a record store would show as one: it stands in
``result.extensions``. The verb is *experienced*: attendance is what a person marks, never what a camera saw. A student
of whom nothing was seen has no statement. Names are left out unless asked for; the actor is an account by number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from engage.core.types import EMOTIONS, Mode
from engage.reports.content import Report, StudentPart

VERB = {"id": "http://adlnet.gov/expapi/verbs/experienced", "display": {"en": "experienced"}}
LESSON = "http://adlnet.gov/expapi/activities/lesson"
COURSE = "http://adlnet.gov/expapi/activities/course"
DECIMALS = 4


def statement_lines(report: Report, home: str, with_names: bool = False) -> Iterator[str]:
    """Yield a line for each student of whom something was seen.

    ``home`` is the dashboard's address, under which activities and accounts are named. The id of a statement is the
    same each time for the same session, student and mode, so that a record store takes it once.
    """
    for student in report.students:
        if student.tally.observed_s > 0:
            yield json.dumps(_statement(report, student, home.rstrip("/"), with_names), ensure_ascii=False) + "\n"


def _statement(report: Report, student: StudentPart, home: str, with_names: bool) -> dict[str, Any]:
    session = report.session
    name = {"name": student.name} if with_names else {}
    account = {"homePage": home, "name": f"student-{student.student_id}"}
    lesson = f"{home}/sessions/{session.id}"
    ended = session.ended_at or report.made_at
    return {
        "id": str(uuid5(NAMESPACE_URL, f"{lesson}/students/{student.student_id}/{report.mode.value}")),
        "actor": {"objectType": "Agent", **name, "account": account},
        "verb": VERB,
        "object": _activity(lesson, LESSON, report.title),
        "result": {
            "duration": f"PT{student.tally.face_s:.0f}S",
            "extensions": {f"{home}/xapi/{key}": value for key, value in _numbers(report, student).items()},
        },
        "context": {
            "platform": "Engage",
            "contextActivities": {
                "parent": [_activity(f"{home}/courses/{session.course_id}", COURSE, session.course_title)]
            },
        },
        "timestamp": _iso(ended),
    }


def _activity(identity: str, kind: str, name: str) -> dict[str, Any]:
    return {"objectType": "Activity", "id": identity, "definition": {"type": kind, "name": {"und": name}}}


def _numbers(report: Report, student: StudentPart) -> dict[str, float]:
    """Return the extensions of a result; what has no data is left out."""
    tally = student.tally
    values: dict[str, float | None] = {"observed-s": tally.observed_s, "no-data-share": student.shares.no_data}
    if report.mode is not Mode.PRESENCE:
        values |= {
            "engagement-score": tally.mean,
            "engagement-confidence": tally.confidence,
            "scored-s": tally.scored_s,
            "attentive-s": tally.attentive_s,
            "away-s": tally.away_s,
            "drowsy-s": tally.drowsy_s,
        }
    if tally.expression is not None:
        values |= {f"share-{name}": share for name, share in zip(EMOTIONS, tally.expression, strict=True)}
    return {name: round(value, DECIMALS) for name, value in values.items() if value is not None}


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
