"""The worker of a picture with many people in it, put together from settings and database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engage.config import Settings
from engage.core.policy import rules_in_force
from engage.core.protocols import Stop, Worker
from engage.core.shared import Standing, standing
from engage.core.sites import Sites, site_of
from engage.core.types import Origin
from engage.runtime.channels import UPDATES, faces, frames, words
from engage.runtime.context import Context
from engage.runtime.specs import WorkerSpec
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.records import SourceKind
from engage.storage.shared import SharedSource, SharedSources

RATE_FPS = 2.0
"""What a shared window sends; faces in it are small, and many."""
LONGEST_PX = 1280
"""To which the longer side is scaled to find faces in: a grid of 25 has faces of 50 pixels there."""


def spec(source: SharedSource, sites: Sites) -> WorkerSpec:
    """Return what runs the worker of ``source``, where its camera is: at one of ``sites``, or anywhere."""
    origin = source.origin
    arguments = {
        "origin": [origin.session_id, origin.source_id, origin.student_id],
        "address": source.address,
        "window": source.kind is SourceKind.WINDOW,
    }
    name = f"shared-{origin.session_id}-{origin.source_id}"
    return WorkerSpec(name, "engage.cli.shared:shared", arguments, site_of(source.address, sites))


@dataclass(frozen=True, slots=True)
class DatabaseGate:
    """How each student of a session stands now; asks the database every time."""

    settings: Settings
    database: Database
    session_id: int

    def __call__(self) -> Mapping[int, Standing]:
        """Return the standing of each student. Raises StorageError where the database cannot be read."""
        jurisdiction, mode = rules_in_force(self.settings.policy, Classroom(self.database).setup())
        people = SharedSources(self.database).people(self.session_id)
        return {person.student_id: standing(jurisdiction, mode, person) for person in people}


@dataclass(frozen=True, slots=True)
class SharedWorker:
    """A SharedViewWorker with its database."""

    context: Context
    origin: Origin
    address: str
    window: bool

    def run(self, stop: Stop) -> None:
        """Work until ``stop`` is set."""
        database = Database.of(self.context.settings)
        database.open()
        try:
            self._worker(database).run(stop)
        finally:
            database.close()

    def _worker(self, database: Database) -> Worker:
        from engage.camera_gate import CameraGate
        from engage.capture.camera import Timeouts
        from engage.capture.reading import Pace
        from engage.capture.shared_view import SharedEnds, SharedParts, SharedViewWorker
        from engage.capture.sources import SourceOptions, open_source
        from engage.publish import build_views
        from engage.vision.detectors.registry import build_detector
        from engage.vision.seats import SeatKeeper
        from engage.vision.tiles import TileKeeper

        context, capture = self.context, self.context.settings.capture
        options = SourceOptions(
            timeouts=Timeouts(read_s=capture.read_timeout_s),
            pushed=lambda: context.receiver(frames(self.origin)),
            gate=CameraGate.of(context.settings),
        )
        parts = SharedParts(
            open_source(self.address, options, context.clock),
            build_detector(context.settings.vision.detector, context.settings, LONGEST_PX),
            TileKeeper() if self.window else SeatKeeper(),
            DatabaseGate(context.settings, database, self.origin.session_id),
        )
        views = build_views(context.settings, context.sender(UPDATES))
        found = context.sender(faces(self.origin.source_id, context.settings.inference.replicas))
        ends = SharedEnds(found, views, context.receiver(words(self.origin)))
        pace = Pace(RATE_FPS, capture.reconnect_first_s, capture.reconnect_longest_s)
        return SharedViewWorker(self.origin, pace, parts, ends, context)


def shared(context: Context, *, origin: tuple[int, int, int], address: str, window: bool) -> Worker:
    """Return the worker of a course's picture: a shared window, or a fixed camera before the class."""
    return SharedWorker(context, Origin(*origin), address, window)
