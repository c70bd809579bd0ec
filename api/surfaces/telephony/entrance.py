"""Calls that come in by a door: a socket that no webhook announced has a session as soon as its stream begins."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from api.deps import Deps
from api.errors import ApiError
from api.records import channel
from api.records.channel import ChannelEvent
from api.records.channel_words import label_of, provider_of
from api.records.sessions import NewSession
from api.surfaces.telephony.answering import Answering
from api.surfaces.telephony.events import received
from gateway.errors import CallRejected
from gateway.stores.schema import DEFAULT_TENANT
from gateway.supervisor import CallRequest
from gateway.wire import Started, Unverified

__all__ = ["Departures", "Entrance"]

logger = logging.getLogger(__name__)

WAITING = 1000
NAME_LONGEST = 90
"""Characters of a call's name; together with a session's id it fits where carriers' calls are kept."""


@dataclass(frozen=True, slots=True)
class _Arrived:
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
        self._queue: asyncio.Queue[tuple[_Arrived, float] | None] = asyncio.Queue(WAITING)

    async def lifetime(self, _app: web.Application) -> AsyncIterator[None]:
        """For `app.cleanup_ctx`."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write(), name="departures")
            yield
            await self._queue.put(None)

    def over(self, arrived: _Arrived) -> None:
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


class Entrance:
    """The reception (`api.switchboard.Reception`) of one socket that needs no ticket, and its way out."""

    def __init__(
        self,
        deps: Deps,
        answering: Answering,
        departures: Departures,
        *,
        name_of: Callable[[Started], str],
        wish: str | None = None,
        once: bool = False,
    ) -> None:
        """`name_of`: the carrier's own name of a call, empty when it has none that can be believed. `wish`: the persona
        that the socket's URL names. `once`: the name is the proof, so it is good for one call."""
        self._deps = deps
        self._answering = answering
        self._departures = departures
        self._name_of = name_of
        self._wish = wish
        self._once = once
        self._arrived: _Arrived | None = None

    async def receive(self, carrier: str, started: Started) -> CallRequest:
        """Raises Unverified, CallRejected."""
        now = self._deps.clock()
        try:
            wish = self._wish or started.parameters.get("persona")
            persona = self._answering.persona(wish, started.called)
        except ApiError as error:
            raise CallRejected(str(error)) from None
        new = NewSession(DEFAULT_TENANT, persona.scenario, persona.scenario_title, persona.id)
        call = self._name_of(started)
        if not call or len(call) > NAME_LONGEST or not call.isprintable():
            call = f"walk-in-{new.id}"
        try:
            if not await self._opened(carrier, call, new, now):
                if self._once:
                    raise Unverified("a name that was good for one call, and had it")
                # A carrier may bring one call twice, and two switches may name theirs alike: the later has a
                # longer name.
                call = f"{call}-{new.id}"
                await self._opened(carrier, call, new, now)
        except SQLAlchemyError as error:
            raise CallRejected(f"the database does not answer: {type(error).__name__}") from None
        self._arrived = _Arrived(carrier, call, new.id, now)
        return CallRequest(new.id, new.tenant, persona)

    async def _opened(self, carrier: str, call: str, new: NewSession, now: float) -> bool:
        """Whether the new session is the call's; it had one already if not. Raises SQLAlchemyError."""
        session_id = await channel.open_call(
            self._deps.database,
            self._deps.access,
            new,
            carrier=carrier,
            carrier_call=call,
            direction="inbound",
            first=received(carrier, now),
            now=now,
        )
        return session_id == new.id

    def over(self) -> None:
        """The socket is gone."""
        if self._arrived is not None:
            self._departures.over(self._arrived)
            self._arrived = None
