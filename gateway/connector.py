"""Opening a session with a realtime server over WebSocket: connect, put the session in force, and hand it over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

from gateway.beside import bare_group
from gateway.errors import ModelLost, ModelRefused, ModelUnavailable
from gateway.model_socket import ModelSocket
from gateway.ports import ModelSession, ModelSpec
from gateway.realtime.ga import Ga
from gateway.realtime.ids import new_id
from gateway.realtime.session import with_format
from gateway.transcoding import TranscodedSession
from gateway.wire_session import Dialect, WireSession, dispensable
from media.audio import PCM24, PCMA, PCMU, AudioFormat

__all__ = ["Endpoint", "RemoteModel", "join_session", "open_session", "realtime_url"]

log = logging.getLogger(__name__)

CONNECT_S = 10.0
"""From the first packet to `session.updated`."""
CLOSE_S = 2.0
PING_S = 20.0
MAX_MESSAGE = 16 * 1024 * 1024
REFUSALS = frozenset({400, 401, 403, 404})
"""Answers that a second try will not change. Everything else (429, 5xx, redirects) may be tried again."""

PASSING = frozenset({"rate_limit_exceeded", "rate_limit_error", "server_error", "session_expired"})
"""Types and codes of errors that are about the moment, not about the session that was asked for."""

MOST_LEFT_OUT = 8
"""Fields of one session that a server may not know."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a realtime server is, and how it knows us."""

    name: str
    """For messages; the URL may hold a secret."""
    url: str = field(repr=False)
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
    """`gateway.ports.Model` behind a URL; a provider says which, and how its server speaks."""

    def __init__(
        self,
        endpoint: Endpoint,
        dialect: Callable[[], Dialect] = Ga,
        *,
        g711: bool = True,
        temperatures: tuple[float, float] | None = None,
    ) -> None:
        """`g711`: it is asked for `audio/pcmu` and `audio/pcma` where a call speaks that. `temperatures`: the lowest
        and the highest that a session may have; None: its sessions have none, as in today's protocol."""
        self.name = endpoint.name
        self.forms = frozenset({PCM24, PCMU, PCMA} if g711 else {PCM24})
        self.endpoint = endpoint
        self._dialect = dialect
        self._temperatures = temperatures

    @asynccontextmanager
    async def open(self, spec: ModelSpec) -> AsyncIterator[ModelSession]:
        wanted = spec.session
        if self._temperatures is not None:
            lowest, highest = self._temperatures
            wanted = {**wanted, "temperature": min(max(spec.persona.temperature, lowest), highest)}
        opened = open_session(
            self.endpoint, wanted, self._dialect(), realtime=spec.realtime, form=spec.form
        )
        async with opened as session:
            yield session if session.form == spec.form else TranscodedSession(session, spec.form)


class _Connect(connect):
    """A redirect could carry our key to another host; no realtime server needs one."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


@asynccontextmanager
async def open_session(
    endpoint: Endpoint,
    session: dict[str, Any] | None,
    dialect: Dialect | None = None,
    *,
    realtime: bool = True,
    form: AudioFormat = PCM24,
) -> AsyncIterator[WireSession]:
    """Connect, put `session` in force, and yield once the server confirmed it; its audio is in `WireSession.form` then,
    PCM24 where the server does not take the one asked for. Without a `session` the server's own stands. `realtime`,
    `form`: see `ModelSpec`. Raises ModelUnavailable or ModelRefused. Leaving closes the socket within 5 s."""
    socket = await _connect(endpoint)
    try:
        async with bare_group() as group:
            wire = WireSession(
                endpoint.name, endpoint.model, socket, dialect or Ga(), realtime=realtime, form=form
            )
            writer = group.create_task(wire.write(), name=f"model-writer:{endpoint.name}")
            try:
                if session is not None:
                    await _configure(wire, session)
                yield wire
            finally:
                writer.cancel()
    finally:
        await _close(socket)


def join_session(endpoint: Endpoint) -> AbstractAsyncContextManager[WireSession]:
    """A session that is in force already, and that others speak in: only its events are wanted. As `open_session`."""
    return open_session(endpoint, None)


async def _connect(endpoint: Endpoint) -> ModelSocket:
    try:
        socket = await _Connect(
            endpoint.url,
            create_connection=ModelSocket,
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
    assert isinstance(socket, ModelSocket)
    return socket


async def _configure(wire: WireSession, session: dict[str, Any]) -> None:
    """Wait for `session.created`, apply the session, wait until it is in force. A field that the server does not
    know is left out, if a call can do without it; so is G.711, which not every compatible server takes."""
    name = wire.provider
    try:
        async with asyncio.timeout(CONNECT_S):
            await _expect(wire, "session.created", "")
            for _ in range(MOST_LEFT_OUT):
                event_id = new_id("event")
                wire.send({"type": "session.update", "event_id": event_id, "session": session})
                try:
                    unknown = await _expect(wire, "session.updated", event_id)
                except ModelRefused:
                    if wire.form == PCM24:
                        raise
                    wire.agreed, unknown = False, None
                if unknown is None and (wire.agreed or wire.form == PCM24):
                    return
                if unknown is None:
                    log.warning("%s takes no G.711; its audio is converted", name)
                    session = with_format(session, PCM24)
                    wire.speak_pcm()
                    continue
                wire.leave_out(unknown)
                log.warning("%s does not know %s; it is left out", name, unknown)
    except TimeoutError:
        raise ModelUnavailable(f"{name} did not confirm the session in time") from None
    except ModelLost as lost:
        raise ModelUnavailable(f"{lost}, before the session was in force") from None
    raise ModelRefused(f"{name} does not know too many fields of the session")


async def _expect(wire: WireSession, kind: str, event_id: str) -> str | None:
    """Wait for an event of that kind. Returns the place of a field that the server does not know and that can be
    left out; raises for any other error about `event_id`."""
    while True:
        event = await wire.receive()
        if event["type"] == kind:
            wire.note(event)
            return None
        if event["type"] != "error":
            continue
        told = event.get("error")
        error: dict[str, Any] = told if isinstance(told, dict) else {}
        if error.get("event_id") not in (None, "", event_id):
            continue
        code, param = error.get("code"), error.get("param")
        if code == "unknown_parameter" and event_id and isinstance(param, str) and dispensable(param):
            return param
        # The server's sentence may quote the session back, so only its code and place are told.
        why = f"{wire.provider} refused the session: {code} at {param}"
        raise ModelUnavailable(why) if PASSING & {code, error.get("type")} else ModelRefused(why)


async def _close(socket: ModelSocket) -> None:
    try:
        async with asyncio.timeout(2 * CLOSE_S):
            await socket.close()
    except TimeoutError:
        socket.transport.abort()
