"""The engine stand-alone: `GET /v1/realtime` for any client of the OpenAI Realtime protocol."""

from __future__ import annotations

import asyncio
import binascii
import hmac
import ipaddress
import logging
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from gateway import languages
from gateway.config import Settings
from gateway.engine.at_once import AtOnce
from gateway.engine.lessons import Lessons
from gateway.engine.mind import Policy
from gateway.engine.opening import new_core, open_engine
from gateway.engine.session import EngineSession, Parts
from gateway.errors import ConfigError, ModelLost
from gateway.ports import Event
from gateway.realtime.events import MAX_MESSAGE
from gateway.speech.ports import Voice
from personas.persona import Persona

__all__ = ["MAX_CLIENTS", "check_open", "engine_app"]

log = logging.getLogger(__name__)

DEFAULT_PERSONA = "assistant"
MAX_CLIENTS = 64
"""Sessions at once; the next client gets a 503."""
HEARTBEAT_S = 20.0
CLOSE_S = 3.0
SEND_S = 30.0
"""A client that takes nothing for so long is gone."""
KEY_PROTOCOL = "openai-insecure-api-key."


def check_open(settings: Settings) -> None:
    """Raises ConfigError when `settings` would serve the engine to everybody who reaches this machine."""
    if not settings.api_keys and not settings.loopback:
        raise ConfigError(
            [
                f"PARLEY_API_KEYS is not set, and PARLEY_HOST={settings.host} can be reached from other machines: set "
                "PARLEY_API_KEYS to a long random key (openssl rand -hex 24), or PARLEY_HOST=127.0.0.1"
            ]
        )


def engine_app(
    lessons: Lessons,
    voice: Voice,
    policy: Policy,
    personas: Mapping[str, Persona],
    api_keys: Sequence[str] = (),
) -> web.Application:
    """An application that serves the engine. `?persona=` names one of `personas`, by default `assistant`; without
    `api_keys` every client is let in (see `check_open`). Close it through its runner: open sessions are then closed
    with 1001."""
    service = Service(lessons, voice, policy, personas, tuple(api_keys))
    app = web.Application()
    app.router.add_get("/v1/realtime", service.connect)
    app.router.add_get("/healthz", service.health)
    app.on_shutdown.append(service.shut)
    return app


class Service:
    def __init__(
        self,
        lessons: Lessons,
        voice: Voice,
        policy: Policy,
        personas: Mapping[str, Persona],
        api_keys: tuple[str, ...],
    ) -> None:
        self._lessons = lessons
        self._voice = voice
        self._policy = policy
        self._mind = AtOnce(policy)
        self._personas = personas
        self._keys = [key.encode() for key in api_keys]
        self._sockets: set[web.WebSocketResponse] = set()

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "clients": len(self._sockets)})

    async def shut(self, app: web.Application) -> None:
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    async def connect(self, request: web.Request) -> web.StreamResponse:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        persona = self._personas[request.query.get("persona", DEFAULT_PERSONA)]
        socket = web.WebSocketResponse(
            protocols=("realtime",),
            timeout=CLOSE_S,
            heartbeat=HEARTBEAT_S,
            max_msg_size=MAX_MESSAGE + 1,
            compress=False,
        )
        self._sockets.add(socket)
        try:
            await socket.prepare(request)
            await self._lessons.teach(persona)
            unspoken = languages.refusal(self._policy, persona, written=False)
            core = await new_core(persona, request.query["model"], unspoken=unspoken)
            parts = Parts(self._mind, self._lessons.ears, self._voice, persona.id, "embedded")
            async with open_engine(core, parts) as session:
                session.start()
                async with asyncio.TaskGroup() as group:
                    writer = group.create_task(_write(socket, session), name="engine-writer")
                    await _read(socket, session)
                    writer.cancel()
        finally:
            self._sockets.discard(socket)
        return socket

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return _error(426, "upgrade_required", "This is a WebSocket endpoint.")
        if not self._let_in(request):
            return _error(401, "invalid_api_key", "Incorrect API key provided.", "authentication_error")
        if "call_id" in request.query:
            return _error(404, "call_id_not_found", "No call with this call_id.")
        if not request.query.get("model"):
            return _error(400, "missing_model", "You must provide a model parameter.")
        if request.query.get("persona", DEFAULT_PERSONA) not in self._personas:
            return _error(404, "persona_not_found", "No persona of this name.")
        persona = self._personas[request.query.get("persona", DEFAULT_PERSONA)]
        if (why := languages.refusal(self._policy, persona, written=True)) is not None:
            return _error(503, "language_not_spoken", why, "server_error")
        if len(self._sockets) >= MAX_CLIENTS:
            return _error(503, "server_busy", "The engine is full; try again later.", "server_error")
        return None

    def _let_in(self, request: web.Request) -> bool:
        if not self._keys:
            return _of_this_machine(request.headers.get("Origin"))
        offered = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if not offered:
            protocols = (p.strip() for p in request.headers.get("Sec-WebSocket-Protocol", "").split(","))
            offered = next(
                (p.removeprefix(KEY_PROTOCOL) for p in protocols if p.startswith(KEY_PROTOCOL)), ""
            )
        given = offered.encode(errors="replace")
        # Every key is compared, so that the time tells nothing.
        return sum(hmac.compare_digest(given, key) for key in self._keys) > 0


def _of_this_machine(origin: str | None) -> bool:
    """Whether a request of this `Origin` comes from a program, or from a page that this machine serves: any site that
    is open in a browser here reaches loopback too."""
    if origin is None:
        return True
    try:
        name = urlsplit(origin).hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def _read(socket: web.WebSocketResponse, session: EngineSession) -> None:
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            break
        await session.receive(message.data)


async def _write(socket: web.WebSocketResponse, session: EngineSession) -> None:
    """Send the session's events; at their end close the socket, which ends the reader."""
    try:
        async for event in session:
            async with asyncio.timeout(SEND_S):
                await socket.send_str(_encode(event))
    except (ConnectionError, TimeoutError, ModelLost):
        log.info("a client of the engine went away")
    await socket.close()


def _encode(event: Event) -> str:
    if event["type"] == "response.output_audio.delta":
        event = {**event, "delta": binascii.b2a_base64(event["delta"], newline=False).decode()}
    return orjson.dumps(event).decode()


def _error(status: int, code: str, message: str, kind: str = "invalid_request_error") -> web.Response:
    body = {"error": {"type": kind, "code": code, "message": message, "param": None}}
    return web.json_response(body, status=status)
