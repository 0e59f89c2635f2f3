"""Frames followed through several processes, without anything that travels with them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from engage.capture_settings import Capture
from engage.core.pacing import Tempo
from engage.core.traces import NoTraces, trace_of
from engage.core.types import ScoredSample
from engage.pipeline.collector import Collector, CollectorSettings
from engage.pipeline.feedback import Feedback
from engage.tracing import FrameTraces, build_traces
from tests.pipeline.test_collector import START, Rig, frame

ELSEWHERE = timezone(timedelta(hours=5, minutes=45))
AT = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)


def test_every_process_chooses_the_same_frames_and_as_many_as_were_asked_for() -> None:
    frames = [AT + timedelta(milliseconds=200 * k) for k in range(5000)]
    chosen = [at for at in frames if trace_of(1, 2, at, 0.1)]
    assert 400 < len(chosen) < 600
    assert chosen == [at for at in frames if trace_of(1, 2, at.astimezone(ELSEWHERE), 0.1)]
    assert trace_of(1, 2, AT, 0.0) is None and trace_of(1, 2, AT, 1.0) is not None
    ids = {trace_of(session, 2, at, 1.0) for session in (1, 2) for at in frames}
    assert len(ids) == 10_000


def test_stages_of_three_processes_are_one_trace() -> None:
    exporter = InMemorySpanExporter()
    capture, inference, collector = (FrameTraces(SimpleSpanProcessor(exporter), 1.0, name) for name in "abc")
    began = AT.timestamp()
    collector.stage("commit", (1, 2, AT), began + 0.3, began + 0.4)
    inference.stage("inference", (1, 2, AT), began + 0.1, began + 0.2)
    capture.begin(1, 2, AT, began + 0.05)
    inference.stage("inference", (1, 3, AT), began, began)
    spans = {span.name: span for span in exporter.get_finished_spans()[:3]}
    other = exporter.get_finished_spans()[3]
    root = spans["frame"]
    assert root.parent is None
    for name in ("commit", "inference"):
        assert spans[name].context.trace_id == root.context.trace_id != other.context.trace_id
        assert spans[name].parent.span_id == root.context.span_id != spans[name].context.span_id
    assert root.start_time == pytest.approx(began * 1e9, abs=2000) and root.end_time > root.start_time
    assert spans["commit"].resource.attributes["service.instance.id"] == "c"
    assert set(root.attributes) == {"session"}, "it names nobody"


def test_the_collector_follows_frames_to_the_commit_and_the_page() -> None:
    exporter, rig = InMemorySpanExporter(), Rig()
    collector = Collector(
        CollectorSettings(rig.collector._settings.scoring), rig.store, rig.publisher, lambda *_: ((), ()), rig.clock,
        feedback=Feedback(Tempo(Capture(), 2)), traces=FrameTraces(SimpleSpanProcessor(exporter), 1.0, "collector"),
    )  # fmt: skip
    collector.take([frame(1, 0.0), frame(1, 1.5)])
    assert collector.flush()
    spans = exporter.get_finished_spans()
    assert [span.name for span in spans] == ["commit", "publish"] * len(rig.store.samples)
    stored = [scored.sample.captured_at for scored in rig.store.samples if isinstance(scored, ScoredSample)]
    expected = [trace_of(1, 1, at, 1.0) for at in stored]
    assert [span.context.trace_id for span in spans[::2]] == [trace.trace_id for trace in expected if trace]
    assert stored[0] >= START


@pytest.fixture
def received() -> Iterator[tuple[str, list[bytes]]]:
    """Yield the address of a collector for traces, and what it received."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", bodies
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_waits_is_sent_off_at_the_end(received: tuple[str, list[bytes]]) -> None:
    address, bodies = received
    traces = build_traces(address, 1.0, "inference")
    traces.begin(7, 2, AT, AT.timestamp() + 0.1)
    traces.close()
    sent = ExportTraceServiceRequest.FromString(b"".join(bodies))
    (span,) = sent.resource_spans[0].scope_spans[0].spans
    trace = trace_of(7, 2, AT, 1.0)
    assert trace is not None and int.from_bytes(span.trace_id) == trace.trace_id and span.name == "frame"


def test_a_collector_that_is_away_stops_nothing() -> None:
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    traces = build_traces("http://127.0.0.1:9/v1/traces", 1.0, "inference")
    traces.begin(7, 2, AT, AT.timestamp() + 0.1)
    traces.close()


def test_without_an_address_nothing_is_followed() -> None:
    assert isinstance(build_traces(None, 1.0, "x"), NoTraces)
    assert isinstance(build_traces("http://127.0.0.1:9", 0.0, "x"), NoTraces)
