"""Reports from made-up minutes: what the tests of this folder share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from engage.core.tally import Tally
from engage.core.types import Mode
from engage.reports.compose import compose
from engage.reports.content import Material, PastSession, Report
from engage.storage.records import MarkerRecord, RosterEntry, SessionRecord, SessionState

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
EVEN = (0.5, 0.2, 0.05, 0.1, 0.05, 0.02, 0.03, 0.05)


def scored(score: float, seconds: float = 60.0, confidence: float = 0.8) -> Tally:
    """Return a minute with a face and a score throughout."""
    return Tally(
        samples=int(seconds),
        observed_s=seconds,
        face_s=seconds,
        scored_s=seconds,
        score_sum=score * seconds,
        square_sum=score * score * seconds,
        confidence_sum=confidence * seconds,
        attentive_s=seconds,
        emotion_s=tuple(share * seconds for share in EVEN),
        gestures={"nod": 1},
    )


def away(seconds: float = 60.0) -> Tally:
    """Return a minute in which a camera saw nobody."""
    return Tally(samples=int(seconds), observed_s=seconds, away_s=seconds)


def session(start: datetime = START, minutes: float | None = 10, id: int = 5, title: str = "Waves") -> SessionRecord:
    """Return a session of the course Physics; ``minutes`` None is running."""
    ended = None if minutes is None else start + timedelta(minutes=minutes)
    state = SessionState.RUNNING if ended is None else SessionState.ENDED
    return SessionRecord(id, 3, "Physics", title, start, ended, 1, state, False, False)


def student(id: int, name: str) -> RosterEntry:
    """Return a student on the roster."""
    return RosterEntry(id, name, None, f"A{id}", False, False, None, None, None, False)


def marker(at: datetime, text: str, id: int = 1) -> MarkerRecord:
    """Return a teacher's note."""
    return MarkerRecord(id, 5, 1, at, text)


def past(days: int, mean: float, id: int) -> PastSession:
    """Return a session of ten minutes so many days before."""
    return PastSession(session(START - timedelta(days=days), 10, id), scored(mean, 600.0))


def minute_of(moment: datetime) -> int:
    """Return the Unix minute of a time."""
    return int(moment.timestamp() // 60)


def rows(start: datetime, tallies: Sequence[Tally | None]) -> dict[int, Tally]:
    """Return consecutive minutes from ``start`` on; None is a minute nobody looked."""
    first = minute_of(start)
    return {first + place: tally for place, tally in enumerate(tallies) if tally is not None}


def report(
    minutes: Mapping[int, Mapping[int, Tally]],
    names: Sequence[str] = ("Ada", "Ben", "Chi"),
    *,
    of: SessionRecord | None = None,
    mode: Mode = Mode.FULL,
    markers: Sequence[MarkerRecord] = (),
    earlier: Sequence[PastSession] = (),
    zone: tzinfo | None = UTC,
) -> Report:
    """Return the report of a session; students are numbered from 1."""
    lesson = of or session()
    roster = [student(number, name) for number, name in enumerate(names, 1)]
    now = (lesson.ended_at or lesson.started_at) + timedelta(minutes=1)
    return compose(Material(lesson, mode, roster, minutes, list(markers), list(earlier), now), zone)
