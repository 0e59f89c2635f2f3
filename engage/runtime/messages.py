"""What the runtime itself sends between processes, beside the records of ``engage.core``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engage.runtime.specs import WorkerSpec


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Sent by every process about once a second: it lives, and so do, or do not, its workers.

    ``incarnation`` counts the starts of this process, so that a late word from a dead one is told apart. ``ages`` are
    seconds since the last beat of each worker, ``starting`` seconds since the start of workers that have not beaten
    yet. ``meters`` is a snapshot of what its stages count (``core.meters``). ``refusal`` is the one line of a worker
    that cannot start at all.
    """

    process: str
    incarnation: int
    pid: int
    ages: Mapping[str, float] = field(default_factory=dict)
    starting: Mapping[str, float] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    meters: Mapping[str, float] = field(default_factory=dict)
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """The complete list of workers that a capture group shall run from now on; meant for one incarnation only."""

    group: str
    incarnation: int
    workers: tuple[WorkerSpec, ...]


@dataclass(frozen=True, slots=True)
class Nudge:
    """Asks the supervisor to look at the plan at once; sent on the channel of the heartbeats."""

    reason: str = ""
