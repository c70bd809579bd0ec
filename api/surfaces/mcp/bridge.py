"""One request of aiohttp, answered by a server of the `mcp` package, whose transport speaks ASGI.

The package judges the protocol: versions with and without a handshake, headers, media types, JSON-RPC. It keeps nothing
between two requests, so any worker answers any of them, and what it starts for a request ends with that request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import MutableMapping
from typing import Any

from aiohttp import web
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from multidict import CIMultiDict

__all__ = ["answered"]

# It logs what was asked, and with its faults what was answered: that may be what people said.
logging.getLogger("mcp").setLevel(logging.CRITICAL + 1)


async def answered(request: web.Request, body: bytes, server: Server[Any]) -> web.Response:
    """What `server` says to the request, whose body was read. Each answer is one JSON document."""
    manager = StreamableHTTPSessionManager(
        server, json_response=True, stateless=True, max_request_body_size=max(len(body), 1)
    )
    exchange = _Exchange(body)
    async with manager.run():
        await manager.handle_request(_scope(request), exchange.receive, exchange.send)
    return web.Response(status=exchange.status, headers=exchange.headers, body=bytes(exchange.body))


def _scope(request: web.Request) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.raw_headers],
    }


class _Exchange:
    """The two ends that an ASGI application is given."""

    def __init__(self, body: bytes) -> None:
        self._given: bytes | None = body
        self.status = 500
        self.headers: CIMultiDict[str] = CIMultiDict()
        self.body = bytearray()

    async def receive(self) -> dict[str, Any]:
        if self._given is None:
            # A client that goes away cancels the request, and this with it.
            await asyncio.Event().wait()
        body, self._given = self._given, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            for name, value in message.get("headers", ()):
                if name != b"content-length":
                    self.headers.add(name.decode("latin-1"), value.decode("latin-1"))
        else:
            self.body += message.get("body", b"")
