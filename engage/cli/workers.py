"""The factories of all workers, called by name in the process that runs them (see ``engage.runtime.specs``).

Heavy packages are imported inside, so that the web process never loads PyTorch or OpenCV.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from engage.core.looks import LOOKS
from engage.core.pacing import LEAST_FPS
from engage.core.protocols import Receiver, Stop, Worker
from engage.core.types import Mode, Origin
from engage.errors import StorageError
from engage.runtime.channels import SIGNALS, UPDATES, faces, frames, hints, words
from engage.runtime.context import Context

if TYPE_CHECKING:
    from engage.capture.worker import CaptureJob
    from engage.storage.database import Database

log = logging.getLogger(__name__)

CONNECTIONS = 4
"""Open connections per thread of the web server: those beyond the threads wait, as it takes them itself."""

PATIENT_SHARE = 0.3
DATABASE_AGAIN_S = 1.0


def capture(context: Context, *, origin: tuple[int, int, int], mode: str, address: str, rate_fps: float) -> Worker:
    """Return the worker of one student's source."""
    from engage.capture.worker import CaptureJob

    settings = context.settings.capture
    job = CaptureJob(
        Origin(*origin),
        Mode(mode),
        rate_fps,
        settings.reconnect_first_s,
        settings.reconnect_longest_s,
        LEAST_FPS if settings.adapt else None,
    )
    return capture_of(context, job, address, lambda: context.receiver(frames(job.origin)))


def capture_of(context: Context, job: CaptureJob, address: str, pushed: Callable[[], Receiver]) -> Worker:
    """Return the worker of ``job``; frames of a browser's ``address`` come from what ``pushed`` opens."""
    from engage.camera_gate import CameraGate
    from engage.capture.camera import Timeouts
    from engage.capture.pushed import PushedSource
    from engage.capture.sources import SourceOptions, open_source
    from engage.capture.worker import CaptureWorker, Ends
    from engage.cli.finding import build_finder

    settings = context.settings
    timeouts = Timeouts(read_s=settings.capture.read_timeout_s)
    options = SourceOptions(timeouts=timeouts, pushed=pushed, gate=CameraGate.of(settings))
    source = open_source(address, options, context.clock)
    follow = settings.vision.follow and job.mode is not Mode.PRESENCE
    hears = follow or settings.capture.adapt
    found = context.sender(faces(job.origin.source_id, settings.inference.replicas))
    ends = Ends(found, context.receiver(hints(job.origin)) if hears else None)
    finder = build_finder(settings, "primary", follow=follow)
    if isinstance(source, PushedSource):
        source.need = finder.need
    return CaptureWorker(job, source, finder, ends, context, meters=context.meters, traces=context.traces)


def inference(context: Context, *, replica: int = 0) -> Worker:
    """Return the worker that reads the faces of all students, or of those that fall to this ``replica``."""
    from engage.cli.finding import build_reader
    from engage.inference.batching import BatchLimits
    from engage.inference.worker import InferenceWorker

    settings = context.settings
    limits = BatchLimits(settings.inference.max_batch, settings.inference.max_wait_s, settings.inference.max_age_s)
    reader = build_reader(settings, settings.inference.threads)
    return InferenceWorker(
        context, reader, limits, hints if settings.vision.follow else None, meters=context.meters,
        traces=context.traces, faces_channel=faces(replica, settings.inference.replicas),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CollectorWorker:
    """The collector with its channels and database, as a worker."""

    context: Context

    def run(self, stop: Stop) -> None:
        """Collect until ``stop`` is set."""
        from engage.cli.hinting import Hinting, feedback
        from engage.pipeline.collector import Collector, CollectorSettings
        from engage.publish.registry import build_publisher
        from engage.storage.admission import Admission
        from engage.storage.alarms import Alarms
        from engage.storage.database import Database
        from engage.storage.queries import Queries
        from engage.storage.store import SqlStore

        settings, pipeline = self.context.settings, self.context.settings.pipeline
        # Between two signs of life it may have to wait twice; what waits to be written is lost with a hanging process.
        database = Database.of(settings, settings.runtime.heartbeat_timeout_s * PATIENT_SHARE)
        if not await_database(self.context, database, stop):
            return
        queries = Queries(database)
        limits = CollectorSettings(settings.scoring, pipeline.max_batch, pipeline.max_wait_s, pipeline.backlog)
        publisher = build_publisher(settings, self.context.sender(UPDATES))
        hinting = Hinting(self.context)
        collector = Collector(
            limits, SqlStore(database, settings.scoring), publisher, queries.past, self.context.clock,
            alarms=Alarms(database, self.context.beat),
            calibrations=lambda: queries.calibrations_since(self.context.clock.now() - timedelta(seconds=10)),
            admit=Admission(database),
            feedback=feedback(self.context, hinting),
            traces=self.context.traces,
        )  # fmt: skip
        try:
            collector.run(self.context.receiver(SIGNALS), self.context.beat, stop)
        finally:
            hinting.close()
            database.close()


def await_database(context: Context, database: Database, stop: Stop) -> bool:
    """Open ``database``, waiting for one that is away now; return False where ``stop`` came first.

    ``engage serve`` itself has opened it before, so the address is right: a process that begins anew while the
    database is down must not use up its restarts.
    """
    while not stop.is_set():
        context.beat()
        try:
            database.open()
            return True
        except StorageError as error:
            log.warning("worker=%s waits for the database: %s", context.name, error)
        stop.wait(DATABASE_AGAIN_S)
    return False


def looks(context: Context) -> Worker:
    """Return the worker that looks at single pictures for "Try it"; the network is loaded when somebody first does."""
    from engage.capture.uploads import read_upload
    from engage.capture.virtual.snapshot import draw
    from engage.inference.looks import Eyes, LookParts, LookWorker

    settings = context.settings

    def load() -> Eyes:
        from engage.cli.analysis_run import PICTURE_PX
        from engage.cli.finding import build_finder, build_reader

        finder = build_finder(settings, "all", longest_px=PICTURE_PX, follow=False)
        return Eyes(finder, build_reader(settings, settings.inference.threads))

    return LookWorker(context, LookParts(load, read_upload, lambda moment: draw(moment.seed, moment.at_s)))


def collector(context: Context) -> Worker:
    """Return the worker that scores, commits and publishes."""
    return CollectorWorker(context)


@dataclass(frozen=True, slots=True)
class WebWorker:
    """The dashboard's server as a worker; it takes its stop from the signals of its process."""

    context: Context
    socket_file: Path | None
    number: int

    def run(self, stop: Stop) -> None:
        """Serve until SIGTERM."""
        from dashboard.server import Lines, serve
        from engage.publish import open_updates
        from engage.storage.database import Database

        context, database = self.context, Database.of(self.context.settings)
        if not await_database(context, database, stop):
            return
        database.close()
        lines = Lines(
            lambda: open_updates(context.settings, lambda: context.receiver(UPDATES)),
            context.beat,
            lambda origin: context.sender(frames(origin)),
            lambda origin: context.sender(words(origin)),
            lambda answers: (context.sender(LOOKS), context.receiver(answers)),
            context.settings.web.port + self.number,
            self.socket_file,
        )
        serve(context.settings, lines)


def web(context: Context, *, socket_file: str | None = None, number: int = 0) -> Worker:
    """Return the worker that serves the dashboard: at its address, or behind ``tls`` at a socket.

    ``number`` tells several web processes apart, each at a port of its own.
    """
    return WebWorker(context, Path(socket_file) if socket_file else None, number)


def tls(context: Context, *, socket_file: str) -> Worker:
    """Return the worker that speaks TLS with browsers and passes on to the dashboard's socket."""
    from engage.certificates import certificate_for
    from engage.runtime.tls import Entrance, KeyPair, TlsWorker

    def find() -> KeyPair:
        found = certificate_for(context.settings)
        return KeyPair(found.chain, found.key)

    web = context.settings.web
    return TlsWorker(context, Entrance(web.listens_on, web.port, Path(socket_file), CONNECTIONS * web.threads), find)
