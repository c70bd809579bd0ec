"""Spans to a collector, by OTLP over HTTP (protobuf). The only module that imports OpenTelemetry.

The SDK's thread sends them in batches. What calls do is put a span into its queue; when that is full, new spans are
dropped and counted. So a collector that is slow or dead costs spans and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from threading import Lock, Thread

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.errors import ConfigError
from gateway.metrics.counts import let_go
from gateway.tracing.spans import Span, Value

__all__ = ["CLOSE_S", "OtlpTracer", "opened"]

logger = logging.getLogger(__name__)

CLOSE_S = 3.0
"""How long the last spans have to be sent when the process stops."""
QUIET = ("opentelemetry.exporter", "opentelemetry.sdk._shared_internal")
"""Loggers that repeat themselves while a collector is away, and quote its address, which may hold a key."""


class Delivery(SpanExporter):
    """Hands batches on, on the SDK's thread, and knows how many spans wait for it."""

    def __init__(self, onward: SpanExporter, queue: int) -> None:
        self._onward = onward
        self._queue = queue
        self._waiting = 0
        self._lock = Lock()
        self._failing = False
        self._closed = False

    def room(self) -> bool:
        """Whether one more span may wait; it is counted as waiting then."""
        with self._lock:
            if self._waiting >= self._queue:
                return False
            self._waiting += 1
            return True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self._lock:
            self._waiting -= len(spans)
        done = SpanExportResult.FAILURE if self._closed else self._onward.export(spans)
        failed = done is not SpanExportResult.SUCCESS
        if failed:
            let_go("spans", len(spans))
        if failed is not self._failing and not self._closed:
            self._failing = failed
            if failed:
                logger.warning("the collector does not take our traces; they are dropped")
            else:
                logger.info("the collector takes our traces again")
        return done

    def shutdown(self) -> None:
        if not self._closed:
            self._closed = True
            self._onward.shutdown()


class Bounded(SpanProcessor):
    """In front of the SDK's queue, which drops what is oldest and tells nobody: here the newest are dropped, and
    counted."""

    def __init__(self, delivery: Delivery, queue: int) -> None:
        self._delivery = delivery
        self._batches = BatchSpanProcessor(delivery, max_queue_size=queue)

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None or not span.context.trace_flags.sampled:
            return
        if self._delivery.room():
            self._batches.on_end(span)
        else:
            let_go("spans")

    def shutdown(self) -> None:
        self._batches.shutdown()  # type: ignore[no-untyped-call]  # the SDK's has no types


class OtlpSpan:
    """`gateway.tracing.spans.Span`."""

    def __init__(self, span: trace.Span) -> None:
        self.span = span

    def set(self, name: str, value: Value) -> None:
        if self.span.is_recording():
            self.span.set_attribute(name, value)

    def end(self, at: float, error: str | None = None) -> None:
        if error is not None:
            self.set("error.type", error)
            self.span.set_status(trace.StatusCode.ERROR)
        self.span.end(_ns(at))


class OtlpTracer:
    """`gateway.tracing.spans.Tracer`."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer
        self._incoming = TraceContextTextMapPropagator()

    def begin(
        self,
        name: str,
        at: float,
        attributes: Mapping[str, Value],
        *,
        parent: Span | str = "",
        client: bool = False,
    ) -> OtlpSpan:
        context = Context()
        if isinstance(parent, OtlpSpan):
            context = trace.set_span_in_context(parent.span, context)
        elif isinstance(parent, str) and parent:
            context = self._incoming.extract({"traceparent": parent}, context)
        kind = trace.SpanKind.CLIENT if client else trace.SpanKind.INTERNAL
        return OtlpSpan(
            self._tracer.start_span(name, context, kind, attributes=dict(attributes), start_time=_ns(at))
        )


@asynccontextmanager
async def opened(url: str, queue: int) -> AsyncIterator[OtlpTracer]:
    """Sends until the block is left, and then for `CLOSE_S` at most. Raises ConfigError: the SDK reads the rest of
    `OTEL_…` itself (headers, certificates, timeouts, sampler, resource), and may not like it."""
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        # It reads certificates and our own version from the disk.
        provider, delivery, tracer = await asyncio.to_thread(_provider, url, queue)
    except (ValueError, OSError) as fault:
        raise ConfigError([f"OTEL_…: OpenTelemetry cannot work with these settings: {fault}"]) from None
    try:
        yield tracer
    finally:
        await _closed(provider, delivery)


def _provider(url: str, queue: int) -> tuple[TracerProvider, Delivery, OtlpTracer]:
    ours = version("parley")
    resource = Resource.create()
    if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: "parley", SERVICE_VERSION: ours}))
    delivery = Delivery(OTLPSpanExporter(url), queue)
    # The SDK would wait half a minute at the end of the process, were it not told not to.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(Bounded(delivery, queue))
    return provider, delivery, OtlpTracer(provider.get_tracer("parley", ours))


async def _closed(provider: TracerProvider, delivery: Delivery) -> None:
    """Send what waits, if the collector takes it in time. The thread dies with the process, should it hang."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def close() -> None:
        provider.shutdown()
        with suppress(RuntimeError):  # nobody waits any more: the loop is closed
            loop.call_soon_threadsafe(over.set)

    Thread(target=close, name="traces-closing", daemon=True).start()
    try:
        async with asyncio.timeout(CLOSE_S):
            await over.wait()
    except TimeoutError:
        logger.warning("the last traces could not be sent within %.0f s", CLOSE_S)
        delivery.shutdown()


def _ns(at: float) -> int:
    return round(at * 1e9)
