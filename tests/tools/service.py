"""A web service as HTTP tools meet them: it keeps what it was asked, and answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

__all__ = ["Asked", "Service"]


@dataclass(frozen=True)
class Asked:
    method: str
    target: str
    """Path and query as they came over the wire."""
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Service:
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    answers: list[web.Response | str] = field(default_factory=list)
    """Given in turn; the last for ever. `hang` never answers, `break` closes the connection, `echo`
    says back what was asked."""
    cut: asyncio.Event = field(default_factory=asyncio.Event)
    """A client that waited went away."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def last(self) -> Asked:
        return self.asked[-1]

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[Service]:
        service = cls()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", service._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        service.port = runner.addresses[0][1]
        try:
            yield service
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append(Asked(request.method, request.raw_path, dict(request.headers), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == "hang":
            try:
                await asyncio.sleep(3600)
            finally:
                self.cut.set()
        if answer == "break":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if answer == "echo":
            return web.json_response({"target": request.raw_path, "headers": dict(request.headers)})
        assert isinstance(answer, web.Response)
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers.copy())
