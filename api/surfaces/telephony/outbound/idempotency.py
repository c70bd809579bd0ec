"""A call that is placed once however often it is asked for (the `Idempotency-Key` header), of whichever process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError

from api.records.order_keys import Claim, OrderKeys, Otherwise, Underway

__all__ = ["WAIT_S", "Once"]

logger = logging.getLogger(__name__)

WAIT_S = 10.0
"""How long an answer may be waited for that another process is about to have."""
LOOK_S = 0.2


class Once:
    """What failed is not kept, so that it may be tried again."""

    def __init__(self, keys: OrderKeys) -> None:
        self._keys = keys
        self._placing: dict[tuple[str, str], tuple[str, asyncio.Task[str]]] = {}
        """What this process places just now, and what was asked."""

    async def run(self, tenant: str, key: str, asked: str, work: Callable[[Claim], Awaitable[str]]) -> str:
        """The session of the call that `work` places, or placed for this key before. It goes on when whoever waits
        leaves. Raises Otherwise when `asked` is not what it was then, Underway when another process is at it for longer
        than `WAIT_S`, SQLAlchemyError, and what `work` raises."""
        before = self._placing.get((tenant, key))
        if before is None:
            task = asyncio.get_running_loop().create_task(self._do(tenant, key, asked, work), name="once")
            self._placing[tenant, key] = asked, task
            task.add_done_callback(lambda done: self._done(tenant, key, done))
        else:
            was, task = before
            if was != asked:
                raise Otherwise
        return await asyncio.shield(task)

    async def _do(self, tenant: str, key: str, asked: str, work: Callable[[Claim], Awaitable[str]]) -> str:
        claim = await self._claim(tenant, key, asked)
        if isinstance(claim, str):
            return claim
        try:
            return await work(claim)
        except BaseException:
            try:
                await self._keys.free(claim)
            except SQLAlchemyError as error:
                logger.warning("a key is not free until its claim ends: %s", type(error).__name__)
            raise

    async def _claim(self, tenant: str, key: str, asked: str) -> Claim | str:
        patience = asyncio.get_running_loop().time() + WAIT_S
        while True:
            try:
                return await self._keys.claim(tenant, key, asked)
            except Underway:
                if asyncio.get_running_loop().time() > patience:
                    raise
            await asyncio.sleep(LOOK_S)

    def _done(self, tenant: str, key: str, task: asyncio.Task[str]) -> None:
        del self._placing[tenant, key]
        if not task.cancelled():
            task.exception()  # whoever waited may have left
