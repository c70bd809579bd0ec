"""Parley's phone path under measurement: a gateway with a switchboard that takes every Twilio stream, and no webhook.

    PORT=9200 UPSTREAM=ws://127.0.0.1:9100/v1/realtime python -m scripts.bench.phone

The whole of a call is there (core, journal, store, provider), only the carrier's voice webhook and its token are not.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from aiohttp import web

from api.records import sessions
from api.records.access import AccessKeys
from api.switchboard import LiveCall, Switchboard, load_streams
from gateway import memory
from gateway.config import from_env
from gateway.main import fill_pool, import_the_rest, open_gateway
from gateway.stores.engine import Database
from gateway.supervisor import CallRequest
from gateway.wire import Started
from personas import library
from personas.persona import Persona

__all__ = ["main"]


TURNS = {"type": "server_vad", "silence_duration_ms": 400}
SESSION = {"type": "realtime", "audio": {"input": {"turn_detection": TURNS}}}
"""The silence that ends a turn, as those ask for whom Parley is measured against."""


class Anybody:
    """A reception that takes every stream, for a persona that waits for the caller to speak first."""

    def __init__(self, database: Database, persona: Persona) -> None:
        self._database = database
        self._persona = persona
        self._access = AccessKeys(b"bench" * 8)

    async def receive(self, carrier: str, started: Started) -> CallRequest | LiveCall:
        who = self._persona
        new = sessions.NewSession("bench", who.scenario, who.scenario_title, who.id)
        await sessions.create(self._database, self._access, new, asyncio.get_running_loop().time())
        return CallRequest(new.id, "bench", who, SESSION)


async def serve(port: int, upstream: str, folder: Path) -> None:
    persona = library.load()["assistant"].model_copy(update={"greeting": None, "tools": ()})
    kept = {k: v for k, v in os.environ.items() if k.startswith("PARLEY_")}
    wanted = {
        "PARLEY_PROVIDERS": "upstream",
        "PARLEY_UPSTREAM_URL": upstream.partition("?")[0],
        "PARLEY_UPSTREAM_API_KEY": "bench",
        "PARLEY_DATA_DIR": str(folder),
        "PARLEY_MAX_CALLS": "500",
        "PARLEY_LOG_LEVEL": "warning",
    }
    async with open_gateway(from_env(wanted | kept)) as gateway:
        board = Switchboard(load_streams(), gateway.supervisor, Anybody(gateway.store.database, persona))

        async def take(request: web.Request) -> web.StreamResponse:
            return await board.websocket(request, "twilio")

        app = web.Application()
        app.router.add_get("/media-stream", take)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            await fill_pool()
            await import_the_rest(gateway)  # no part of what a call takes
            memory.settle()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()


def main() -> int:
    import uvloop

    with tempfile.TemporaryDirectory(prefix="parley-phone-") as folder:
        try:
            uvloop.run(serve(int(os.environ["PORT"]), os.environ["UPSTREAM"], Path(folder)))
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
