"""A keeper with a database and a folder of its own, and a call in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from api.records import sessions
from api.records.access import AccessKeys
from gateway.config import Settings
from gateway.ports import CallRecord
from gateway.recordings.keeper import Keeper
from gateway.stores.engine import EVERY_TENANT
from gateway.stores.recordings import Recording
from gateway.stores.sql import SqlStore
from media.audio import AudioFormat
from media.record import Chunk

__all__ = ["NOW", "House", "house"]

NOW = 1_800_000_000.0
MULAW = AudioFormat(8000, "mu")


@dataclass
class House:
    store: SqlStore
    keeper: Keeper
    clock: list[float]

    async def call(self, call_id: str, tenant: str = "acme") -> str:
        """A call that is on; the id of its session."""
        new = sessions.NewSession(tenant, "testing", "Testing", "assistant")
        session, _ = await sessions.create(self.store.database, AccessKeys(b"k" * 32), new, NOW)
        await self.store.begin_call(
            CallRecord(call_id, session.id, tenant, "assistant", "twilio", "openai", self.clock[0])
        )
        return session.id

    async def record(self, call_id: str, seconds: int = 2, form: AudioFormat = MULAW) -> None:
        tape = self.keeper.tape(call_id, form)
        samples = form.rate * seconds * form.sample_bytes
        tape.write(Chunk(0, form.silence * samples, form.silence * samples))
        await tape.close()

    async def rows(self) -> list[Recording]:
        async with self.store.database.reading(EVERY_TENANT) as db:
            return list(await db.scalars(select(Recording).order_by(Recording.call_id)))


@asynccontextmanager
async def house(url: str, folder: Path, **settings: Any) -> AsyncIterator[House]:
    clock = [NOW]
    async with (
        SqlStore.open(url) as store,
        Keeper.open(Settings(data_dir=folder, **settings), store.database, lambda: clock[0]) as keeper,
    ):
        yield House(store, keeper, clock)
