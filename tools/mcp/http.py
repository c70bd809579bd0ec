"""An MCP server at an address: through the guard, and with a bound on what it may answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client

from tools.mcp.stdio import MAX_MESSAGE
from tools.outbound.guard import Guard

__all__ = ["streamable_http"]


@asynccontextmanager
async def streamable_http(
    url: str, *, guard: Guard, headers: Mapping[str, str], timeout_s: float
) -> AsyncIterator[TransportStreams]:
    timeout = httpx2.Timeout(timeout_s, connect=5.0)
    headers = {"Accept-Encoding": "identity", "User-Agent": "parley", **headers}
    # It reads the certificates of the system.
    inner = await asyncio.to_thread(httpx2.AsyncHTTPTransport, trust_env=False)
    guarded = _Guarded(guard, inner)
    async with (
        httpx2.AsyncClient(transport=guarded, headers=headers, timeout=timeout, trust_env=False) as client,
        streamable_http_client(url, http_client=client, max_sse_event_size=MAX_MESSAGE) as streams,
    ):
        yield streams


class TooLong(httpx2.StreamError):
    pass


class _Guarded(httpx2.AsyncBaseTransport):
    """Connects to the very addresses that the guard judged, and proves by TLS that the named host is there."""

    def __init__(self, guard: Guard, inner: httpx2.AsyncHTTPTransport) -> None:
        self._guard = guard
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises Refused, and what httpx2 raises."""
        url = self._guard.check(str(request.url.copy_with(userinfo=b"")))
        assert url.host is not None
        assert url.port is not None
        addresses = await self._guard.addresses(url.host, url.port)
        response: httpx2.Response | None = None
        for address in addresses:
            asked = httpx2.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": url.host},
            )
            try:
                response = await self._inner.handle_async_request(asked)
                break
            except httpx2.ConnectError:
                if address == addresses[-1]:
                    raise
        assert response is not None
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise httpx2.DecodingError(
                "the server packs its answers, though it was asked not to", request=request
            )
        if not response.headers.get("content-type", "").lower().startswith("text/event-stream"):
            # A stream of events may go on for ever; each event has the SDK's bound.
            response.stream = _Bounded(response.stream)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        taken = 0
        async for chunk in self._stream:
            taken += len(chunk)
            if taken > MAX_MESSAGE:
                await self._stream.aclose()
                raise TooLong(f"an answer longer than {MAX_MESSAGE} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
