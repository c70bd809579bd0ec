"""Carriers' media sockets: the proof and the one-time token first, then the switchboard."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from api.errors import ApiError
from api.records import channel
from api.records.sessions import NewSession
from api.surfaces.telephony.counter import Counter
from api.surfaces.telephony.events import received
from api.switchboard import LiveCall, Switchboard, load_streams
from gateway.errors import CallRejected
from gateway.stores.schema import DEFAULT_TENANT
from gateway.supervisor import CallRequest
from gateway.wire import Started, Unverified

__all__ = ["Streams"]

STREAMS = load_streams()


class Streams:
    """The routes, and the reception of the switchboard: who has a right to a line is known when a stream tells its
    token, which is used up then."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._deps = counter.deps
        self._waiting = Switchboard(STREAMS, counter.phones, self)
        """Of calls whose socket may be replaced."""
        self._final = Switchboard(STREAMS, counter.phones, self, reattach_s=0)
        """Of calls that end with their socket."""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/telephony/{carrier}/stream", self.connect),
            web.get("/telephony/{carrier}/stream/{token}", self.connect),
        ]

    async def connect(self, request: web.Request) -> web.StreamResponse:
        desk, free = self._counter.desk(request)
        _check_upgrade(request)
        token = request.match_info.get("token", "")
        if not free:
            asked = self._counter.handshake(request)
            try:
                self._counter.tickets.check(token, desk.name, asked.now)
                desk.verify_socket(asked, self._deps.settings, token)
            except Unverified as refusal:
                raise self._counter.refused(desk, "media socket", refusal) from None
        # Without a webhook nobody asks how to go on.
        switchboard = self._waiting if desk.reattaches and token else self._final
        return await switchboard.websocket(request, desk.name)

    async def receive(self, carrier: str, started: Started) -> CallRequest | LiveCall:
        """Raises Unverified, CallRejected."""
        counter, now = self._counter, self._deps.clock()
        ticket = counter.tickets.redeem(started.parameters.get("token", ""), carrier, now)
        if ticket is None:
            if not self._deps.settings.telephony_open:
                raise Unverified("a stream without a token of ours that is still good")
            return await self._walk_in(carrier, started, now)
        if ticket.again:
            call_id = counter.phones.live_in(ticket.session_id)
            if call_id is None:
                raise CallRejected("the call is over")
            return LiveCall(call_id)
        return CallRequest(
            ticket.session_id,
            ticket.tenant,
            self._deps.personas[ticket.persona_id],
            outbound=ticket.outbound,
        )

    async def _walk_in(self, carrier: str, started: Started, now: float) -> CallRequest:
        """A carrier that somebody plays on this machine; its parameters may name a `persona`."""
        try:
            persona = self._counter.answering.persona(started.parameters.get("persona"), started.called)
        except ApiError as error:
            raise CallRejected(str(error)) from None
        new = NewSession(DEFAULT_TENANT, persona.scenario, persona.scenario_title, persona.id)
        try:
            await channel.open_call(
                self._deps.database,
                self._deps.access,
                new,
                carrier=carrier,
                # What it calls itself is proved by nothing: it is not to take the place of a call that was.
                carrier_call=f"walk-in-{new.id}",
                direction="inbound",
                first=received(carrier, now),
                now=now,
            )
        except SQLAlchemyError as error:
            raise CallRejected(f"the database does not answer: {type(error).__name__}") from None
        return CallRequest(new.id, new.tenant, persona)


def _check_upgrade(request: web.Request) -> None:
    """Raises ApiError 400 or 426 when this request does not begin a WebSocket (RFC 6455, 4.2)."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise ApiError(
            426,
            "This is a carrier's media socket: upgrade the connection.",
            headers={"Upgrade": "websocket"},
        )
    try:
        ready = web.WebSocketResponse().can_prepare(request).ok
    except ValueError:  # a Sec-WebSocket-Key that is not ASCII
        ready = False
    if not ready:
        raise ApiError(400, "This is no WebSocket handshake of version 13.")
