"""How the processes of this deployment stand, as their supervisor last wrote it down: for who cannot ask it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.storage.database import Database
from engage.storage.tables import Setting

KEY = "pulse"
PULSE_EVERY_S = 10.0
SILENT_AFTER_S = 35.0
"""Past this the supervisor is gone, or cannot write."""
NEEDED = ("collector", "inference")
"""Without them nobody has a score. A capture process that begins anew takes a few students along, for seconds."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One process: whether it works, whether it was given up, its restarts, and what it counted since its start."""

    name: str
    ready: bool
    given_up: bool
    restarts: int
    counters: Mapping[str, int] = field(default_factory=dict)
    meters: Mapping[str, float] = field(default_factory=dict)
    """What its stages count, by the names of ``core.meters``."""


@dataclass(frozen=True, slots=True)
class Beat:
    """What the supervisor wrote, and when."""

    at: datetime
    processes: tuple[Standing, ...]

    def problems(self, now: datetime) -> list[str]:
        """Return what does not work, in words for an administrator; empty where all is well."""
        silent_s = (now - self.at).total_seconds()
        if silent_s > SILENT_AFTER_S:
            return [f"the processes have not reported for {silent_s:.0f} s"]
        given_up = [f"{each.name} was given up" for each in self.processes if each.given_up]
        waiting = {each.name for each in self.processes if not each.ready and not each.given_up}
        return given_up + [f"{name} does not report" for name in NEEDED if name in waiting]


class Pulse:
    """One row, written over and over."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def write(self, processes: Sequence[Standing]) -> None:
        """Write down how the processes stand now."""
        rows = [
            {"name": each.name, "ready": each.ready, "given_up": each.given_up, "restarts": each.restarts,
             "counters": dict(each.counters), "meters": dict(each.meters)}
            for each in processes
        ]  # fmt: skip
        now = self._clock.now()
        with self._database.write() as session:
            session.merge(Setting(key=KEY, value={"processes": rows}, answered_by=None, answered_at=now))

    def stop(self) -> None:
        """Take the row away: nothing runs any more, on purpose."""
        with self._database.write() as session:
            row = session.get(Setting, KEY)
            if row is not None:
                session.delete(row)

    def last(self) -> Beat | None:
        """Return what was written last, or None where no supervisor ever wrote, or it stopped."""
        with self._database.read() as session:
            row = session.get(Setting, KEY)
            if row is None:
                return None
            return Beat(row.answered_at, tuple(Standing(**process) for process in row.value["processes"]))
