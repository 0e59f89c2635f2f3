"""The step "look at your screen", from the request to the score: a camera to one side, while the session runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from engage.capture.virtual.scenes import BESIDE
from engage.capture.virtual.script import Script, ScriptKind
from engage.capture.virtual.truth import START, TYPICAL, frames
from engage.core.scoring import score_all
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import Origin
from engage.core.updates import LiveUpdate
from engage.errors import RequestError
from engage.pipeline.collector import CALIBRATIONS_EVERY_S, Collector, CollectorSettings
from engage.storage.calibration import COUNTDOWN, LENGTH, ask_to_look, steps_under_way
from engage.storage.database import Database
from engage.storage.store import SqlStore

SCORING = replace(ScoringSettings(), participation_gain=0.0)
RATE_FPS = 5.0
ASKED_AT_S, SECONDS = 30.0, 120.0
SETTLED_S = ASKED_AT_S + 40
"""When smoothing and window have forgotten what was before the step."""
FURTHER_DEG = 14.0
"""The script's camera is 24 degrees off, which the first minute learns by itself; this much more it cannot."""


class Silent:
    def publish(self, update: LiveUpdate) -> None: ...


class SessionTime:
    """The clock of a lesson that is played as fast as possible."""

    def __init__(self, start: datetime) -> None:
        self._start, self.position_s = start, 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.position_s)

    def monotonic(self) -> float:
        return self.position_s


def play(school: Any, database: Database, kind: ScriptKind, student: int, asked: bool) -> list[float | None]:
    """Return the scores, second by second, that the real collector stored; ``asked`` after half a minute."""
    lesson = school.session
    clock = SessionTime(lesson.started_at)
    soon = timedelta(seconds=10)
    collector = Collector(
        CollectorSettings(SCORING), SqlStore(database, SCORING), Silent(), school.queries.past, clock,
        calibrations=lambda: school.queries.calibrations_since(clock.now() - soon),
    )  # fmt: skip
    waiting = [partial(ask_to_look, database, lesson.id, [student], school.teacher.id, clock)] if asked else []
    turned_deg = FURTHER_DEG if kind is ScriptKind.CAMERA_OFF_AXIS else 0.0
    for frame in frames(Script(kind, 1), RATE_FPS, SECONDS, TYPICAL):
        faces = tuple(replace(face, yaw_deg=(face.yaw_deg or 0.0) + turned_deg) for face in frame.faces)
        clock.position_s = (frame.captured_at - START).total_seconds()
        if waiting and clock.position_s >= ASKED_AT_S:
            step = waiting.pop()()
            assert (step.starts_at - clock.now(), step.ends_at - step.starts_at) == (COUNTDOWN, LENGTH)
        collector.take([replace(frame, origin=Origin(lesson.id, 1, student), captured_at=clock.now(), faces=faces)])
    assert collector.flush()
    stored = [row for row in school.queries.samples_since(lesson.id, 0) if row.sample.student_id == student]
    assert stored
    samples, gestures = school.queries.past(lesson.id, student)
    again = score_all(samples, SCORING, gestures)
    assert again == [row.score for row in stored], "scored again from what is stored: the same numbers exactly"
    return [row.score.value for row in stored]


def settled(scores: list[float | None]) -> float:
    late = [score for score in scores[int(SETTLED_S) :] if score is not None]
    return sum(late) / len(late)


def test_a_camera_to_one_side_costs_nothing_once_the_student_has_looked(school: Any, database: Database) -> None:
    beside, usual, uncalibrated = (student.id for student in school.students[:3])
    attentive = settled(play(school, database, ScriptKind.ATTENTIVE, usual, asked=False))
    off_axis = play(school, database, ScriptKind.CAMERA_OFF_AXIS, beside, asked=True)
    never = settled(play(school, database, ScriptKind.CAMERA_OFF_AXIS, uncalibrated, asked=False))
    assert abs(settled(off_axis) - attentive) <= BESIDE, (settled(off_axis), attentive)
    assert never < attentive - 2 * BESIDE, "without the step the same student seems to look away"


def test_the_collector_hears_of_a_step_before_it_begins() -> None:
    assert COUNTDOWN.total_seconds() > CALIBRATIONS_EVERY_S


def test_who_is_being_asked_is_not_asked_again(school: Any, database: Database, clock: Any) -> None:
    ada, ben = (student.id for student in school.students[:2])
    session = school.session.id
    first = ask_to_look(database, session, [ada], clock=clock)
    second = ask_to_look(database, session, [ada, ben, ben], clock=clock)
    assert (first.student_ids, second.student_ids) == ((ada,), (ben,))
    assert [step.student_ids for step in steps_under_way(database, session, clock.now())] == [(ada, ben)]
    with pytest.raises(RequestError, match="already"):
        ask_to_look(database, session, [ada], clock=clock)
    clock.advance((COUNTDOWN + LENGTH).total_seconds())
    assert steps_under_way(database, session, clock.now()) == []
    assert ask_to_look(database, session, [ada], clock=clock).student_ids == (ada,)


def test_nobody_is_asked_where_nobody_is(school: Any, database: Database, clock: Any) -> None:
    session = school.session.id
    for students, words in (([], "nobody"), ([99], "not in this session")):
        with pytest.raises(RequestError, match=words):
            ask_to_look(database, session, students, clock=clock)
    school.classroom.end_session(session)
    with pytest.raises(RequestError, match="has ended"):
        ask_to_look(database, session, [school.students[0].id], clock=clock)
