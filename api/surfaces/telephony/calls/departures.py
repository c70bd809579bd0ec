"""Calls whose carriers do not tell their end by themselves: written down when their socket is gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from api.deps import Deps
from api.records import channel
from api.records.channel import ChannelEvent
from api.records.channel_words import label_of, provider_of
from gateway.stores.schema import DEFAULT_TENANT

__all__ = ["Arrived", "Departures"]

logger = logging.getLogger(__name__)

WAITING = 1000


@dataclass(frozen=True, slots=True)
class Arrived:
    """A call that has a session now."""

    carrier: str
    call: str
    session_id: str
    at: float


class Departures:
    """Writes down that calls are over whose carriers do not tell it by themselves: their socket was all that there
    was. A route that ends may not wait any more, so this does it beside; of more than `WAITING` at once the latest are
    not written down."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._queue: asyncio.Queue[tuple[Arrived, float] | None] = asyncio.Queue(WAITING)

    async def lifetime(self, _app: web.Application) -> AsyncIterator[None]:
        """For `app.cleanup_ctx`."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write(), name="departures")
            yield
            await self._queue.put(None)

    def over(self, arrived: Arrived) -> None:
        try:
            self._queue.put_nowait((arrived, self._deps.clock()))
        except asyncio.QueueFull:
            logger.warning("%s: the end of a call was not written down: too many at once", arrived.carrier)

    async def _write(self) -> None:
        while (one := await self._queue.get()) is not None:
            arrived, at = one
            duration = max(0, round(at - arrived.at))
            event = ChannelEvent(
                "completed",
                "call_completed",
                "completed",
                provider_of(arrived.carrier),
                at,
                label_of("completed"),
                meta={"callDurationSec": duration},
            )
            try:
                await channel.append(
                    self._deps.database,
                    DEFAULT_TENANT,
                    arrived.session_id,
                    [event],
                    carrier_call=arrived.call,
                    began=arrived.at,
                )
            except SQLAlchemyError as error:
                logger.warning(
                    "%s: the end of a call was not written down: %s", arrived.carrier, type(error).__name__
                )
