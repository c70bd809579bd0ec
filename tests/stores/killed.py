"""A process that dies while it books: `python -m tests.stores.killed URL before|after`. It kills itself just before the
booking is written down, or just after, when nobody has been told yet."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from api.records import sessions
from api.records.access import AccessKeys
from api.records.demo import seed
from api.records.executions import SqlLedger
from api.records.scheduling import BUSINESS_ZONE
from api.records.tool_policy import SqlPolicies
from api.records.tools import SqlRecords
from gateway.stores.schema import DEFAULT_TENANT, Session
from gateway.stores.sql import SqlStore
from tools.contract import Tool, ToolContext
from tools.library import load
from tools.runtime.door import Business, ToolRuntime
from tools.runtime.request import Request

__all__ = ["BOOK", "booked", "opened", "runtime_on"]

BOOK = load()["book_appointment"]


def runtime_on(store: SqlStore, tool: Tool = BOOK) -> ToolRuntime:
    return ToolRuntime(
        {tool.name: tool},
        records=lambda tenant: SqlRecords(store.database, tenant),
        ledger=SqlLedger(store.database, store.boot),
        policies=SqlPolicies(store.database),
        business=lambda _: Business(datetime.now(BUSINESS_ZONE)),
    )


async def opened(store: SqlStore) -> Session:
    """A session to book in."""
    await seed(store.database, datetime.now(UTC))
    new = sessions.NewSession(DEFAULT_TENANT, "dental-booking", "Booking", "dental_reception")
    session, _ = await sessions.create(store.database, AccessKeys(b"0" * 32), new, time.time())
    return session


def booked(session_id: str, starts_at: str, key: str = "the-key") -> Request:
    arguments = {"service": "cleaning", "starts_at": starts_at, "name": "Jordan Ellis", "phone": "555 0100"}
    return Request("book_appointment", arguments, "rest", DEFAULT_TENANT, session_id=session_id, key=key)


def killing(when: str) -> Tool:
    async def run(parameters: Any, context: ToolContext) -> dict[str, Any]:
        if when == "after":
            _ = await BOOK.run(parameters, context)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("nobody survives this")

    return replace(BOOK, run=run)


async def main(url: str, when: str) -> None:
    async with SqlStore.open(url) as store:
        session = await opened(store)
        slots = await SqlRecords(store.database, DEFAULT_TENANT).find_slots(
            service="cleaning", on=None, limit=1
        )
        starts_at = str(slots[0]["starts_at"])
        sys.stdout.write(f"{session.id} {starts_at}\n")
        sys.stdout.flush()
        _ = await runtime_on(store, killing(when)).execute(booked(session.id, starts_at))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
