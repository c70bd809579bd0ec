"""Recordings from the spool to where they are kept, and away again when their time is over.

What is to be done stands in the spool itself: every file that nobody writes any more is stored, written down and
removed, whether its call ended, its process died, or the storage did not answer the last time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from gateway.beside import beside
from gateway.config import Settings
from gateway.errors import StoreError
from gateway.log import where
from gateway.recordings.spool import WHOLE, Spool, SpoolTape, measured
from gateway.recordings.vault import Vault
from gateway.stores.engine import EVERY_TENANT, Database
from gateway.stores.recordings import Recording
from gateway.stores.schema import Call
from media.audio import AudioFormat, Law
from media.wav import HEAD_BYTES, WavError, moment
from personas.persona import Persona

__all__ = ["Keeper"]

logger = logging.getLogger(__name__)

RETRY_S = 60.0
"""How often the spool is looked at without being told."""
SWEEP_S = 3600.0
"""How often recordings that are too old are looked for."""
SWEPT_AT_ONCE = 100
DAY_S = 86_400
ENCODINGS: dict[Law | None, str] = {None: "pcm16", "mu": "mulaw", "a": "alaw"}


class Keeper:
    """`gateway.ports.Recordings`, and what the API reads and deletes by. Made by `Keeper.open`."""

    def __init__(
        self,
        which: Literal["off", "persona", "all"],
        days: int | None,
        vault: Vault,
        database: Database,
        clock: Callable[[], float],
    ) -> None:
        self._which = which
        self._days = days
        self._vault = vault
        self._database = database
        self._clock = clock
        self._news = asyncio.Event()
        self._spool: Spool | None = None
        self._swept_at = float("-inf")
        self._troubled = False
        self.waiting = 0
        """Finished recordings that are not where they are kept yet, as of the last look."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, database: Database, clock: Callable[[], float] = time.time
    ) -> AsyncIterator[Keeper]:
        """Keeps until the block is left. Raises ConfigError, StoreError."""
        data = settings.data_dir.absolute()
        vault = await asyncio.to_thread(Vault.open, settings.recordings_url, data / "recordings")
        keeper = cls(settings.recording, settings.recordings_days, vault, database, clock)
        spool = Spool.open(data / "spool", keeper._news.set)
        try:
            keeper._spool = await asyncio.to_thread(spool.__enter__)
        except OSError as error:
            raise StoreError(
                f"recordings cannot be written to {data / 'spool'}: {error.strerror}"
            ) from None
        try:
            async with beside(keeper._keep(), "recordings"):
                yield keeper
        finally:
            await asyncio.to_thread(spool.__exit__, None, None, None)

    # ── for calls (gateway.ports.Recordings) ──

    def wanted(self, persona: Persona) -> bool:
        return self._which == "all" or (self._which == "persona" and persona.recording.mode == "on")

    def tape(self, call_id: str, form: AudioFormat) -> SpoolTape:
        if self._spool is None:
            raise RuntimeError("a keeper that is not open")
        return self._spool.tape(call_id, form)

    # ── for the API ──

    async def read(self, recording: Recording, start: int, length: int) -> bytes:
        """Raises StoreError, FileNotFoundError."""
        return await asyncio.to_thread(self._vault.read, recording.key, start, length)

    async def delete(self, recording: Recording) -> None:
        """Sound first, so that none is left that nobody knows of. Raises StoreError, SQLAlchemyError."""
        await asyncio.to_thread(self._vault.delete, recording.key)
        async with self._database.writing(recording.tenant) as db:
            found = await db.get(Recording, recording.call_id)
            if found is not None:
                await db.delete(found)

    # ── the work ──

    async def _keep(self) -> None:
        while True:
            self._news.clear()
            try:
                await self.store_finished()
                if self._clock() - self._swept_at >= SWEEP_S:
                    await self.sweep()
                    self._swept_at = self._clock()
                self._troubled = False
            except (StoreError, SQLAlchemyError, OSError) as error:
                if not self._troubled:
                    logger.warning("recordings wait in the spool: %s; tried again", _told(error))
                self._troubled = True
            except Exception as fault:  # noqa: BLE001 - our bug, which must not end what others wait for
                logger.error("keeping recordings failed: %s", where(fault))
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S):
                    await self._news.wait()

    async def store_finished(self) -> None:
        """Take what is finished out of the spool. Raises StoreError, SQLAlchemyError, OSError: what is left waits."""
        assert self._spool is not None
        finished = await asyncio.to_thread(self._spool.finished)
        self.waiting = len(finished)
        for path in finished:
            try:
                form, samples = await asyncio.to_thread(measured, path)
            except FileNotFoundError:
                self.waiting -= 1
                continue  # another process was faster
            except WavError:
                await asyncio.to_thread(path.unlink, missing_ok=True)
                self.waiting -= 1
                continue
            async with self._database.reading(EVERY_TENANT) as db:
                call = await db.scalar(select(Call).where(Call.id == path.stem))
            if call is None:
                logger.warning(
                    "a recording in the spool is of no call that is written down: it stays there"
                )
                continue
            await self._store(path, call, form, samples)
            self.waiting -= 1

    async def _store(self, path: Path, call: Call, form: AudioFormat, samples: int) -> None:
        day = datetime.fromtimestamp(call.started_at, UTC).date().isoformat()
        row = Recording(
            tenant=call.tenant,
            call_id=call.id,
            session_id=call.session_id,
            key=f"{call.tenant}/{day}/{call.id}.wav",
            encoding=ENCODINGS[form.law],
            rate=form.rate,
            duration_ms=samples * 1000 // form.rate,
            size=HEAD_BYTES + samples * moment(form),
            complete=path.suffix == WHOLE,
            created_at=call.started_at,
        )
        try:
            await asyncio.to_thread(self._vault.put, row.key, path)
        except FileNotFoundError:
            return  # another process was faster
        with suppress(IntegrityError):  # it was written down before, and only the spool's file was left
            async with self._database.writing(call.tenant) as db:
                db.add(row)
        await asyncio.to_thread(path.unlink, missing_ok=True)

    async def sweep(self) -> None:
        """Delete what is older than it may be. Raises StoreError, SQLAlchemyError."""
        if self._days is None:
            return
        oldest = self._clock() - self._days * DAY_S
        query = select(Recording).where(Recording.created_at < oldest).order_by(Recording.created_at)
        while True:
            async with self._database.reading(EVERY_TENANT) as db:
                old = (await db.scalars(query.limit(SWEPT_AT_ONCE))).all()
            for recording in old:
                await self.delete(recording)
            if len(old) < SWEPT_AT_ONCE:
                return


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, StoreError) else type(error).__name__
