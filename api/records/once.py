"""Writes that happen once: the same key gives the first result again."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.stores.business import OnceKey
from gateway.stores.engine import Database

__all__ = ["Result", "once"]

Result = dict[str, Any]

_TRIES = 3


async def once(
    database: Database,
    tenant: str,
    operation: str,
    key: str,
    write: Callable[[AsyncSession], Awaitable[Result]],
) -> Result:
    """Run `write` in a transaction and keep its result under the key, both or neither. When the key was used
    before, the kept result comes back and `write` is not run.

    When another transaction was faster at a unique row, `write` runs again and sees what that one did; so it must
    look before it writes. Raises what `write` raises, and SQLAlchemyError.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            async with database.writing(tenant) as db:
                kept = await db.get(OnceKey, (tenant, operation, key))
                if kept is not None:
                    return kept.result
                # The key goes in first: a second transaction with it waits here until this one is over.
                row = OnceKey(
                    tenant=tenant, operation=operation, key=key, result={}, created_at=time.time()
                )
                db.add(row)
                await db.flush()
                row.result = await write(db)
                await db.flush()
                return row.result
        except IntegrityError:
            if attempt == _TRIES:
                raise
    raise AssertionError("unreachable")
