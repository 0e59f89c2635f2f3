"""The factories of all workers, called by name in the process that runs them (see ``engage.runtime.specs``).

Heavy packages are imported inside, so that the web process never loads PyTorch or OpenCV.
"""

from __future__ import annotations

from dataclasses import dataclass

from engage.core.protocols import Stop, Worker
from engage.core.types import Mode, Origin
from engage.runtime.channels import FACES, SIGNALS, UPDATES
from engage.runtime.context import Context


def capture(context: Context, *, origin: tuple[int, int, int], mode: str, address: str, rate_fps: float) -> Worker:
    """Return the worker of one student's source."""
    from engage.capture.camera import Timeouts
    from engage.capture.looking import FaceFinder
    from engage.capture.sources import SourceOptions, open_source
    from engage.capture.worker import CaptureJob, CaptureWorker
    from engage.vision.detectors.registry import build_detector

    settings = context.settings
    job = CaptureJob(
        Origin(*origin),
        Mode(mode),
        rate_fps,
        settings.capture.reconnect_first_s,
        settings.capture.reconnect_longest_s,
    )
    options = SourceOptions(timeouts=Timeouts(read_s=settings.capture.read_timeout_s))
    source = open_source(address, options, context.clock)
    detector = build_detector(settings.vision.detector, settings)
    finder = FaceFinder(detector, memory_s=settings.vision.track_memory_s)
    return CaptureWorker(job, source, finder, context.sender(FACES), context)


def inference(context: Context) -> Worker:
    """Return the worker that classifies the faces of all students."""
    from engage.inference.batching import BatchLimits
    from engage.inference.classifier import load
    from engage.inference.worker import InferenceWorker

    settings = context.settings
    folder = settings.models.classifier and settings.path(settings.models.classifier)
    limits = BatchLimits(settings.inference.max_batch, settings.inference.max_wait_s, settings.inference.max_age_s)
    return InferenceWorker(context, load(folder, threads=settings.inference.threads), limits)


@dataclass(frozen=True, slots=True)
class CollectorWorker:
    """The collector with its channels and database, as a worker."""

    context: Context

    def run(self, stop: Stop) -> None:
        """Collect until ``stop`` is set."""
        from engage.pipeline.collector import Collector, CollectorSettings
        from engage.publish.registry import build_publisher
        from engage.storage.database import Database
        from engage.storage.queries import Queries
        from engage.storage.store import SqlStore

        settings, pipeline = self.context.settings, self.context.settings.pipeline
        database = Database(settings.database_url)
        database.open()
        queries = Queries(database)
        limits = CollectorSettings(settings.scoring, pipeline.max_batch, pipeline.max_wait_s, pipeline.backlog)
        publisher = build_publisher(settings, self.context.sender(UPDATES))
        collector = Collector(
            limits, SqlStore(database, settings.scoring), publisher, queries.student_samples, self.context.clock
        )
        try:
            collector.run(self.context.receiver(SIGNALS), self.context.beat, stop)
        finally:
            database.close()


def collector(context: Context) -> Worker:
    """Return the worker that scores, commits and publishes."""
    return CollectorWorker(context)


@dataclass(frozen=True, slots=True)
class WebWorker:
    """The dashboard's server as a worker; it takes its stop from the signals of its process."""

    context: Context

    def run(self, stop: Stop) -> None:
        """Serve until SIGTERM."""
        from dashboard.server import serve

        serve(self.context.settings, lambda: self.context.receiver(UPDATES), self.context.beat)


def web(context: Context) -> Worker:
    """Return the worker that serves the dashboard."""
    return WebWorker(context)
