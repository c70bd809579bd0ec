"""A session with a realtime server over WebSocket: OpenAI's, or any that speaks the same protocol.

A raw socket rather than the vendor's client: caller audio is encoded once, nothing is validated twice, and
nothing is queued without a bound.
"""

from __future__ import annotations

import asyncio
import binascii
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from gateway.errors import ModelLost, ModelRefused, ModelUnavailable
from gateway.outbox import Audio, Outbox, OutboxFull
from gateway.ports import Event, ModelSession, ModelSpec
from gateway.realtime.ids import new_id

__all__ = ["Endpoint", "RemoteModel", "WireSession", "open_session", "realtime_url"]

log = logging.getLogger(__name__)

CONNECT_S = 10.0
"""From the first packet to `session.updated`."""
CLOSE_S = 2.0
PING_S = 20.0
MAX_MESSAGE = 16 * 1024 * 1024
REFUSALS = frozenset({400, 401, 403, 404})
"""Answers that a second try will not change. Everything else (429, 5xx, redirects) may be tried again."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a realtime server is, and how it knows us."""

    name: str
    """For messages; the URL may hold a secret."""
    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    model: str = ""
    """The model that is asked for; the server's own session tells which one answers."""


def realtime_url(base: str, model: str) -> str:
    """The socket's URL for a base such as `wss://host`, `wss://host/v1` or the full `wss://host/v1/realtime`.
    Its own query stays; `model` is added unless it names one."""
    parts = urlsplit(base)
    path = parts.path.rstrip("/")
    if not path.endswith("/realtime"):
        path = f"{path or '/v1'}/realtime"
    query = parse_qsl(parts.query)
    if all(key != "model" for key, _ in query):
        query.append(("model", model))
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode(query), ""))


class RemoteModel:
    """`gateway.ports.Model` behind a URL; a provider says which."""

    name: str

    def __init__(self, *, url: str, model: str, api_key: str | None) -> None:
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        self._endpoint = Endpoint(self.name, realtime_url(url, model), headers, model)

    @asynccontextmanager
    async def open(self, spec: ModelSpec) -> AsyncIterator[ModelSession]:
        async with open_session(self._endpoint, spec.session) as session:
            yield session


class WireSession:
    """`gateway.ports.ModelSession` over one socket. Made by `open_session`, whose task writes what waits here."""

    def __init__(self, name: str, socket: ClientConnection, model: str = "") -> None:
        self.provider = name
        self.model = model
        self._name = name
        self._socket = socket
        self._outbox = Outbox()
        self._wake = asyncio.Event()
        self._full = False

    @property
    def dropped_ms(self) -> int:
        """Caller audio that the peer did not take in time."""
        return self._outbox.dropped_ms

    def send(self, event: Event) -> None:
        try:
            self._outbox.control(orjson.dumps(event).decode())
        except OutboxFull:
            # The reader notices the closed socket and tells the call, in its own time and only once.
            self._full = True
            self._socket.transport.abort()
        self._wake.set()

    def audio(self, pcm: bytes) -> None:
        self._outbox.audio(pcm)
        self._wake.set()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            yield await self.receive()

    async def receive(self) -> Event:
        """The next server event. Raises ModelLost when the socket is closed or speaks something else."""
        while True:
            try:
                message = await self._socket.recv()
            except ConnectionClosed as closed:
                why = "it does not read" if self._full else f"closed with code {_close_code(closed)}"
                raise ModelLost(f"{self._name}: {why}") from None
            event = _decode(message)
            if event is None:
                raise ModelLost(f"{self._name}: it sent something that is no event")
            return event

    async def write(self) -> None:
        """Send what waits, for ever. Ends quietly when the socket closes: the reader tells."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while (waiting := self._outbox.take()) is not None:
                try:
                    await self._socket.send(
                        _append(waiting.pcm) if isinstance(waiting, Audio) else waiting.message
                    )
                except ConnectionClosed:
                    return


@asynccontextmanager
async def open_session(endpoint: Endpoint, session: dict[str, Any]) -> AsyncIterator[WireSession]:
    """Connect, put `session` in force, and yield once the server confirmed it. Raises ModelUnavailable or
    ModelRefused. Leaving closes the socket within 5 s."""
    socket = await _connect(endpoint)
    failure: Exception | None = None
    try:
        async with asyncio.TaskGroup() as group:
            wire = WireSession(endpoint.name, socket, endpoint.model)
            writer = group.create_task(wire.write(), name=f"model-writer:{endpoint.name}")
            try:
                await _configure(endpoint.name, wire, session)
                yield wire
            except Exception as error:  # noqa: BLE001 - raised again below, without the group's wrapping
                failure = error
            finally:
                writer.cancel()
    finally:
        await _close(socket)
    if failure is not None:
        raise failure


async def _connect(endpoint: Endpoint) -> ClientConnection:
    try:
        return await connect(
            endpoint.url,
            additional_headers=endpoint.headers,
            compression=None,
            open_timeout=CONNECT_S,
            close_timeout=CLOSE_S,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            max_size=MAX_MESSAGE,
            user_agent_header="Parley",
        )
    except InvalidStatus as refused:
        status = refused.response.status_code
        kind = ModelRefused if status in REFUSALS else ModelUnavailable
        raise kind(f"{endpoint.name} answered {status}") from None
    except InvalidURI:
        raise ModelRefused(f"{endpoint.name}: its address is no WebSocket URL") from None
    except (OSError, TimeoutError, InvalidHandshake) as fault:
        raise ModelUnavailable(f"{endpoint.name} cannot be reached ({type(fault).__name__})") from None


async def _configure(name: str, wire: WireSession, session: dict[str, Any]) -> None:
    """Wait for `session.created`, apply the session, wait until it is in force."""
    event_id = new_id("event")
    try:
        async with asyncio.timeout(CONNECT_S):
            await _expect(name, wire, "session.created", None)
            wire.send({"type": "session.update", "event_id": event_id, "session": session})
            await _expect(name, wire, "session.updated", event_id)
    except TimeoutError:
        raise ModelUnavailable(f"{name} did not confirm the session in time") from None
    except ModelLost as lost:
        raise ModelUnavailable(f"{lost}, before the session was in force") from None


async def _expect(name: str, wire: WireSession, kind: str, event_id: str | None) -> None:
    while True:
        event = await wire.receive()
        if event["type"] == kind:
            wire.model = (event.get("session") or {}).get("model") or wire.model
            return
        if event["type"] != "error":
            continue
        told = event.get("error")
        error: dict[str, Any] = told if isinstance(told, dict) else {}
        if error.get("event_id") in (None, event_id):
            # The server's sentence may quote the session back, so only its code and place are told.
            raise ModelRefused(f"{name} refused the session: {error.get('code')} at {error.get('param')}")


async def _close(socket: ClientConnection) -> None:
    try:
        async with asyncio.timeout(2 * CLOSE_S):
            await socket.close()
    except TimeoutError:
        socket.transport.abort()


def _append(pcm: bytes) -> str:
    audio = binascii.b2a_base64(pcm, newline=False).decode()
    return f'{{"type":"input_audio_buffer.append","audio":"{audio}"}}'


def _decode(message: str | bytes) -> Event | None:
    """The event in a message, its audio as bytes; None when there is none in it."""
    try:
        event = orjson.loads(message)
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            return None
        if event["type"] == "response.output_audio.delta":
            event["delta"] = binascii.a2b_base64(event["delta"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    return event


def _close_code(closed: ConnectionClosed) -> int:
    return closed.rcvd.code if closed.rcvd is not None else 1006
