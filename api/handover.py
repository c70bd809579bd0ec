"""A request for what lives in another worker goes there, its connection and all (`gateway.crew`)."""

from __future__ import annotations

import logging

from aiohttp import web

from api import body
from api.auth import HANDED
from api.deps import Deps
from api.errors import ApiError
from gateway.workers.mailbox import Undeliverable

__all__ = ["arrived", "give"]

logger = logging.getLogger(__name__)

MOST = 1024 * 1024
"""Bytes of a body that nobody has read yet: each route has a limit of its own, far below."""
_FRAMING = (b"content-length", b"transfer-encoding", b"content-encoding", b"expect")
"""What tells how a body travels: it goes on in one piece, as it was read."""


def arrived(request: web.Request, deps: Deps) -> None:
    """To be called of every request, first."""
    if deps.handed and request.protocol in deps.handed:
        deps.handed.discard(request.protocol)
        request[HANDED] = True


async def give(request: web.Request, home: int, deps: Deps) -> web.Response:
    """To the worker `home`. What this returns is written nowhere. Raises ApiError 400, 408, 413, 503."""
    if deps.hand_over is None or request.get(HANDED):
        # Every worker reckons homes alike, so this is none of a request's that went its way once.
        raise _unavailable()
    read = await written(request)
    transport = request.transport
    if transport is None:
        return web.Response()
    if request.protocol._messages:  # noqa: SLF001 - aiohttp tells nobody what else it has read
        # What a client has sent without waiting for this answer is taken apart already.
        raise ApiError(
            503, "Wait for each answer before the next request.", headers={"Connection": "close"}
        )
    transport.pause_reading()
    read += bytes(request.protocol._message_tail)  # noqa: SLF001 - as above
    try:
        await deps.hand_over(home, transport.get_extra_info("socket").fileno(), read)
    except Undeliverable as error:
        logger.error("a request for worker %d was not taken: %s", home, error)
        transport.resume_reading()
        raise _unavailable() from None
    deps.counts.add("parley_requests_handed_over", 1)
    # Closes our file of the connection, not the connection: the other worker has a file of its own.
    transport.abort()
    return web.Response()


async def written(request: web.Request) -> bytes:
    """The request as it goes on. Raises ApiError 400, 408, 413."""
    whole = request.get(body.READ)
    if whole is None:
        whole = await body.read(request, MOST)
    version = f"HTTP/{request.version.major}.{request.version.minor}"
    lines = [f"{request.method} {request.raw_path} {version}".encode("utf-8", "surrogateescape")]
    lines += [name + b": " + value for name, value in request.raw_headers if name.lower() not in _FRAMING]
    if whole or request.method not in ("GET", "HEAD"):
        lines.append(b"Content-Length: %d" % len(whole))
    return b"\r\n".join((*lines, b"", whole))


def _unavailable() -> ApiError:
    return ApiError(
        503, "The worker that has this call does not answer; try again.", headers={"Retry-After": "2"}
    )
