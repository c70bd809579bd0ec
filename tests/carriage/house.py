"""A switchboard on a socket of this machine, with everything behind it but a real model and a database."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from aiohttp import web

from api.switchboard import LiveCall, Switchboard, load_streams
from gateway.call.plan import CallDeps
from gateway.ports import Model, Recordings
from gateway.supervisor import CallRequest, Supervisor
from gateway.wire import Started, Unverified
from media.speech_likeness import preload
from personas.persona import Persona
from tests.call.harness import persona
from tests.carriage.mock import ToneModel
from tests.fakes import FakeStore
from tools.contract import Records, Tool

__all__ = ["House", "house"]

STREAMS = load_streams()


@dataclass
class House:
    """Its reception takes whoever has the token, and gives a stream that names a call back to it."""

    base: str
    who: Persona
    model: ToneModel
    store: FakeStore
    supervisor: Supervisor
    started: list[Started] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def receive(self, carrier: str, started: Started) -> CallRequest | LiveCall:
        self.started.append(started)
        if started.parameters.get("token") != "abc123":
            raise Unverified("a stream without its token")
        if "call" in started.parameters:
            return LiveCall(started.parameters["call"])
        return CallRequest(f"s-{next(self.numbers)}", "t-1", self.who)

    @property
    def url(self) -> str:
        return "wss://voice.example.test/twilio"

    @property
    def endings(self) -> list[str]:
        return [str(ending) for _, ending, _ in self.store.ended]

    async def ended(self, count: int = 1, within_s: float = 20.0) -> list[str]:
        """The endings, once there are so many."""
        async with asyncio.timeout(within_s):
            while len(self.store.ended) < count:  # noqa: ASYNC110 - the store has no event for it
                await asyncio.sleep(0.01)
        return self.endings


@contextlib.asynccontextmanager
async def house(
    model: ToneModel | None = None,
    *,
    max_calls: int = 100,
    reattach_s: float = 30.0,
    start_s: float = 5.0,
    recordings: Recordings | None = None,
    tools: Mapping[str, Tool] | None = None,
    who: Persona | None = None,
) -> AsyncIterator[House]:
    model, store = model or ToneModel(), FakeStore()
    await asyncio.to_thread(preload, 2)
    models = (cast("Model", model),)
    deps = CallDeps(
        models, "test", store, lambda _: cast("Records", object()), tools or {}, setup_s=5.0, recordings=recordings
    )  # fmt: skip
    async with Supervisor.open(deps, max_calls=max_calls, drain_s=0.0) as supervisor:
        made = House("", who or persona(), model, store, supervisor)
        board = Switchboard(STREAMS, supervisor, made, start_s=start_s, reattach_s=reattach_s)

        async def route(request: web.Request) -> web.StreamResponse:
            return await board.websocket(request, request.match_info["carrier"])

        app = web.Application()
        app.router.add_get("/{carrier}", route)
        runner = web.AppRunner(app, shutdown_timeout=1, handler_cancellation=True)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            made.base = f"http://{host}:{port}"
            yield made
            supervisor.end_all()
        finally:
            await runner.cleanup()
