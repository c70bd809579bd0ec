"""A call in text: a client of the realtime protocol over WebSocket that types and reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from gateway.rehearsal.course import Course
from gateway.rehearsal.line import ENDS_CALL
from personas.keys import pressed

__all__ = ["NoCall", "Server", "TextLine", "refused"]

ANSWER_S = 60.0
"""How long an answer may take to begin; a provider that thinks has limits of its own."""
GREETING_S = 3.0
ENDING_S = 10.0
"""How long the agent may take to end a call it wants to end, and the server to write an ending down."""
POLL_S = 0.02
LONGEST_MESSAGE = 16 * 1024 * 1024
TEXT = {"type": "realtime", "output_modalities": ["text"]}


class NoCall(Exception):
    """The server takes no call; the text says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where calls go, and the key that they are made with."""

    url: str
    key: str

    def address(self, path: str, **query: str) -> str:
        more = "&".join(f"{name}={value}" for name, value in query.items())
        return f"{self.url}{path}{'?' if more else ''}{more}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


class TextLine:
    """`gateway.rehearsal.line.Line`. `told` sees every event of the server."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        socket: aiohttp.ClientWebSocketResponse,
        server: Server,
        session: tuple[str, str],
        meaning: str,
        told: Callable[[dict[str, Any]], None],
    ) -> None:
        self.course = Course()
        self.session_id, self._access = session
        self._http = http
        self._socket = socket
        self._server = server
        self._meaning = meaning
        self._told = told
        self._active: set[str] = set()
        """Responses that run."""
        self._owed = False
        """One is to come: the caller said something, or a tool has answered."""
        self._over = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        http: aiohttp.ClientSession,
        server: Server,
        persona: str,
        *,
        meaning: str = "",
        told: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> AsyncIterator[TextLine]:
        """A call with this persona until the block is left. `meaning`: what its callers type on their keys.
        Raises NoCall."""
        token = await _minted(http, server, persona)
        try:
            async with http.ws_connect(
                server.address("/v1/realtime"),
                headers={"Authorization": f"Bearer {token}"},
                compress=0,
                max_msg_size=LONGEST_MESSAGE,
            ) as socket:
                headers = socket._response.headers  # noqa: SLF001 - aiohttp tells them nowhere else
                session = (headers.get("X-Session-Id", ""), headers.get("X-Session-Access", ""))
                yield cls(http, socket, server, session, meaning, told)
        except aiohttp.WSServerHandshakeError as error:
            raise NoCall(f"{error.status}: {error.message}") from None
        except aiohttp.ClientError as error:
            raise NoCall(f"no server answers at {server.url}: {type(error).__name__}") from None

    @property
    def over(self) -> bool:
        return self._over

    async def greeted(self) -> None:
        """The agent's first words, where it has some: the caller lets it speak first."""
        await self._send({"type": "session.update", "session": TEXT})
        self._owed = True
        await self._settle(GREETING_S, ANSWER_S)
        self._owed = False

    async def listen(self) -> None:
        await self._settle(ANSWER_S, ANSWER_S)
        if self._owed and not self._over and not self.course.fault:
            self.course.fault = f"no answer within {ANSWER_S:.0f} s"

    async def say(self, text: str) -> None:
        self.course.caller(text)
        await self._message(text)

    async def press(self, keys: str) -> None:
        self.course.caller(f"[{keys}]")
        await self._message(pressed(keys, self._meaning))

    async def hang_up(self) -> None:
        last = [use for use in self.course.uses(self.course.turn) if use.ok and use.tool in ENDS_CALL]
        if last and not self._over:
            self._owed = True
            await self._settle(ENDING_S, ENDING_S)
        await self._socket.close()
        self.course.ending = self.course.ending or await self._ending()

    async def _message(self, text: str) -> None:
        began = asyncio.get_running_loop().time()
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self._send({"type": "conversation.item.create", "item": item})
        await self._send({"type": "response.create"})
        self._owed = True
        await self.listen()
        self.course.waits_ms.append((asyncio.get_running_loop().time() - began) * 1000)

    async def _send(self, event: dict[str, Any]) -> None:
        if not self._socket.closed:
            await self._socket.send_str(orjson.dumps(event).decode())

    async def _settle(self, begin_s: float, go_on_s: float) -> None:
        """Until no response runs and none is to come; each may take so long to begin, and to go on."""
        while not self._over and (self._active or self._owed):
            try:
                async with asyncio.timeout(go_on_s if self._active else begin_s):
                    message = await self._socket.receive()
            except TimeoutError:
                return
            if message.type is aiohttp.WSMsgType.TEXT:
                self._take(orjson.loads(message.data))
            elif message.type in (
                aiohttp.WSMsgType.CLOSE,
                aiohttp.WSMsgType.CLOSED,
                aiohttp.WSMsgType.ERROR,
            ):
                self._over = True
                self._owed = False
                self._active.clear()

    def _take(self, event: dict[str, Any]) -> None:
        self._told(event)
        match event["type"]:
            case "response.created":
                self._active.add(event["response"]["id"])
                self._owed = False
            case "response.output_text.done":
                self.course.agent(event["text"])
            case "response.output_audio_transcript.done":
                self.course.agent(event["transcript"])
            case "response.output_item.done":
                self._item(event["item"])
            case "response.done":
                self._done(event["response"])
            case "error":
                error = event.get("error") or {}
                self.course.fault = f"error {error.get('code')}: {error.get('message')}"
                self._owed = False
            case _:
                pass

    def _item(self, item: dict[str, Any]) -> None:
        if item.get("type") == "mcp_call":
            error = item.get("error")
            output = item.get("output") if error is None else error.get("message", "")
            self.course.used(item["name"], item.get("arguments", ""), output or "", ok=error is None)

    def _done(self, response: dict[str, Any]) -> None:
        self._active.discard(response["id"])
        if response.get("status") == "failed":
            error = (response.get("status_details") or {}).get("error") or {}
            self.course.fault = (
                f"the model failed: {error.get('code') or error.get('type') or 'no reason given'}"
            )
        if any(item.get("type") in ("mcp_call", "function_call") for item in response.get("output") or ()):
            self._owed = True

    async def _ending(self) -> str | None:
        """How the server says that the call ended, once it does."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + ENDING_S
        headers = {"X-Session-Access": self._access}
        url = self._server.address(f"/api/realtime/sessions/{self.session_id}")
        while loop.time() < give_up:
            async with self._http.get(url, headers=headers) as response:
                if response.status != 200:
                    return None
                runtime = await response.json()
            calls = ((runtime.get("session") or {}).get("metadata") or {}).get("calls")
            if calls and (ending := calls[-1].get("ending")):
                return f"{ending['side']}/{ending['reason']}"
            await asyncio.sleep(POLL_S)
        return None


async def _minted(http: aiohttp.ClientSession, server: Server, persona: str) -> str:
    """A token for one session in text: so it is in text from its first moment. Raises NoCall."""
    url = server.address("/v1/realtime/client_secrets", persona=persona)
    try:
        async with http.post(url, json={"session": TEXT}, headers=server.headers) as response:
            answer = await response.read()
            if response.status != 200:
                raise NoCall(refused(response.status, answer))
            return str(orjson.loads(answer)["value"])
    except aiohttp.ClientError as error:
        raise NoCall(f"no server answers at {server.url}: {type(error).__name__}") from None


def refused(status: int, answer: bytes) -> str:
    """What a server's refusal says."""
    try:
        told = orjson.loads(answer)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        told = answer[:200].decode(errors="replace")
    return f"{status}: {told}"
