"""Traces of single frames by OpenTelemetry, where the settings name a collector for them (extra 'otel')."""

from __future__ import annotations

import threading
from datetime import datetime
from importlib.util import find_spec
from typing import Any

from engage.core.traces import NoTraces, Trace, Traces, trace_of
from engage.errors import SettingsError

NS = 1_000_000_000
FLUSH_MS = 1000


def build_traces(endpoint: str | None, share: float, process: str) -> Traces:
    """Return what takes down frames for the collector at ``endpoint`` (OTLP over HTTP), or nothing without one.

    Raises SettingsError where the package is missing.
    """
    if endpoint is None or share <= 0:
        return NoTraces()
    if find_spec("opentelemetry.sdk") is None or find_spec("opentelemetry.exporter") is None:
        raise SettingsError("Setting 'tracing.endpoint' needs OpenTelemetry: pip install 'engage[otel]'.")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return FrameTraces(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=2)), share, process)


class FrameTraces:
    """Frames as spans: one from capture until it was looked at, the later stages, of whatever process, below it."""

    def __init__(self, processor: Any, share: float, process: str) -> None:
        """Hand spans to ``processor``, a SpanProcessor of OpenTelemetry's SDK."""
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        self._share = share
        self._ids = _given_ids()
        resource = Resource.create({"service.name": "engage", "service.instance.id": process})
        self._provider = TracerProvider(resource=resource, id_generator=self._ids)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("engage")

    def begin(self, session_id: int, student_id: int, captured_at: datetime, ended: float) -> None:
        """Take down the frame itself."""
        trace = trace_of(session_id, student_id, captured_at, self._share)
        if trace is not None:
            self._ids.give(trace)
            span = self._tracer.start_span("frame", _root(), start_time=int(captured_at.timestamp() * NS))
            span.set_attribute("session", session_id)
            span.end(int(ended * NS))

    def stage(self, name: str, frame: tuple[int, int, datetime], began: float, ended: float) -> None:
        """Take down one stage of a frame."""
        trace = trace_of(*frame, self._share)
        if trace is not None:
            self._tracer.start_span(name, _below(trace), start_time=int(began * NS)).end(int(ended * NS))

    def close(self) -> None:
        """Send off what waits."""
        self._provider.force_flush(FLUSH_MS)
        self._provider.shutdown()


def _root() -> Any:
    from opentelemetry.context import Context

    return Context()


def _below(trace: Trace) -> Any:
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    parent = SpanContext(trace.trace_id, trace.root_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(parent), _root())


def _given_ids() -> Any:
    """Return a generator of ids that gives the next span of this thread those of a trace, where it was told one."""
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class GivenIds(RandomIdGenerator):
        def __init__(self) -> None:
            self._next = threading.local()

        def give(self, trace: Trace) -> None:
            self._next.trace_id, self._next.span_id = trace.trace_id, trace.root_id

        def generate_trace_id(self) -> int:
            return self._next.__dict__.pop("trace_id", None) or super().generate_trace_id()

        def generate_span_id(self) -> int:
            return self._next.__dict__.pop("span_id", None) or super().generate_span_id()

    return GivenIds()
