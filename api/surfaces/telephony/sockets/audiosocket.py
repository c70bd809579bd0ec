"""Where Asterisk's AudioSockets come in: a TCP port of their own (reference/telephony.md, section 10.1).

The UUID that comes first is all that such a connection tells. It is the one-time token of the dialplan's webhook, or
anything at all from an address that the operator named, good for one call.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import AsyncIterator
from uuid import UUID

from aiohttp import web

from api.surfaces.telephony.calls.departures import Departures
from api.surfaces.telephony.counter import Counter
from api.surfaces.telephony.sockets.reception import Announced, WalkIn
from api.switchboard import LiveCall, Switchboard, load_streams
from gateway.carriers import asterisk_audiosocket
from gateway.crew import crew
from gateway.errors import CallRejected, ConfigError
from gateway.log import where
from gateway.supervisor import CallRequest
from gateway.wire import Started, Unverified

__all__ = ["Listener"]

logger = logging.getLogger(__name__)

CARRIER = asterisk_audiosocket.NAME
STREAMS = load_streams()
START_S = 3.0
"""Asterisk tells the UUID as it connects."""
SPARE = 20
"""Connections beyond the lines there are, of calls that begin or end; more are closed as they come."""


class Listener:
    def __init__(self, counter: Counter, departures: Departures) -> None:
        self._counter = counter
        self._departures = departures
        self._switchboard = Switchboard(
            STREAMS, counter.phones, Announced(counter, departures), start_s=START_S, reattach_s=0
        )
        settings = counter.deps.settings
        self._at = settings.audiosocket
        self._from = [ipaddress.ip_network(one) for one in settings.audiosocket_from]
        self._connections = 0

    async def lifetime(self, _app: web.Application) -> AsyncIterator[None]:
        """For `app.cleanup_ctx`. Raises ConfigError when the port cannot be had."""
        if self._at is None or crew().here != 0:
            yield
            return
        host, _, port = self._at.rpartition(":")
        async with asyncio.TaskGroup() as group:
            tasks: set[asyncio.Task[None]] = set()

            def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = group.create_task(self._take(reader, writer), name="audiosocket")
                tasks.add(task)
                task.add_done_callback(tasks.discard)

            try:
                server = await asyncio.start_server(connected, host.strip("[]"), int(port))
            except OSError as error:
                raise ConfigError(
                    [f"PARLEY_AUDIOSOCKET: cannot listen on {self._at}: {error.strerror}"]
                ) from None
            bound = server.sockets[0].getsockname()
            logger.info("audiosocket listening on %s:%d", bound[0], bound[1])
            if (
                not ipaddress.ip_address(bound[0]).is_private
                or ipaddress.ip_address(bound[0]).is_unspecified
            ):
                logger.warning(
                    "PARLEY_AUDIOSOCKET: nothing is encrypted there: bind it to a private address"
                )
            async with server:
                yield
            # The calls have been drained before; what is left never became one.
            for task in tasks:
                task.cancel()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from first to last; its faults end here."""
        peer = writer.get_extra_info("peername")
        room = self._connections < self._counter.deps.settings.max_calls + SPARE
        if peer is None or not room:
            writer.transport.abort()
            return
        guest = _Guest(self._counter, self._departures, listed=self._listed(peer[0]))
        self._connections += 1
        try:
            await self._switchboard.connection(CARRIER, reader, writer, reception=guest)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not cost the others their port
            logger.error("an AudioSocket broke: %s", where(error))
            writer.transport.abort()
        finally:
            self._connections -= 1
            guest.over()

    def _listed(self, address: str) -> bool:
        """Whether a UUID from there needs not be ours."""
        found = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        free = self._counter.deps.settings.telephony_open and found.is_loopback
        return bool(free) or any(found in network for network in self._from)


class _Guest:
    """The reception of one connection."""

    def __init__(self, counter: Counter, departures: Departures, *, listed: bool) -> None:
        self._counter = counter
        self._announced = Announced(counter, departures)
        self._walk_in = (
            WalkIn(counter, departures, name_of=lambda started: started.call_id, once=True)
            if listed
            else None
        )

    async def receive(self, carrier: str, started: Started) -> CallRequest | LiveCall:
        """Raises Unverified, CallRejected."""
        ticket = self._announced.redeemed(carrier, UUID(started.parameters["token"]).hex)
        if ticket is not None:
            return await self._announced.request(ticket)
        if self._walk_in is None:
            raise Unverified("a UUID that is none of ours, or no longer good")
        if self._counter.phones.full:
            raise CallRejected("no line is free")
        return await self._walk_in.receive(carrier, started)

    def over(self) -> None:
        self._announced.over()
        if self._walk_in is not None:
            self._walk_in.over()
