"""How many cores, how much memory and how many processes a school needs, reckoned from what was measured. Pure.

What is measured is a straight line: a fixed part, and a part for each student at a certain rate. Looking at frames and
reading faces grow with the rate; scoring, writing and telling pages go by the student second, whatever the rate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BY_FRAME = ("capture", "inference")
"""Processes whose work grows with the rate; of the others it is taken not to shrink with it."""
FEW_SIZES = 2
BEYOND = 5.0
"""A school this many times larger than the largest class that was measured is told so."""


@dataclass(frozen=True, slots=True)
class Line:
    """``fixed + each * students``; neither is below zero."""

    fixed: float
    each: float

    def at(self, students: float) -> float:
        """Return the value for so many students."""
        return self.fixed + self.each * students


@dataclass(frozen=True, slots=True)
class Measured:
    """What ``engage bench scale`` or ``live`` found: lines by process and of the memory, at ``rate_fps``."""

    rate_fps: float
    cores: Mapping[str, Line]
    memory_mb: Line
    most_students: int
    """Of the largest class that was borne."""
    machine_cores: int


@dataclass(frozen=True, slots=True)
class School:
    """What is wanted: students at the same time, their rate, and how full machines may be."""

    students: int
    rate_fps: float
    pages: int
    """Live pages of teachers open at the same time."""
    browsers: int
    """Students whose pictures come from a browser of their own."""
    threads: int
    """Sockets that one web process bears (``web.threads``)."""
    load: float = 0.7
    """Share of a machine's cores that may be busy."""
    machine_cores: int = 0
    """Cores of each machine; 0 means as many as the measured one has."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What the school needs: cores at work by process, and what that comes to."""

    cores: Mapping[str, float]
    machines: int
    memory_gb_each: float
    capture_groups: int
    inference_workers: int
    web_processes: int
    samples_per_s: int
    beyond: float
    """How many times larger the school is than the largest class that was measured."""
    notes: tuple[str, ...]

    @property
    def total_cores(self) -> float:
        """Return the cores at work, all together."""
        return sum(self.cores.values())


def fit(points: Sequence[tuple[float, float]]) -> Line:
    """Return the straight line nearest to ``(students, value)`` points; of a single one all is each student's."""
    if not points:
        return Line(0.0, 0.0)
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if len(points) < FEW_SIZES or not spread:
        return Line(0.0, mean_y / mean_x)
    slope = max(0.0, sum((x - mean_x) * (y - mean_y) for x, y in points) / spread)
    if mean_y - slope * mean_x < 0:  # through the origin instead: nothing costs less than nothing
        return Line(0.0, sum(x * y for x, y in points) / sum(x * x for x, _ in points))
    return Line(mean_y - slope * mean_x, slope)


def needs(measured: Measured, school: School, samples_per_s_borne: float | None = None) -> Needs:
    """Return what ``school`` needs. ``samples_per_s_borne`` is what the database was measured to take, where it was."""
    faster = school.rate_fps / measured.rate_fps
    cores = {
        name: line.fixed + line.each * school.students * (faster if name in BY_FRAME else max(1.0, faster))
        for name, line in measured.cores.items()
    }
    per_machine = (school.machine_cores or measured.machine_cores) * school.load
    machines = max(1, math.ceil(sum(cores.values()) / per_machine))
    on_each = school.students / machines
    web = max(
        1, math.ceil((school.pages + school.browsers) / school.threads), math.ceil(cores.get("web", 0) / school.load)
    )
    beyond = school.students / measured.most_students if measured.most_students else math.inf
    return Needs(
        cores=cores,
        machines=machines,
        memory_gb_each=measured.memory_mb.at(on_each) / 1024,
        capture_groups=max(1, math.ceil(cores.get("capture", 0) / school.load)),
        inference_workers=max(1, math.ceil(cores.get("inference", 0) / school.load)),
        web_processes=web,
        samples_per_s=school.students,
        beyond=beyond,
        notes=tuple(_notes(school, machines, beyond, samples_per_s_borne)),
    )


def _notes(school: School, machines: int, beyond: float, borne: float | None) -> list[str]:
    notes = []
    if machines > 1:
        notes.append("More than one machine: PostgreSQL, Redis and Ray (docs/cluster.md).")
    if beyond > BEYOND:
        notes.append(f"The school is {beyond:.0f} times larger than what was measured: begin with a part of it.")
    if borne is None:
        notes.append("The database was not measured: engage bench store --postgres --json > store.json")
    elif borne < school.students:
        notes.append(f"The measured database takes {borne:.0f} student seconds a second; {school.students} are needed.")
    return notes
