"""`GET /v1/realtime`: a call over WebSocket, or a sideband of one that is live."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import WSCloseCode, web

from api import auth
from api.deps import Deps
from api.errors import ApiError
from api.surfaces.realtime.callers import Caller, Server, identify, offered_protocols, server_only
from api.surfaces.realtime.calls import CALLS, location, no_such_call
from api.surfaces.realtime.opening import busy, opening, reserved
from gateway.errors import LEFT, Busy
from gateway.realtime.events import MAX_MESSAGE

__all__ = ["PROTOCOL", "Sockets"]

PROTOCOL = "realtime"
HEARTBEAT_S = 20.0
"""Between pings; a client that answers none within half of it is gone."""
CLOSE_S = 2.0
"""How long a client may take to read a close, and to answer it."""
BETA_PROTOCOL = "openai-beta.realtime-v1"


class Sockets:
    """The open sockets of this process."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._open: set[web.WebSocketResponse] = set()

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/v1/realtime", self.connect)]

    async def shut(self, _app: web.Application) -> None:
        """The server stops: whoever is still here is told to come again (1001)."""
        async with asyncio.TaskGroup() as group:
            for socket in self._open:
                group.create_task(_send_away(socket))

    async def connect(self, request: web.Request) -> web.StreamResponse:
        await auth.spend(request, self._deps.limiter, CALLS, self._deps.settings)
        socket = web.WebSocketResponse(
            protocols=(PROTOCOL,),
            timeout=CLOSE_S,
            heartbeat=HEARTBEAT_S,
            # The client's pings count among its messages, so they are answered where those are read.
            autoping=False,
            # A little more than is taken, so that what is just too long is answered by an event, not by a close.
            max_msg_size=MAX_MESSAGE + 1024,
            # Base64 audio shrinks by a quarter at most, and deflating it costs more than the rest of an event does.
            compress=False,
        )
        _check_upgrade(request, socket)
        caller = identify(request, self._deps, subprotocol=True)
        call_id = _asked_call(request, caller)
        if call_id is not None:
            return await self._sideband(request, socket, call_id, caller)
        return await self._call(request, socket, caller)

    async def _call(
        self, request: web.Request, socket: web.WebSocketResponse, caller: Caller
    ) -> web.StreamResponse:
        deps = self._deps
        call = await opening(request, deps, caller, plays=False)
        async with reserved(deps, call) as call_id:
            if call.access_key is not None:
                socket.headers["X-Session-Access"] = call.access_key
            socket.headers["X-Session-Id"] = call.session_id
            socket.headers["Location"] = location(call_id)
            async with self._upgraded(request, socket):
                leg = deps.make_socket_leg(call_id, socket)
                deps.supervisor.begin(call_id, leg, call.request)
                try:
                    await leg.serve()
                finally:
                    # A leg tells its call why it is over; this is for one that could not.
                    deps.supervisor.hang_up(call_id, LEFT)
        return socket

    async def _sideband(
        self, request: web.Request, socket: web.WebSocketResponse, call_id: str, caller: Caller
    ) -> web.StreamResponse:
        server = server_only(caller, "Joining a live call")
        call = self._deps.supervisor.find(call_id)
        if call is None or call.plan.tenant != server.tenant:
            raise no_such_call()
        peer = self._deps.make_sideband(socket)
        try:
            sideband = call.attach(peer.send, peer.over)
        except Busy as error:
            raise busy(error) from None
        try:
            async with self._upgraded(request, socket):
                await peer.serve(sideband.receive)
        finally:
            sideband.detach()
        return socket

    @contextlib.asynccontextmanager
    async def _upgraded(self, request: web.Request, socket: web.WebSocketResponse) -> AsyncIterator[None]:
        await socket.prepare(request)
        self._open.add(socket)
        try:
            yield
        finally:
            self._open.discard(socket)


async def _send_away(socket: web.WebSocketResponse) -> None:
    # A client that does not read does not read this either; the server closes its connection next.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S + 0.5):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"server shutdown")


def _check_upgrade(request: web.Request, socket: web.WebSocketResponse) -> None:
    """Raises ApiError 400 or 426 when this request does not begin a WebSocket of this protocol (RFC 6455, 4.2)."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise ApiError(
            426, "This is a WebSocket endpoint: upgrade the connection.", headers={"Upgrade": "websocket"}
        )
    protocols = offered_protocols(request)
    beta = request.headers.get("OpenAI-Beta", "")
    if "realtime=v1" in beta.replace(" ", "") or BETA_PROTOCOL in protocols:
        raise ApiError(
            400,
            "The beta of the Realtime API is not served. Use its GA shape, and leave out OpenAI-Beta: realtime=v1.",
            code="beta_not_supported",
        )
    if protocols and PROTOCOL not in protocols:
        # A browser fails a connection whose server selects none of what it offered, and a key is never echoed.
        raise ApiError(
            400,
            f"Of the subprotocols you offer this server speaks none: offer '{PROTOCOL}', beside the one with your key.",
            code="no_common_subprotocol",
        )
    try:
        ready = socket.can_prepare(request).ok
    except ValueError:  # a Sec-WebSocket-Key that is not ASCII
        ready = False
    if not ready:
        raise ApiError(400, "This is no WebSocket handshake of version 13.", code="invalid_handshake")


def _asked_call(request: web.Request, caller: Caller) -> str | None:
    """The call to join, or None when one is to be opened. Raises ApiError 400."""
    intent, model = request.query.get("intent"), request.query.get("model") or None
    if intent not in (None, "conversation"):
        raise ApiError(
            400,
            f"intent={intent[:64]} is not served here: only conversations are. In a conversation, "
            "audio.input.transcription transcribes the caller.",
            code="unsupported_intent",
            param="intent",
        )
    call_id = request.query.get("call_id") or None
    if call_id is not None and model is not None:
        raise ApiError(
            400,
            "Give model or call_id, not both: a live call has its model.",
            code="invalid_value",
            param="call_id",
        )
    # A token names its session already.
    if call_id is None and model is None and isinstance(caller, Server):
        raise ApiError(
            400,
            "Give a model, as in /v1/realtime?model=gpt-realtime, or the call_id of a live call.",
            code="missing_required_parameter",
            param="model",
        )
    return call_id
