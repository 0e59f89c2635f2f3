"""A report from its material: which minutes there are, what each student and the class came to. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

import numpy as np

from engage.core.tally import NOTHING_SEEN, Tally, total
from engage.core.types import Mode
from engage.reports.content import (
    COMPARED_SESSIONS,
    MINUTE_S,
    Cell,
    ClassMinute,
    Comparison,
    Material,
    PastSession,
    Point,
    Report,
    Shares,
    Stretch,
    StudentPart,
)
from engage.reports.language import ENGLISH, Language
from engage.reports.limits import limits
from engage.reports.words import summary
from engage.storage.records import MarkerRecord, RosterEntry

EMPTY = Tally()
HALF_BAND = 2.5
"""Half the width of a score's band at no confidence, in points: what the bars of the live page show."""
STRETCH_MINUTES = 5
POINT_FROM_S = 20.0
"""A minute is a student's low or high point only with a score for this much of it."""
PLAUSIBLE_MINUTES = 24 * 60
"""Minutes further than this from the session's start come from a clock that was wrong by days; they are left out, as is
the end of a session that nobody ended."""


def compose(material: Material, zone: tzinfo | None = None, language: Language = ENGLISH) -> Report:
    """Return the report of a session, its words in ``language``.

    What ``material.mode`` does not allow is in none of its records.

    Times outside the session's own start and end (a clock was set) widen the report, so that nothing seen is lost.
    """
    minutes = {
        student: {minute: allowed(tally, material.mode) for minute, tally in found.items()}
        for student, found in _plausible(material).items()
    }
    lengths = _lengths(material, minutes)
    people = _people(material.roster, minutes, language)
    length_s = math.fsum(lengths.values())
    axis = list(lengths)
    columns = _class_minutes(lengths, minutes, len(people))
    markers = tuple(sorted(material.markers, key=lambda marker: (marker.at, marker.id)))
    students = tuple(
        _student(entry, minutes.get(entry.student_id, {}), axis, length_s, (material.mode, markers)) for entry in people
    )
    tally = total(student.tally for student in students)
    whole_s = length_s * len(students)
    best, weakest = _extremes(columns, minutes, len(students), markers)
    report = Report(
        session=material.session,
        mode=material.mode,
        made_at=material.now,
        zone=zone,
        length_s=length_s,
        tally=tally,
        coverage=tally.coverage(whole_s),
        present=min(1.0, tally.face_s / whole_s) if whole_s else 0.0,
        minutes=columns,
        markers=markers,
        students=students,
        best=best,
        weakest=weakest,
        comparison=_comparison(tally.mean, _comparable(material)),
        earlier=_comparable(material),
        language=language,
    )
    return replace(report, summary=summary(report), limits=limits(report))


def allowed(tally: Tally, mode: Mode) -> Tally:
    """Return what ``mode`` lets a report hold of ``tally``."""
    if mode is Mode.FULL:
        return tally
    if mode is Mode.ATTENTION:
        return replace(tally, emotion_s=NOTHING_SEEN)
    return Tally(tally.samples, tally.observed_s, tally.face_s)


def _plausible(material: Material) -> dict[int, dict[int, Tally]]:
    started = int(material.session.started_at.timestamp()) // MINUTE_S
    return {
        student: {minute: tally for minute, tally in found.items() if abs(minute - started) <= PLAUSIBLE_MINUTES}
        for student, found in material.minutes.items()
    }


def _lengths(material: Material, minutes: Mapping[int, Mapping[int, Tally]]) -> dict[int, float]:
    """Return every minute of the report, in order, with the seconds of it that belong to the session."""
    session = material.session
    start = session.started_at.timestamp()
    end = min(max((session.ended_at or material.now).timestamp(), start), start + PLAUSIBLE_MINUTES * MINUTE_S)
    observed: dict[int, float] = {}
    for found in minutes.values():
        for minute, tally in found.items():
            observed[minute] = max(observed.get(minute, 0.0), min(tally.observed_s, float(MINUTE_S)))
    inside = range(int(start // MINUTE_S), math.ceil(end / MINUTE_S) if end > start else int(start // MINUTE_S))
    first = min([*inside[:1], *observed], default=0)
    last = max([*inside[-1:], *observed], default=-1)
    lengths = {}
    for minute in range(first, last + 1):
        overlap = min(end, (minute + 1.0) * MINUTE_S) - max(start, minute * float(MINUTE_S))
        lengths[minute] = max(overlap, observed.get(minute, 0.0), 0.0)
    return lengths


def _people(
    roster: Sequence[RosterEntry], minutes: Mapping[int, Mapping[int, Tally]], language: Language
) -> list[RosterEntry]:
    """Return the roster, by name as it is, and after it whoever was seen without being on it."""
    known = {entry.student_id for entry in roster}
    unlisted = [number for number, found in sorted(minutes.items()) if found and number not in known]
    return [*roster, *(_stranger(number, language) for number in unlisted)]


def _stranger(student_id: int, language: Language) -> RosterEntry:
    name = language.gettext("Student %(number)s, no longer on the list", number=student_id)
    return RosterEntry(student_id, name, None, None, False, False, None, None, None, False)


def _class_minutes(
    lengths: Mapping[int, float], minutes: Mapping[int, Mapping[int, Tally]], n_students: int
) -> tuple[ClassMinute, ...]:
    columns = []
    for minute, length_s in lengths.items():
        tallies = [found[minute] for found in minutes.values() if minute in found]
        means = [tally.mean for tally in tallies if tally.mean is not None]
        low, high = np.percentile(means, (25, 75)).tolist() if means else (None, None)
        scored_s = math.fsum(tally.scored_s for tally in tallies)
        face_s = math.fsum(tally.face_s for tally in tallies)
        whole_s = length_s * n_students
        columns.append(
            ClassMinute(
                minute=minute,
                length_s=length_s,
                mean=math.fsum(tally.score_sum for tally in tallies) / scored_s if means else None,
                low_quartile=low,
                high_quartile=high,
                n_scored=len(means),
                coverage=min(1.0, scored_s / whole_s) if whole_s else 0.0,
                present=min(1.0, face_s / whole_s) if whole_s else 0.0,
            )
        )
    return tuple(columns)


def _student(
    entry: RosterEntry,
    found: Mapping[int, Tally],
    axis: Sequence[int],
    length_s: float,
    about: tuple[Mode, Sequence[MarkerRecord]],
) -> StudentPart:
    mode, markers = about
    tally = total(found.values())
    mean, half = tally.mean, HALF_BAND * (1.0 - (tally.confidence or 0.0))
    scored = [(part.mean, minute) for minute, part in found.items() if part.scored_s >= POINT_FROM_S]
    points = sorted((value, minute) for value, minute in scored if value is not None)
    row = [found.get(minute, EMPTY) for minute in axis]
    return StudentPart(
        student_id=entry.student_id,
        name=entry.name,
        seat=entry.seat,
        tally=tally,
        shares=_shares(tally, length_s, mode),
        low=None if mean is None else max(0.0, mean - half),
        high=None if mean is None else min(10.0, mean + half),
        minutes=tuple(part.mean for part in row),
        cells=tuple(_cell(part) for part in row),
        lowest=_point(points[0], markers) if len(points) > 1 else None,
        highest=_point(points[-1], markers) if len(points) > 1 else None,
    )


def _shares(tally: Tally, length_s: float, mode: Mode) -> Shares:
    if length_s <= 0:
        return Shares(0.0, 0.0, 0.0, 0.0, 1.0)
    if mode is Mode.PRESENCE:
        seconds = (tally.face_s, max(0.0, tally.observed_s - tally.face_s), 0.0, 0.0)
    else:
        seconds = (tally.attentive_s, tally.away_s, tally.drowsy_s, tally.unread_s)
    whole_s = max(length_s, math.fsum(seconds))
    attentive, away, drowsy, unclear = (part / whole_s for part in seconds)
    return Shares(attentive, away, drowsy, unclear, max(0.0, 1.0 - attentive - away - drowsy - unclear))


def _cell(tally: Tally) -> Cell:
    if tally.scored_s > 0:
        return Cell.SCORED
    if tally.observed_s <= 0:
        return Cell.NONE
    if tally.face_s * 2 >= tally.observed_s:
        return Cell.SEEN
    return Cell.AWAY


def _point(found: tuple[float, int], markers: Sequence[MarkerRecord]) -> Point:
    value, minute = found
    return Point(minute, value, _marker_at((minute + 0.5) * MINUTE_S, markers))


def _marker_at(moment: float, markers: Sequence[MarkerRecord]) -> str | None:
    """Return the text of the last marker set before ``moment`` (Unix seconds), or None."""
    index = bisect_right([marker.at.timestamp() for marker in markers], moment)
    return markers[index - 1].text if index else None


@dataclass(frozen=True, slots=True)
class _Window:
    mean: float
    first: int


def _extremes(
    columns: Sequence[ClassMinute],
    minutes: Mapping[int, Mapping[int, Tally]],
    n_students: int,
    markers: Sequence[MarkerRecord],
) -> tuple[Stretch | None, Stretch | None]:
    """Return the best and the weakest five minutes that do not overlap, or None twice in a session too short for two.

    Only stretches count that hold at least half as many scores as the fullest: three students who stayed on are not
    the class.
    """
    if len(columns) < 2 * STRETCH_MINUTES or n_students == 0:
        return None, None
    scores, scored_s = (np.zeros(len(columns)) for _ in range(2))
    places = {column.minute: index for index, column in enumerate(columns)}
    for found in minutes.values():
        for minute, tally in found.items():
            scores[places[minute]] += tally.score_sum
            scored_s[places[minute]] += tally.scored_s
    kernel = np.ones(STRETCH_MINUTES)
    window_s, window_sum = (np.convolve(values, kernel, "valid") for values in (scored_s, scores))
    enough = (window_s > 0) & (window_s >= 0.5 * window_s.max())
    windows = sorted(
        (_Window(float(window_sum[index] / window_s[index]), int(index)) for index in np.flatnonzero(enough)),
        key=lambda window: (window.mean, window.first),
    )
    if not windows:
        return None, None
    best = windows[-1]
    weakest = next((window for window in windows if abs(window.first - best.first) >= STRETCH_MINUTES), None)
    if weakest is None or weakest.mean >= best.mean:
        return None, None
    return _stretch(best, columns, markers), _stretch(weakest, columns, markers)


def _stretch(window: _Window, columns: Sequence[ClassMinute], markers: Sequence[MarkerRecord]) -> Stretch:
    first = columns[window.first].minute
    middle = (first + STRETCH_MINUTES / 2) * MINUTE_S
    return Stretch(first, first + STRETCH_MINUTES, window.mean, _marker_at(middle, markers))


def _comparable(material: Material) -> tuple[PastSession, ...]:
    if material.mode is Mode.PRESENCE:
        return ()
    enough = [past for past in material.earlier if past.comparable]
    return tuple(replace(past, tally=allowed(past.tally, material.mode)) for past in enough[:COMPARED_SESSIONS])


def _comparison(mean: float | None, earlier: Sequence[PastSession]) -> Comparison | None:
    means = [past.tally.mean for past in earlier if past.tally.mean is not None]
    if mean is None or not means:
        return None
    before = math.fsum(means) / len(means)
    return Comparison(mean - before, before, min(means), max(means), len(means))
