"""The whole application on a socket of this process, with a database and real calls, and a model that speaks tones."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from api.app import create_app, import_surfaces, make_runner
from api.deps import Deps
from api.records.access import AccessKeys
from api.records.tools import SqlRecords
from api.tokens import Tokens
from gateway.call.plan import CallDeps
from gateway.clients.webrtc import LegSettings, WebRtcLeg
from gateway.config import from_env
from gateway.ports import Model
from gateway.recordings.keeper import Keeper
from gateway.stores.sql import SqlStore
from gateway.supervisor import Supervisor
from media.speech_likeness import preload
from personas import library
from personas.catalog import Catalog
from personas.catalogs import Catalogs
from tests.carriage.mock import ToneModel, ToneSession
from tests.telephony import record
from tools import library as tool_library

__all__ = ["PUBLIC", "Office", "office"]

PUBLIC = "https://voice.example.test"
PERSONAS = library.load()
TOOLS = tool_library.load()
SECRET = b"0123456789abcdef0123456789abcdef"


@dataclass
class Office:
    url: str
    log: Path
    """As `tests.e2e.server.Server` has it: the database lies beside."""
    model: ToneModel
    supervisor: Supervisor
    beside: Any
    """The carrier's API, if it has one (`bringing.Way.beside`)."""
    audiosocket: tuple[str, int]
    """Where AudioSockets are taken, if they are."""

    async def session(self, within_s: float = 20.0) -> ToneSession:
        """The model's side of the latest call. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not self.model.sessions:  # noqa: ASYNC110 - a mock
                await asyncio.sleep(0.005)
        return list(self.model.sessions.values())[-1]

    async def told(self, call: str, events: int = 0, within_s: float = 20.0) -> record.Recorded:
        """What was written down of a carrier's call, once it is over and so many channel events are there."""
        async with asyncio.timeout(within_s):
            while True:
                found = await asyncio.to_thread(record.only_call, self, call)
                if len(found.events) >= events:
                    return found
                await asyncio.sleep(0.02)

    async def kept(self, call: str) -> int:
        """How many sessions there are of a carrier's call."""
        return len(await asyncio.to_thread(record.sessions_of, self, call))


def free_port() -> tuple[str, int]:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        host, port = one.getsockname()
        return host, port


@asynccontextmanager
async def office(
    folder: Path, environ: Mapping[str, str], beside: Any = None, *, max_calls: int = 20
) -> AsyncIterator[Office]:
    """`environ`: settings besides."""
    environ = dict(environ)
    data = folder / "data"
    data.mkdir()
    at = free_port()
    if "PARLEY_AUDIOSOCKET" in environ:
        environ["PARLEY_AUDIOSOCKET"] = f"{at[0]}:{at[1]}"
    settings = from_env(
        {
            "PARLEY_DATA_DIR": str(data),
            "PARLEY_PUBLIC_URL": PUBLIC,
            "PARLEY_PHONE_PERSONA": "dental_reception",
            "PARLEY_MAX_CALLS": str(max_calls),
            **environ,
        }
    )
    model = ToneModel(reply_ms=1500)
    await asyncio.to_thread(preload, 2)
    await asyncio.to_thread(import_surfaces, settings)
    async with (
        SqlStore.open(f"sqlite+aiosqlite:///{data / 'parley.db'}") as store,
        Keeper.open(settings, store.database) as keeper,
    ):
        deps = CallDeps(
            models=(cast("Model", model),),
            model_name="tone-1",
            store=store,
            records=lambda tenant: SqlRecords(store.database, tenant),
            tools=TOOLS,
            setup_s=5.0,
        )
        async with Supervisor.open(deps, max_calls=max_calls, drain_s=0.0) as supervisor:
            runner = make_runner(
                create_app(
                    Deps(
                        settings=settings,
                        supervisor=supervisor,
                        database=store.database,
                        catalogs=Catalogs(Catalog(PERSONAS)),
                        tokens=Tokens(SECRET),
                        access=AccessKeys(SECRET),
                        recordings=keeper,
                        make_leg=lambda call_id: WebRtcLeg(call_id, LegSettings((), (), 5.0)),
                        model="tone-1",
                        tools=TOOLS,
                        runtime=deps.door,
                    )
                )
            )
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                host, port = runner.addresses[0][:2]
                yield Office(f"http://{host}:{port}", folder / "server.log", model, supervisor, beside, at)
                await supervisor.drain()
            finally:
                await runner.cleanup()
