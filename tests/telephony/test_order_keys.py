"""Keys of calls out, in a database that several processes have: one of them places the call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from api.records.order_keys import CLAIM_S, Claim, ClaimEnded, OrderKeys, Otherwise, Underway
from api.surfaces.telephony.outbound.idempotency import Once
from gateway.stores.engine import Database

pytestmark = pytest.mark.integration


@dataclass
class Process:
    """One that places calls."""

    database: Database
    keys: OrderKeys
    name: str
    refused: bool = False
    placed: list[str] = field(default_factory=list)
    once: Once = field(init=False)

    def __post_init__(self) -> None:
        self.once = Once(self.keys)

    async def asks(self, key: str = "k", asked: str = "her") -> str:
        async def place(claim: Claim) -> str:
            await asyncio.sleep(0)
            if self.refused:
                raise ValueError("refused")
            session = f"{self.name}-{len(self.placed)}"
            self.placed.append(session)
            async with self.database.writing(claim.tenant) as db:
                await claim.keep(db, session)
            return session

        return await self.once.run("t", key, asked, place)


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def processes(url: str) -> AsyncIterator[tuple[Process, Process, Clock]]:
    clock = Clock()
    async with Database.open(url) as one, Database.open(url) as other:
        yield (
            Process(one, OrderKeys(one, clock), "one"),
            Process(other, OrderKeys(other, clock), "other"),
            clock,
        )


async def test_of_all_who_ask_by_one_key_at_any_process_one_places_the_call(any_database: str) -> None:
    async with processes(any_database) as (one, other, _):
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(each.asks()) for _ in range(3) for each in (one, other)]
        assert len({task.result() for task in asked}) == 1
        assert len(one.placed + other.placed) == 1
        # Later too, at a process that was not there then.
        late = Process(one.database, OrderKeys(one.database, Clock()), "late")
        assert await late.asks() == asked[0].result()
        with pytest.raises(Otherwise):
            await other.asks(asked="him")
        assert await other.asks("k-2", "him") == other.placed[-1]


async def test_what_failed_may_be_tried_again_anywhere(sqlite_url: str) -> None:
    async with processes(sqlite_url) as (one, other, _):
        one.refused = True
        with pytest.raises(ValueError, match="refused"):
            await one.asks()
        assert await other.asks() == "other-0"


async def test_who_dies_while_it_places_a_call_keeps_its_key_until_the_claim_ends(
    any_database: str,
) -> None:
    async with processes(any_database) as (one, other, clock):
        dead = await one.keys.claim("t", "k", "her")
        assert isinstance(dead, Claim)
        clock.now += CLAIM_S - 1
        with pytest.raises(Underway):
            await other.keys.claim("t", "k", "her")
        clock.now += 1
        ours = await other.keys.claim("t", "k", "her")
        assert isinstance(ours, Claim)
        # Should it live after all, it frees nothing that is not its own.
        await one.keys.free(dead)
        with pytest.raises(Underway):
            await one.keys.claim("t", "k", "her")
        # Nor does it write down a call beside another's.
        with pytest.raises(ClaimEnded):
            async with one.database.writing("t") as db:
                await dead.keep(db, "one-0")
        with pytest.raises(Underway):
            await one.keys.claim("t", "k", "her")
        await other.keys.free(ours)
        assert isinstance(await one.keys.claim("t", "k", "her"), Claim)


async def test_the_call_goes_on_when_who_asked_for_it_leaves(sqlite_url: str) -> None:
    async with processes(sqlite_url) as (one, other, _):
        leaving = asyncio.create_task(one.asks())
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        assert leaving.cancelled()
        # Which of two processes is first nobody knows, so the other asks once the call is placed.
        async with asyncio.timeout(30):
            while not one.placed or one.once._placing:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.01)
        assert await other.asks() == "one-0"
