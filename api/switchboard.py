"""Phone calls from a carrier's socket to the supervisor: which stream, which call, a new one or a lost one's.

For the routes of carriers: they verify the handshake, then give the request to `Switchboard.websocket`. Whose call it
is depends on what the carrier's start says (our own one-time token among it), so a `Reception` is asked then. Nothing
but the socket and its stream is there before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakValueDictionary

from aiohttp import web

from api.deps import Reservations
from gateway import plugins
from gateway.carriage.inbox import CallbackSocket
from gateway.carriage.leg import REATTACH_S, CarrierLeg
from gateway.carriage.line import START_S, Line
from gateway.carriage.links import MAX_MESSAGE, Link, TcpLink, WebSocketLink
from gateway.errors import CallRejected, LegError
from gateway.supervisor import CallRequest
from gateway.wire import Started, Stream, Unverified

__all__ = ["LiveCall", "Opener", "Reception", "Switchboard", "load_openers", "load_streams"]

Opener = Callable[[str, Mapping[str, str]], Stream]
"""Makes the stream of one socket by the URL and the headers of its handshake. Raises Unverified, ValueError."""

logger = logging.getLogger(__name__)

SHARED = "dialects"
"""Among the carriers' modules the one that is none."""
HEARTBEAT_S = 20.0
"""After so long without any message a carrier is pinged; one that does not answer within half of it is gone."""
CLOSE_S = 2.0


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A live call whose socket was lost, or is to be replaced: the new one is its."""

    call_id: str


class Reception(Protocol):
    async def receive(self, carrier: str, started: Started) -> CallRequest | LiveCall:
        """Whose call this is, by what the carrier told as its stream began. Raises Unverified when the stream has no
        right to a call, CallRejected when there can be none now."""


class Switchboard:
    """The phone calls of this process."""

    def __init__(
        self,
        streams: Mapping[str, Callable[[], Stream]],
        supervisor: Reservations,
        reception: Reception,
        *,
        start_s: float = START_S,
        reattach_s: float = REATTACH_S,
    ) -> None:
        self._streams = streams
        self._supervisor = supervisor
        self._reception = reception
        self._start_s = start_s
        self._reattach_s = reattach_s
        self._legs: WeakValueDictionary[str, CarrierLeg] = WeakValueDictionary()
        """Of the calls that are live: with a leg its whole call would stay, hundreds of KB."""

    async def websocket(
        self,
        request: web.Request,
        carrier: str,
        *,
        stream: Stream | None = None,
        reception: Reception | None = None,
    ) -> web.StreamResponse:
        """A carrier's WebSocket, verified by its route: upgrade it and carry the call until the socket is over.
        `stream`: the one to speak, where the handshake decided something about it; `reception`: who is asked instead
        of the switchboard's. Raises LookupError for a carrier that does not exist."""
        stream = self._streams[carrier]() if stream is None else stream
        socket = CallbackSocket(
            protocols=() if stream.subprotocol is None else (stream.subprotocol,),
            timeout=CLOSE_S,
            heartbeat=HEARTBEAT_S,
            max_msg_size=MAX_MESSAGE,
            # The link writes its frames itself; and base64 is not worth deflating.
            compress=False,
        )
        await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket
        await self.carry(Line(carrier, stream, WebSocketLink(socket, transport)), reception=reception)
        return socket

    async def connection(
        self,
        carrier: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        reception: Reception | None = None,
    ) -> None:
        """A carrier's TCP connection: the callback of `asyncio.start_server`. Raises LookupError."""
        link: Link = TcpLink(reader, writer)
        await self.carry(Line(carrier, self._streams[carrier](), link), reattach_s=0, reception=reception)

    async def carry(
        self, line: Line, *, reattach_s: float | None = None, reception: Reception | None = None
    ) -> None:
        """From the first message of a line to its last. Its faults end here, its call by itself."""
        try:
            started = await line.answer(self._start_s)
            whose = await (reception or self._reception).receive(line.carrier, started)
            await self._begin(line, whose, reattach_s)
        except (LegError, CallRejected, Unverified) as error:
            logger.warning("a stream of %s was not taken: %s", line.carrier, error)
            line.send(line.stream.hang_up() if line.started is not None else [])
            await line.close()
            return
        await line.serve()

    async def _begin(self, line: Line, whose: CallRequest | LiveCall, reattach_s: float | None) -> None:
        if isinstance(whose, LiveCall):
            leg = self._legs.get(whose.call_id)
            if leg is None:
                raise Unverified("a stream for a call that is not live")
            await leg.reattach(line)
            return
        call_id = self._supervisor.reserve(whose.session_id)
        try:
            leg = CarrierLeg(
                call_id, line, reattach_s=self._reattach_s if reattach_s is None else reattach_s
            )
            self._supervisor.begin(call_id, leg, whose)
        except BaseException:
            self._supervisor.release(call_id)
            raise
        self._legs[call_id] = leg


def load_streams() -> dict[str, Callable[[], Stream]]:
    """What makes a stream, by the carrier's name. Reads the disk."""
    return {name: module.Stream for name, module in _carriers().items()}


def load_openers() -> dict[str, Opener]:
    """What makes the stream of one socket, of the carriers whose handshake decides something about it (`stream_of` in
    their modules). Reads the disk."""
    return {name: module.stream_of for name, module in _carriers().items() if hasattr(module, "stream_of")}


def _carriers() -> dict[str, Any]:
    shelf = "gateway.carriers"
    return {name: plugins.find(shelf, name) for name in plugins.names(shelf) if name != SHARED}
