"""``engage explain``: which term of a stored score cost what."""

from __future__ import annotations

import json
import re
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING

import click

from engage.config import Settings
from engage.errors import RequestError

if TYPE_CHECKING:
    from engage.core.explain import Explanation
    from engage.storage.queries import Queries
    from engage.storage.records import SessionRecord

CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")


@click.command()
@click.argument("session_id", metavar="SESSION", type=int)
@click.argument("student")
@click.argument("at")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def explain(settings: Settings, session_id: int, student: str, at: str, as_json: bool) -> None:
    """Show what made one student's score at one moment: each term's value and the points it cost or gave.

    STUDENT is a name or number, AT a time of day on the day of the session (10:14 or 10:14:03), seconds from its start
    (+90), a Unix second or an ISO time.
    """
    from engage.core.explain import explain as explanation_of
    from engage.core.scoring_settings import ScoringSettings
    from engage.scoring_file import to_scoring
    from engage.storage.database import Database
    from engage.storage.queries import Queries
    from engage.storage.scores import Scores

    database = Database.of(settings)
    try:
        database.open()
        database.check()
        queries = Queries(database)
        lesson = queries.session(session_id)
        if lesson is None:
            raise RequestError(f"There is no session {session_id}; its number stands in the address of its page.")
        student_id, moment = _student(queries, session_id, student), _moment(at, lesson)
        found = Scores(database).at(session_id, student_id, moment)
    finally:
        database.close()
    if found is None and lesson.reduced_at is not None:
        raise RequestError(
            f"The seconds of session {session_id} were reduced to minutes on {lesson.reduced_at:%Y-%m-%d} "
            "(retention.samples_days), so no single score can be explained."
        )
    if found is None:
        raise RequestError(f"There is no data of student {student} in session {session_id} at {at}.")
    version = found.scored.scoring_version
    scoring = to_scoring(found.settings, f"the version {version}") if found.settings else ScoringSettings()
    result = explanation_of(found.scored.score, scoring)
    if as_json:
        second = found.scored.sample.second
        values = {"session": session_id, "student": student_id, "second": second, "scoring": version}
        click.echo(json.dumps({**values, **result.to_dict()}, ensure_ascii=False))
        return
    click.echo("\n".join(_lines(result, version)))


def _lines(result: Explanation, version: str) -> list[str]:
    lines = [f"{result.words} (confidence {result.confidence:.0%}, scoring {version})"]
    for part in result.parts:
        value = "    " if part.value is None else f"{part.value:4.2f}"
        lines.append(f"  {part.points:+5.1f}  {part.term:13s} {value}  {part.words}")
    lines += [f"      –  {name:13s}       not read" for name in result.missing]
    return lines


def _student(queries: Queries, session_id: int, text: str) -> int:
    if text.isascii() and text.isdecimal():
        return int(text)
    wanted = " ".join(text.split()).casefold()
    hits = [entry for entry in queries.roster(session_id) if entry.name.casefold() == wanted]
    if len(hits) == 1:
        return hits[0].student_id
    if hits:
        numbers = ", ".join(str(entry.student_id) for entry in hits)
        raise RequestError(f"Session {session_id} has {len(hits)} students named {text}; give a number: {numbers}.")
    raise RequestError(f"There is no student {text} in session {session_id}; give the name in full, or the number.")


def _moment(text: str, lesson: SessionRecord) -> float:
    """Return the Unix second that ``text`` means in this session."""
    start = lesson.started_at
    try:
        if not text.isascii():
            raise ValueError(text)
        if text.startswith("+"):
            return start.timestamp() + min(float(Fraction(text[1:])), 1e9)
        if clock := CLOCK.fullmatch(text):
            hour, minute, second = (int(part or 0) for part in clock.groups())
            here = start.astimezone().replace(hour=hour, minute=minute, second=second, microsecond=0).timestamp()
            return here if here >= start.timestamp() - 60 else here + 86400  # a lesson past midnight
        if text.isdecimal():
            return min(float(text), 1e12)
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise RequestError(
            f"'{text}' is not a time; give 10:14:03, +90 (seconds from the start), a Unix second or an ISO time."
        ) from None
