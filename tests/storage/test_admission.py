"""The last gate before the database, in the collector as the program runs it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from engage.cli.workers import CollectorWorker
from engage.config import Settings
from engage.core.policy import GivenBy
from engage.core.signals import FaceSignals, FrameSignals
from engage.core.types import Box, GestureEvent, Mode, Origin, Sample, Score, ScoredSample
from engage.runtime.channels import SIGNALS
from engage.runtime.context import Context, Surroundings
from engage.storage.admission import Admission
from engage.storage.database import Database
from engage.storage.tables import SampleRow


class Ends:
    """Channels of a process: what is read is given, what is sent is kept."""

    def __init__(self, given: Sequence[Any], when_read: Callable[[], None]) -> None:
        self.given, self.when_read = list(given), when_read
        self.sent: list[Any] = []
        self.dropped = 0

    def sender(self, channel: str) -> Ends:
        return self

    def receiver(self, channel: str) -> Ends:
        assert channel == SIGNALS
        return self

    def receive(self, timeout_s: float) -> list[Any]:
        given, self.given = self.given, []
        if not given:
            self.when_read()
        return given

    def send(self, message: Any) -> None:
        self.sent.append(message)

    def close(self) -> None:
        pass


def frame(session: int, student: int, at: Any) -> FrameSignals:
    face = FaceSignals(1, Box(0, 0, 9, 9), 0.9, (1.0, 0, 0, 0, 0, 0, 0, 0), yaw_deg=1.0, pitch_deg=0.0)
    return FrameSignals(Origin(session, 1, student), Mode.FULL, 0, at, 0.0, 0.5, (face,))


def test_the_running_collector_stores_and_shows_nobody_without_a_yes(
    school: Any, database: Database, url: str, clock: Any
) -> None:
    ada, ben, chi = (student.id for student in school.students)
    seconds = [clock.now() + timedelta(seconds=k) for k in range(1, 7)]
    clock.advance(3.5)
    school.classroom.record_consent(ben, False, GivenBy.STUDENT, None)
    stop = threading.Event()
    ends = Ends([frame(school.session.id, student, at) for at in seconds for student in (ada, ben, chi)], stop.set)
    settings = Settings(database={"url": url})  # type: ignore[arg-type]
    CollectorWorker(Context("collector", Surroundings(settings, ends, lambda: None))).run(stop)  # type: ignore[arg-type]
    with database.read() as session:
        query = select(SampleRow.student_id, SampleRow.captured_at).order_by(SampleRow.student_id, SampleRow.second)
        stored = [(row.student_id, row.captured_at) for row in session.execute(query)]
    assert stored == [(ada, at) for at in seconds] + [(ben, at) for at in seconds[:3]]
    shown = {scored.sample.student_id for update in ends.sent for scored in getattr(update, "samples", ())}
    assert shown == {ada, ben}


def reading(school: Any, student: int, at: Any) -> ScoredSample:
    sample = Sample(school.session.id, student, int(at.timestamp()), at, 5, 1.0, 1.0, 0.9, 0.5)
    return ScoredSample(sample, Score(5.0, 0.5), "one")


def test_what_counts_is_what_was_in_force_at_capture(school: Any, database: Database, clock: Any) -> None:
    """Whenever it arrives: what waited while the database was down is stored, what was read after a No is not."""
    ada, _, chi = (student.id for student in school.students)
    start = clock.now()

    def after(seconds: float) -> Any:
        return start + timedelta(seconds=seconds)

    for at, granted in ((10, False), (20, True)):
        clock.time = after(at)
        school.classroom.record_consent(ada, granted, GivenBy.STUDENT, None)
    clock.time = after(30)
    school.classroom.set_paused(school.session.id, None, True)
    clock.time = after(40)
    school.classroom.set_paused(school.session.id, None, False)
    school.classroom.set_paused(school.session.id, ada, True)
    clock.time = after(50)
    school.classroom.end_session(school.session.id)
    readings = [reading(school, ada, after(at)) for at in (5, 15, 25, 35, 45, 55)]
    admitted = Admission(database)(readings)
    assert [round((r.sample.captured_at - start).total_seconds()) for r in admitted] == [5, 25]  # type: ignore[union-attr]
    nods = [GestureEvent(school.session.id, ada, "nod", after(at - 1), after(at), 0.5) for at in (5, 15)]
    assert Admission(database)(nods) == nods[:1]
    assert Admission(database)([reading(school, chi, after(5)), reading(school, 99, after(5))]) == []


def test_a_clock_set_back_to_before_the_session_asks_the_newest_answer(
    school: Any, database: Database, clock: Any
) -> None:
    ada = school.students[0].id
    early = [reading(school, ada, clock.now() - timedelta(hours=1))]
    assert Admission(database)(early) == early
    clock.advance(1)
    school.classroom.record_consent(ada, False, GivenBy.STUDENT, None)
    assert Admission(database)(early) == []
