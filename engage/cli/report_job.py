"""The job that has a session's report ready when the session ends."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.core.types import Mode
from engage.reports.compose import compose
from engage.reports.gather import gather
from engage.storage.queries import Queries
from engage.storage.rollups import Rollups

EVERY_S = 3.0

log = logging.getLogger("engage.reports")


@dataclass(slots=True)
class ReportJob:
    """Called every few seconds. A session that ran at the last call and no longer does gets its report made once.

    Nothing of it is kept but the minutes counted up, which is what takes time; so a page opened later is quick, and
    still right after late samples, a new scoring, or a student's erasure. A report that cannot be made shows in the log
    before a teacher asks for it.
    """

    queries: Queries
    rollups: Rollups
    clock: Clock = field(default_factory=SystemClock)
    _running: frozenset[int] = frozenset()

    def __call__(self) -> None:
        """Make the reports of sessions that have ended since the last call."""
        running = frozenset(session.id for session in self.queries.running_sessions())
        ended = sorted(self._running - running)
        self._running = running
        for session_id in ended:
            began = self.clock.monotonic()
            report = compose(gather(self.queries, self.rollups, session_id, Mode.FULL, self.clock.now()))
            seconds = self.clock.monotonic() - began
            log.info("event=report_ready session=%d students=%d s=%.2f", session_id, len(report.students), seconds)
