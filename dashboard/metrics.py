"""Numbers for Prometheus at ``/metrics``: how the program does, never how a person does. No label names anyone.

Requests, sockets and samples are those of this web process; the outbox, processes and what their stages count are read
from the database, so that every web process tells the same of them.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, cast

from flask import Blueprint, Flask, Response, abort, current_app, g, request
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from dashboard.access import Access, allow
from dashboard.hosts import CAME_BY_PROXY
from dashboard.services import Services, services
from engage.core.meters import METERS, read_histogram
from engage.core.updates import LiveUpdate
from engage.errors import StorageError
from engage.storage.outbox import tallies
from engage.storage.pulse import Pulse, Standing

blueprint = Blueprint("metrics", __name__)

EXTENSION = "engage.metrics"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


@dataclass(frozen=True, slots=True)
class Meters:
    """What this web process counts itself."""

    registry: CollectorRegistry
    requests: Counter
    seconds: Histogram
    updates: Counter
    samples: Counter


def attach(app: Flask) -> None:
    """Count the application's requests and serve its numbers."""
    registry = CollectorRegistry()
    app.extensions[EXTENSION] = Meters(
        registry,
        Counter("engage_requests", "Requests answered.", ["endpoint", "method", "status"], registry=registry),
        Histogram("engage_request_seconds", "Time to answer.", ["endpoint"], buckets=BUCKETS, registry=registry),
        Counter("engage_updates", "Committed updates passed on to pages.", registry=registry),
        Counter("engage_samples", "Student seconds passed on, by whether with a score.", ["scored"], registry=registry),
    )  # fmt: skip
    registry.register(_Standings(app))
    app.before_request(_begin)
    app.after_request(_count)
    app.register_blueprint(blueprint)


def meters(app: Flask) -> Meters:
    """Return the meters of ``app``."""
    return cast(Meters, app.extensions[EXTENSION])


def count_updates(app: Flask, updates: Iterable[LiveUpdate]) -> None:
    """Count what was committed and is passed on."""
    of_app = meters(app)
    for update in updates:
        of_app.updates.inc()
        for scored in update.samples:
            of_app.samples.labels("no" if scored.score.value is None else "yes").inc()


def count_sent(app: Flask, payload: Mapping[str, Any]) -> None:
    """Count an update that came as its JSON (``core.live.update_payload``)."""
    of_app = meters(app)
    of_app.updates.inc()
    for sample in payload["samples"]:
        of_app.samples.labels("no" if sample["score"] is None else "yes").inc()


@blueprint.get("/metrics")
@allow(Access.PUBLIC)
def show() -> ResponseReturnValue:
    """Send the numbers to this machine, or to who has the token of the settings."""
    if not (_from_this_machine() or _has_token()):
        abort(403, "Metrics are for this machine, or for whoever sends the token of 'metrics.token'.")
    app = current_app._get_current_object()  # type: ignore[attr-defined] # of Werkzeug's proxy
    return Response(generate_latest(meters(app).registry), content_type=CONTENT_TYPE_LATEST)


def _from_this_machine() -> bool:
    try:
        local = ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
    return local and CAME_BY_PROXY not in request.environ


def _has_token() -> bool:
    token = services().settings.metrics.token
    if token is None or request.authorization is None or request.authorization.type != "bearer":
        return False
    return hmac.compare_digest((request.authorization.token or "").encode(), token.get_secret_value().encode())


def _begin() -> None:
    g.begun_s = time.perf_counter()


def _count(response: Response) -> Response:
    """Count a request by its endpoint: an address would hold ids, and a made-up one would be a label of its own."""
    of_app = meters(current_app._get_current_object())  # type: ignore[attr-defined] # as above
    endpoint = request.endpoint or "none"
    of_app.requests.labels(endpoint, request.method, str(response.status_code)).inc()
    begun_s = g.get("begun_s")
    if begun_s is not None:
        of_app.seconds.labels(endpoint).observe(time.perf_counter() - begun_s)
    return response


class _Standings(Collector):
    """What is looked up when someone asks: sockets, sessions, processes, the outbox."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the numbers of now; without the database only that it cannot be reached."""
        server: Any = self._app.extensions["socketio"].server
        yield GaugeMetricFamily("engage_sockets", "Open sockets of pages.", value=len(server.eio.sockets))
        here = cast(Services, self._app.extensions["engage"])
        try:
            stored = list(_stored(here))
        except StorageError:
            stored = []
        yield GaugeMetricFamily("engage_database_up", "1 where the database answers.", value=float(bool(stored)))
        yield from stored


def _stored(here: Services) -> Iterator[Metric]:
    running = here.queries.running_sessions()
    yield GaugeMetricFamily("engage_sessions_running", "Sessions that run.", value=len(running))
    outbox = GaugeMetricFamily("engage_notices", "Notices of the last days, by how they ended.", labels=["outcome"])
    for outcome, number in tallies(here.database).items():
        outbox.add_metric([outcome], number)
    yield outbox
    beat = Pulse(here.database).last()
    up = GaugeMetricFamily("engage_process_up", "1 where a process works.", labels=["process"])
    restarts = GaugeMetricFamily("engage_process_restarts", "Restarts of a process.", labels=["process"])
    events = CounterMetricFamily("engage_process_events", "What a process counted.", labels=["process", "event"])
    for each in beat.processes if beat else ():
        up.add_metric([each.name], float(each.ready and not each.given_up))
        restarts.add_metric([each.name], each.restarts)
        for event, number in each.counters.items():
            events.add_metric([each.name, event], number)
    yield from (up, restarts, events)
    yield from _stages(beat.processes if beat else ())


def _stages(processes: Sequence[Standing]) -> Iterator[Metric]:
    """Yield what the stages of the line count, by process; those that no process counts are left out."""
    for name, meter in METERS.items():
        counted = [
            (each.name, each.meters) for each in processes if f"{name}_sum" in each.meters or name in each.meters
        ]
        if not counted:
            continue
        if meter.kind == "histogram":
            histogram = HistogramMetricFamily(f"engage_{name}", meter.help, labels=["process"])
            for process, values in counted:
                read = read_histogram(name, values)
                if read is not None:
                    histogram.add_metric([process], list(read.cumulated), read.total)
            yield histogram
            continue
        family = CounterMetricFamily if meter.kind == "counter" else GaugeMetricFamily
        single = family(f"engage_{name}", meter.help, labels=["process"])
        for process, values in counted:
            single.add_metric([process], values[name])
        yield single
