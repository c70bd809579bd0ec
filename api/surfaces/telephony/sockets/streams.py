"""Carriers' media sockets: the proof and the one-time token first, then the switchboard."""

from __future__ import annotations

import logging
from collections.abc import Callable

from aiohttp import web

from api.errors import ApiError
from api.surfaces.telephony.calls.departures import Departures
from api.surfaces.telephony.counter import DESKS, DOORS, Counter
from api.surfaces.telephony.desk import Asked
from api.surfaces.telephony.door import Door
from api.surfaces.telephony.sockets.reception import Announced, WalkIn
from api.switchboard import Switchboard, load_openers, load_streams
from gateway.crew import crew, stay
from gateway.wire import Started, Stream, Unverified

__all__ = ["Streams"]

logger = logging.getLogger(__name__)

STREAMS = load_streams()
OPENERS = load_openers()


class Streams:
    """The routes. Who has a right to a line is known when a stream tells its token, which is used up then, or at once
    where the socket proves itself."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._deps = counter.deps
        self.departures = Departures(counter.deps)
        anybody = Announced(counter, self.departures)
        self._waiting = Switchboard(STREAMS, counter.phones, anybody)
        """Of calls whose socket may be replaced."""
        self._final = Switchboard(STREAMS, counter.phones, anybody, reattach_s=0)
        """Of calls that end with their socket."""
        self._let_in: list[WalkIn] = []
        """Whose sockets proved themselves, until they are calls."""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/telephony/{carrier}/stream", self.connect),
            web.get("/telephony/{carrier}/stream/{token}", self.connect),
        ]

    async def connect(self, request: web.Request) -> web.StreamResponse:
        carrier, free = self._counter.carrier(request)
        token = request.match_info.get("token", "")
        if token:
            # Good once, and with the worker that gave it out: its webhooks know what the call is.
            stay(crew().home(token))
        asked = await self._counter.handshake(request)
        stream = _opened(carrier, asked)
        _check_upgrade(request, stream)
        guest: Announced | WalkIn
        if free and not token:
            # Nothing that it calls itself is proved: it is not to take the place of a call that was.
            guest = self._walk_in(request, lambda _: "")
        elif free or token or carrier not in DOORS:
            if not free:
                self._check(carrier, token, asked)
            guest = Announced(self._counter, self.departures)
        else:
            guest = await self._admitted(request, DOORS[carrier], asked)
        desk = DESKS.get(carrier)
        # Without a webhook nobody asks how to go on.
        waits = desk is not None and desk.reattaches and token
        switchboard = self._waiting if waits else self._final
        try:
            return await switchboard.websocket(request, carrier, stream=stream, reception=guest)
        finally:
            guest.over()

    def _check(self, carrier: str, token: str, asked: Asked) -> None:
        """A socket that a webhook announced. Raises ApiError 403."""
        desk = DESKS.get(carrier)
        try:
            if desk is None:
                raise Unverified("with a token, where none is given")  # noqa: TRY301 - refused as the others are
            self._counter.tickets.check(token, carrier, asked.now)
            desk.verify_socket(asked, self._deps.settings, token)
        except Unverified as refusal:
            raise self._counter.refused(carrier, "media socket", refusal) from None

    async def _admitted(self, request: web.Request, door: Door, asked: Asked) -> WalkIn:
        """A socket that proves itself. Raises ApiError 403, 404, 503."""
        await self._counter.admit(door, asked)
        self._let_in = [guest for guest in self._let_in if guest.coming]
        # A switch holds the upgrade for an answer: who comes while the line before is still being written down would
        # be answered and hung up on, in place of the busy signal.
        if self._counter.phones.crowded(len(self._let_in)):
            logger.warning("a call of %s was refused: no line is free", door.name)
            raise ApiError(503, "No line is free; call again in a moment.", headers={"Retry-After": "5"})
        guest = self._walk_in(request, door.call)
        self._let_in.append(guest)
        return guest

    def _walk_in(self, request: web.Request, name_of: Callable[[Started], str]) -> WalkIn:
        """Raises ApiError 404 for a persona that is not there."""
        wish = request.query.get("persona")
        if wish is not None:
            self._counter.answering.persona(wish, "")
        return WalkIn(self._counter, self.departures, name_of=name_of, wish=wish)


def _opened(carrier: str, asked: Asked) -> Stream:
    """The stream of a socket. Raises ApiError 400."""
    opener = OPENERS.get(carrier)
    if opener is None:
        return STREAMS[carrier]()
    try:
        return opener(asked.url, asked.headers)
    except (Unverified, ValueError) as error:
        raise ApiError(400, f"The stream cannot be opened so: {error}.") from None


def _check_upgrade(request: web.Request, stream: Stream) -> None:
    """Raises ApiError 400 or 426 when this request does not begin a WebSocket (RFC 6455, 4.2)."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise ApiError(
            426,
            "This is a carrier's media socket: upgrade the connection.",
            headers={"Upgrade": "websocket"},
        )
    try:
        protocols = () if stream.subprotocol is None else (stream.subprotocol,)
        ready = web.WebSocketResponse(protocols=protocols).can_prepare(request).ok
    except ValueError:  # a Sec-WebSocket-Key that is not ASCII
        ready = False
    if not ready:
        raise ApiError(400, "This is no WebSocket handshake of version 13.")
