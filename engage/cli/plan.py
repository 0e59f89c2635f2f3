"""What should be captured now: the running sessions' sources that pass the gate, as worker specs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from engage.cli import shared
from engage.config import Settings
from engage.core.pacing import agreed_rate_fps
from engage.core.policy import Jurisdiction, decide, rules_in_force
from engage.core.sites import Sites, site_of
from engage.core.types import Mode
from engage.runtime.launcher import local_cores
from engage.runtime.specs import WorkerSpec
from engage.storage.classroom import Classroom
from engage.storage.queries import Queries
from engage.storage.records import PlannedSource, SourceKind

PUSHED = (SourceKind.WINDOW,)
"""Sources whose frames a browser sends; nobody opens them."""


@dataclass(slots=True)
class _Last:
    """The workers of students that were planned, and what they were planned from."""

    known: tuple[list[PlannedSource], Jurisdiction | None, Mode | None, float] | None = None
    specs: list[WorkerSpec] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """Called by the supervisor twice a second; the database is the truth, so that nothing need be told."""

    settings: Settings
    queries: Queries
    classroom: Classroom
    cores: Callable[[], int] = local_cores
    """How many cores there are for workers now, on all machines."""
    last: _Last = field(default_factory=_Last)
    """What was planned last: nearly always the same is planned again."""

    def __call__(self) -> list[WorkerSpec]:
        """Return one capture worker per source that may be looked at, and one per picture with many people."""
        return [
            *(shared.spec(source, self.settings.runtime.sites) for source in self.queries.shared_plan()),
            *self._students(),
        ]

    def _students(self) -> list[WorkerSpec]:
        planned = [source for source in self.queries.capture_plan() if not source.paused and source.kind not in PUSHED]
        if not planned:
            return []
        jurisdiction, mode = rules_in_force(self.settings.policy, self.classroom.setup())
        rate_fps = self.rate_fps(len(planned))
        known = (planned, jurisdiction, mode, rate_fps)
        if known != self.last.known:  # rows that are as they were give the same records, and so are compared at once
            self.last.known, self.last.specs = known, self._specs(planned, (jurisdiction, mode), rate_fps)
        return self.last.specs

    def _specs(
        self, planned: list[PlannedSource], rules: tuple[Jurisdiction | None, Mode | None], rate_fps: float
    ) -> list[WorkerSpec]:
        specs = []
        for source in planned:
            decision = decide(*rules, source.subject)
            if decision.mode is not None:
                specs.append(_spec(source, decision.mode, rate_fps, self.settings.runtime.sites))
        return specs

    def rate_fps(self, n_sources: int) -> float:
        """Return the frames a second each of ``n_sources`` is looked at: as agreed, or what the cores are trusted with.

        Where rates adapt it is what may be asked at most: the workers are told the rest, and none has to begin anew.
        """
        if self.settings.capture.adapt:
            return max(self.settings.capture.rate_fps, self.settings.capture.crowded_rate_fps)
        return agreed_rate_fps(self.settings.capture, n_sources, self.cores())


def _spec(source: PlannedSource, mode: Mode, rate_fps: float, sites: Sites) -> WorkerSpec:
    origin = source.origin
    return WorkerSpec(
        f"capture-{origin.session_id}-{origin.source_id}",
        "engage.cli.workers:capture",
        {
            "origin": [origin.session_id, origin.source_id, origin.student_id],
            "mode": mode.value,
            "address": source.address,
            "rate_fps": rate_fps,
        },
        site_of(source.address, sites),
    )
