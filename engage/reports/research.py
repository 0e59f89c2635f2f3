"""A course for research: pseudonyms, weeks instead of days, no small groups, no words. Pure.

Every cell is a number, a pseudonym or empty. A pseudonym is an HMAC-SHA256 of a row's id: without the key nobody can
compute it, and with another key it is another one.
"""

from __future__ import annotations

import base64
import csv
import hmac
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from typing import IO

from engage.core.gestures.kinds import GestureKind
from engage.core.tally import Tally, total
from engage.core.types import EMOTIONS, Mode
from engage.reports.compose import allowed
from engage.storage.research import ResearchSession

LEAST_GROUP = 5
"""Students in a session, and in a minute of it, below which it is left out."""
LEAST_POSSIBLE = 3
LENGTH_STEP_MIN = 5
GESTURES = tuple(kind.value for kind in GestureKind if kind is not GestureKind.CALIBRATION)
MEASURES = (
    "observed_s", "face_s", "scored_s", "score", "score_spread", "confidence",
    "attentive_share", "away_share", "drowsy_share", *(f"{name}_share" for name in EMOTIONS), *GESTURES,
)  # fmt: skip
README = """Engagement of one course, for research, pseudonymous.

sessions.csv   session, week (1 is that of the first session here), order in its week, length in steps of
               {step} minutes, students here
students.csv   student, session, and what the session came to
minutes.csv    student, session, minute from the start (0 is the first), and what the minute came to

Seconds (_s), shares (0-1) and scores (0-10) are weighted by time; an empty cell is no data and never a zero. Shares of
expressions are shares of face time; the other shares are of the time a camera looked. Gestures are numbers of times.
What the school's mode does not allow is empty.

Left out: names, numbers, ages, seats, dates and times of day, everything that people typed; students without a valid
consent today; sessions, and minutes of a session, with fewer than {least} students. Pseudonyms hold within files that
were made with the same key; the key is not here.

This is pseudonymous and not anonymous: whoever knows when somebody was in class may recognise them by the pattern.
Do not try to, do not pass it on, and delete it when the work is done. Scores say what a face appeared to say. They are
no grades, and no measure of learning.
"""


@dataclass(frozen=True, slots=True)
class Choices:
    """The key of the pseudonyms, the smallest group, what may be shown, and where weeks are read."""

    key: bytes
    mode: Mode
    least: int = LEAST_GROUP
    zone: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What went into a file."""

    students: int
    sessions: int
    sessions_left_out: int
    minutes_left_out: int


Row = list[str | int | float | None]


def write_research(sessions: Sequence[ResearchSession], choices: Choices, stream: IO[bytes]) -> Written | None:
    """Write the zip, and return what went into it; None, with nothing written, where no session is large enough."""
    kept = [session for session in sessions if len(session.minutes) >= choices.least]
    students = {student for session in kept for student in session.minutes}
    if not kept:
        return None
    tables, left_out = _tables(kept, choices)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        readme = README.format(step=LENGTH_STEP_MIN, least=choices.least)
        for name, content in {"README.txt": readme, **tables}.items():
            archive.writestr(zipfile.ZipInfo(name), content)  # without the time it was made
    with_data = [session for session in sessions if session.minutes]
    return Written(len(students), len(kept), len(with_data) - len(kept), left_out)


def pseudonym(kind: str, row_id: int, key: bytes) -> str:
    """Return the pseudonym of a student or session, such as ``student-k3v6q2m7xw4b``."""
    digest = hmac.digest(key, f"{kind}:{row_id}".encode(), "sha256")
    return f"{kind}-{base64.b32encode(digest)[:16].decode().lower()}"


def _tables(sessions: Sequence[ResearchSession], choices: Choices) -> tuple[dict[str, str], int]:
    lessons: list[Row] = []
    people: list[Row] = []
    minutes: list[Row] = []
    left_out = 0
    for session, (week, order) in zip(sessions, _weeks(sessions, choices.zone), strict=True):
        name = pseudonym("session", session.id, choices.key)
        length_min = (session.ended_at - session.started_at).total_seconds() / 60
        rounded = max(1, round(length_min / LENGTH_STEP_MIN)) * LENGTH_STEP_MIN
        lessons.append([name, week, order, rounded, len(session.minutes)])
        first = int(session.started_at.timestamp()) // 60
        crowd = _crowd(session)
        for student, found in session.minutes.items():
            whose = pseudonym("student", student, choices.key)
            people.append([whose, name, *_measures(total(found.values()), choices.mode)])
            for minute, tally in found.items():
                if crowd[minute] < choices.least:
                    left_out += 1
                else:
                    minutes.append([whose, name, minute - first, *_measures(tally, choices.mode)])
    return {
        "sessions.csv": _csv(("session", "week", "order", "length_min", "students"), lessons),
        "students.csv": _csv(("student", "session", *MEASURES), people),
        "minutes.csv": _csv(("student", "session", "minute", *MEASURES), minutes),
    }, left_out


def _crowd(session: ResearchSession) -> dict[int, int]:
    """Return how many students each minute has."""
    crowd: dict[int, int] = {}
    for found in session.minutes.values():
        for minute in found:
            crowd[minute] = crowd.get(minute, 0) + 1
    return crowd


def _weeks(sessions: Sequence[ResearchSession], zone: tzinfo | None) -> list[tuple[int, int]]:
    """Return each session's week, counted from the first one's, and its place in it."""
    mondays: list[date] = []
    for session in sessions:
        day = session.started_at.astimezone(zone).date()
        mondays.append(day - timedelta(days=day.weekday()))
    weeks = [(monday - min(mondays)).days // 7 + 1 for monday in mondays]
    return [(week, weeks[: k + 1].count(week)) for k, week in enumerate(weeks)]


def _measures(tally: Tally, mode: Mode) -> Row:
    seen = allowed(tally, mode)
    scored = mode is not Mode.PRESENCE
    expression = seen.expression or (None,) * len(EMOTIONS)
    times = [round(seen.observed_s, 1), round(seen.face_s, 1), round(seen.scored_s, 1) if scored else None]
    scores = [_rounded(value, 2) for value in (seen.mean, seen.spread, seen.confidence)]
    shares = (seen.attentive_share, seen.away_share, seen.drowsy_share) if scored else (None, None, None)
    gestures: Row = [seen.gestures.get(kind, 0) if scored else None for kind in GESTURES]
    return [*times, *scores, *(_rounded(share, 3) for share in (*shares, *expression)), *gestures]


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _csv(columns: Sequence[str], rows: list[Row]) -> str:
    """Return the table, its rows in order of the pseudonyms, so that their order tells nothing."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    ordered: list[Row] = sorted(rows, key=lambda row: [f"{cell:>20}" for cell in row[:3]])
    writer.writerows(ordered)
    return text.getvalue()
