"""The HTTP side of a carrier: a small server that judges what an application asks of it."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tests.carrier_peers.application import served
from tests.carrier_peers.faults import Broken, Fault

__all__ = ["Reply", "Request", "RestDouble", "basic_auth"]

LONGEST_BODY = 2**20


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the application's."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    raw_query: str
    at: float
    """Seconds of the loop's clock."""

    @property
    def type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def form(self) -> list[tuple[str, str]]:
        """Fields of a form, in order. Raises ValueError."""
        return parse_qsl(
            self.body.decode(), keep_blank_values=True, strict_parsing=bool(self.body), max_num_fields=100
        )

    @property
    def json(self) -> Any:
        """Raises ValueError."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    value: object = None
    """JSON; None for an empty body."""
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Reply]]


class RestDouble:
    """Serves one handler on a port; keeps every request, and what was wrong with it."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.refusing: Reply | None = None
        """While set, every request gets it: an outage, or too many requests."""
        self.muddling: Reply | None = None
        """While set, every request is obeyed, and this is all that is heard of it."""
        self.base = ""
        """`http://127.0.0.1:port`, instead of the carrier's API host."""

    def of(self, method: str, ending: str) -> list[Request]:
        """Requests by method and the end of their path."""
        return [one for one in self.requests if one.method == method and one.path.endswith(ending)]

    def blame(self, broken: Broken, what: str) -> None:
        """Keep a fault that was found in an answer or a request."""
        self.faults.append(Fault(broken.code, broken.message, broken.rule, what, 0.0))

    @asynccontextmanager
    async def serving(self, handler: Handler, port: int = 0) -> AsyncIterator[None]:
        async def serve(asked: web.Request) -> web.Response:
            request = Request(
                asked.method,
                asked.rel_url.raw_path,
                dict(asked.query),
                asked.headers,
                await asked.read(),
                asked.rel_url.raw_query_string,
                asyncio.get_running_loop().time(),
            )
            self.requests.append(request)
            reply = self.refusing or await handler(request)
            reply = self.muddling or reply
            body = b"" if reply.value is None else json.dumps(reply.value).encode()
            kind = {"Content-Type": "application/json"} if body else {}
            return web.Response(status=reply.status, body=body, headers={**kind, **reply.headers})

        async with served([web.route("*", "/{path:.*}", serve)], port) as base:
            self.base = base
            yield


def basic_auth(request: Request) -> tuple[str, str] | None:
    """User and password of HTTP Basic authentication; None when there are none."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    user, _, password = b64decode(encoded).decode().partition(":")
    return user, password
