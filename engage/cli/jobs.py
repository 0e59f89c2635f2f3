"""What is done again and again while the system runs, besides the workers' own tasks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engage.cli.notifying import notification_jobs
from engage.cli.report_job import EVERY_S, ReportJob
from engage.config import Settings
from engage.core.policy import capped_mode, rules_in_force
from engage.runtime.schedule import Job
from engage.runtime.supervisor import Supervisor
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.partitions import Partitions
from engage.storage.pulse import PULSE_EVERY_S, Pulse, Standing
from engage.storage.queries import Queries
from engage.storage.retention import Retention
from engage.storage.risk import RiskList
from engage.storage.rollups import Rollups
from engage.storage.timetable import Timetable

COUNT_EVERY_S = 15.0
"""A minute of 40 students is counted in .07 s."""
LESSONS_EVERY_S = 15.0
PARTITIONS_EVERY_S = 3600.0
"""Partitions are made two months ahead: any hour will do."""
REVIEW_EVERY_S = 600.0
"""How often it is asked whether a night is over that was not yet reviewed; also after a night with the machine off."""


def jobs(settings: Settings, database: Database) -> list[Job]:
    """Return the jobs of ``engage serve``."""
    classroom, queries = Classroom(database), Queries(database)
    return [
        Job("end forgotten sessions", lambda: end_forgotten(settings, queries, classroom), 300.0),
        Job("reports of ended sessions", ReportJob(queries, Rollups(database)), EVERY_S),
        Job("count minutes", lambda: count_minutes(database), COUNT_EVERY_S),
        Job("lessons by schedule", lambda: keep_timetable(settings, database), LESSONS_EVERY_S),
        Job("students at risk", lambda: review_terms(settings, database), REVIEW_EVERY_S),
        Job("partitions", lambda: make_partitions(database), PARTITIONS_EVERY_S),
        Job("retention", lambda: keep_retention(settings, database), REVIEW_EVERY_S),
        *notification_jobs(settings, database),
    ]


def pulse_job(pulse: Pulse, supervisor: Supervisor) -> Job:
    """Return the job that writes down how the processes stand, for the web's /readyz and /metrics."""

    def write() -> None:
        pulse.write(
            [
                Standing(each.name, each.ready, each.given_up, each.restarts, dict(each.counters), dict(each.meters))
                for each in supervisor.state()
            ]
        )

    return Job("write the pulse", write, PULSE_EVERY_S, everywhere=True)


def end_forgotten(settings: Settings, queries: Queries, classroom: Classroom) -> None:
    """End sessions that nobody ended: past ``pipeline.longest_session_h`` no lesson goes on."""
    oldest = datetime.now(UTC) - timedelta(hours=settings.pipeline.longest_session_h)
    for session in queries.running_sessions():
        if session.started_at < oldest:
            classroom.end_session(session.id)


def count_minutes(database: Database) -> None:
    """Count up what was written since the last time."""
    Rollups(database).update()


def make_partitions(database: Database) -> None:
    """Have a place ready for the samples of the months to come."""
    Partitions(database).make_ahead(datetime.now(UTC))


def keep_timetable(settings: Settings, database: Database) -> None:
    """Start and end the sessions whose time has come."""
    timetable = Timetable(database, settings.zone)
    timetable.end_due()
    timetable.start_due(answered=None not in rules_in_force(settings.policy, Classroom(database).setup()))


def keep_retention(settings: Settings, database: Database) -> None:
    """Reduce and erase what is over its time, once a night."""
    Retention(database, settings.retention).run_nightly(settings.zone)


def review_terms(settings: Settings, database: Database) -> None:
    """Raise risk flags, once a night; with the minutes counted first, and only from what policy allows now."""
    Rollups(database).update()
    jurisdiction, mode = rules_in_force(settings.policy, Classroom(database).setup())
    allowed = capped_mode(jurisdiction, mode) if jurisdiction is not None and mode is not None else None
    RiskList(database, settings.risk).review(settings.zone, allowed)
