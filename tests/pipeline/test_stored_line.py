"""A session stored by the real collector, scored again from the database: the same numbers to the last bit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engage.capture.virtual.script import Script, ScriptKind
from engage.capture.virtual.truth import START, TYPICAL, frames
from engage.core.clock import SystemClock
from engage.core.scoring import score_all
from engage.core.scoring_settings import ScoringSettings
from engage.core.signals import FrameSignals
from engage.core.types import GestureEvent, Origin
from engage.core.updates import LiveUpdate
from engage.pipeline.collector import Collector, CollectorSettings
from engage.storage.database import Database
from engage.storage.store import SqlStore

SCORING = ScoringSettings()
KINDS = st.sampled_from([ScriptKind.GESTURES, ScriptKind.LIVELY, ScriptKind.DROWSY, ScriptKind.COMES_AND_GOES])


class Silent:
    def publish(self, update: LiveUpdate) -> None: ...


def collector(database: Database, school: Any) -> Collector:
    limits = CollectorSettings(SCORING, max_batch=7)
    store = SqlStore(database, SCORING)
    return Collector(limits, store, Silent(), school.queries.past, SystemClock(), calibrations=list)


def of(frame: FrameSignals, session: int, student: int, offset_s: float) -> FrameSignals:
    at = frame.captured_at + timedelta(seconds=offset_s)
    return replace(frame, origin=Origin(session, 1, student), captured_at=at)


@given(
    kinds=st.lists(KINDS, min_size=2, max_size=2),
    seed=st.integers(0, 99),
    rate_fps=st.sampled_from([2.0, 5.0]),
    calibrated=st.booleans(),
    restart=st.booleans(),
)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_stored_session_scored_again_gives_the_same_numbers(
    school: Any,
    database: Database,
    kinds: list[ScriptKind],
    seed: int,
    rate_fps: float,
    calibrated: bool,
    restart: bool,
) -> None:
    for lesson in school.queries.running_sessions():
        school.classroom.end_session(lesson.id)
    session = school.classroom.start_session(school.course.id, school.teacher.id).id
    students = [student.id for student in school.students[:2]]
    if calibrated:
        step = GestureEvent(session, students[0], "calibration", START, START + timedelta(seconds=5), 1.0)
        SqlStore(database).write([], [step])
    plays = [list(frames(Script(kind, seed + k), rate_fps, 60, TYPICAL)) for k, kind in enumerate(kinds)]
    seen = [
        of(f, session, student, 0.01 * student) for student, play in zip(students, plays, strict=True) for f in play
    ]
    seen.sort(key=lambda frame: frame.captured_at)
    running = collector(database, school)
    for k, frame in enumerate(seen):
        running.take([frame])
        if k % 9 == 0:
            running.flush()
        if restart and k == len(seen) // 2:
            running = collector(database, school)  # as after a crash: what was not written is lost
    running.flush()
    stored = school.queries.samples_since(session, 0)
    for student in students:
        scored = [row for row in stored if row.sample.student_id == student]
        samples, gestures = school.queries.past(session, student)
        assert len(samples) == len(scored) > 30
        assert [row.score for row in scored] == score_all(samples, SCORING, gestures)
