"""What a call needs of a tracer, and which trace a request belongs to. Times are Unix seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Protocol

__all__ = ["Span", "Tracer", "Value", "open_tracer", "traceparent"]

Value = str | int | float | bool | tuple[str, ...]

traceparent: ContextVar[str] = ContextVar("traceparent", default="")
"""The `traceparent` (W3C Trace Context) of the request that this task works for, as it came; or nothing."""


class Span(Protocol):
    """A stretch of time that goes on. Nothing here waits or raises."""

    def set(self, name: str, value: Value) -> None:
        """An attribute. Nothing once the span has ended."""

    def end(self, at: float, error: str | None = None) -> None:
        """Once. `error`: what kind it was (`error.type`), should the work have failed."""


class Tracer(Protocol):
    """Takes spans to where they are kept. Nothing here waits or raises; what cannot be kept is counted and dropped."""

    def begin(
        self,
        name: str,
        at: float,
        attributes: Mapping[str, Value],
        *,
        parent: Span | str = "",
        client: bool = False,
    ) -> Span:
        """`parent`: a span of this tracer, or a `traceparent`; one that is malformed is none. `client`: the work is
        done elsewhere, and this process waits for it."""


@asynccontextmanager
async def open_tracer(url: str | None, queue: int) -> AsyncIterator[Tracer | None]:
    """Sends to the collector at `url` until the block is left; `queue` spans may wait. Without a `url` there is none.

    Raises ConfigError.
    """
    if url is None:
        yield None
        return
    # A third of a second of imports, and of no use to anybody else.
    otlp = await asyncio.to_thread(import_module, "gateway.tracing.otlp")
    async with otlp.opened(url, queue) as tracer:
        yield tracer
