"""The jobs of ``engage serve``, run as the scheduler runs them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from engage.cli.jobs import jobs
from engage.config import Settings
from engage.core.types import Sample, Score, ScoredSample
from engage.runtime.schedule import Schedule
from engage.storage.database import Database
from engage.storage.rollups import Rollups
from engage.storage.store import SqlStore

if TYPE_CHECKING:
    from tests.databases import School, SetClock


def test_every_job_runs_and_can_run_again(school: School, database: Database, url: str) -> None:
    settings = Settings(database={"url": url})  # type: ignore[arg-type]
    ada = school.students[0].id
    now = datetime.now(UTC)
    sample = Sample(school.session.id, ada, int(now.timestamp()), now, 5, 1.0, 1.0, 0.9, 0.5)
    SqlStore(database).write([ScoredSample(sample, Score(5.0, 0.5), "one")])
    todo = jobs(settings, database)
    for job in [*todo, *todo]:
        job.run()
    assert [each.tally.mean for each in Rollups(database).student_sessions(ada)] == [5.0]
    schedule = Schedule(todo)
    schedule.start()
    assert set(schedule.next_runs()) >= {"end forgotten sessions", "count minutes", "students at risk"}
    schedule.stop()


def test_a_session_that_nobody_ended_is_ended(school: School, clock: SetClock, database: Database, url: str) -> None:
    school.classroom.end_session(school.session.id)
    clock.time = datetime.now(UTC) - timedelta(hours=1)
    lesson = school.classroom.start_session(school.course.id, school.teacher.id)
    for longest_h, running in ((2.0, [lesson.id]), (0.5, [])):
        settings = Settings(database={"url": url}, pipeline={"longest_session_h": longest_h})  # type: ignore[arg-type]
        next(job for job in jobs(settings, database) if job.name == "end forgotten sessions").run()
        assert [session.id for session in school.queries.running_sessions()] == running
