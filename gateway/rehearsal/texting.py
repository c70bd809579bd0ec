"""A call in text: a client of the realtime protocol over WebSocket that types and reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from gateway.rehearsal.line import NoCall, about_to_end
from gateway.rehearsal.reading import Reading
from gateway.rehearsal.server import Server, ending_of, minted
from personas.keys import pressed

__all__ = ["TextLine"]

ANSWER_S = 60.0
"""How long an answer may take to begin; a provider that thinks has limits of its own."""
GREETING_S = 20.0
"""The same for the greeting of an agent that has one: a provider is connected to meanwhile."""
ENDING_S = 10.0
"""How long the agent may take to end a call that it wants to end."""
LONGEST_MESSAGE = 16 * 1024 * 1024
TEXT = {"type": "realtime", "output_modalities": ["text"]}


class TextLine:
    """`gateway.rehearsal.line.Line`. `told` sees every event of the server."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        socket: aiohttp.ClientWebSocketResponse,
        server: Server,
        meaning: str,
        told: Callable[[dict[str, Any]], None],
    ) -> None:
        self._reading = Reading()
        self.course = self._reading.course
        self._http = http
        self._socket = socket
        self._server = server
        self._meaning = meaning
        self._told = told
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
        # In text from its first moment: some can be called only so.
        token = await minted(http, server, persona, TEXT)
        try:
            async with http.ws_connect(
                server.address("/v1/realtime"),
                headers={"Authorization": f"Bearer {token}"},
                compress=0,
                max_msg_size=LONGEST_MESSAGE,
            ) as socket:
                yield cls(http, socket, server, meaning, told)
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
        self._reading.owed = True
        await self._settle(GREETING_S, ANSWER_S)
        self._reading.owed = False

    async def _listen(self) -> None:
        await self._settle(ANSWER_S, ANSWER_S)
        if self._reading.owed and not self._over and not self.course.fault:
            self.course.fault = f"no answer within {ANSWER_S:.0f} s"

    async def say(self, text: str) -> None:
        self.course.caller(text)
        await self._message(text)

    async def press(self, keys: str) -> None:
        self.course.caller(f"[{keys}]")
        await self._message(pressed(keys, self._meaning))

    async def ended(self) -> None:
        """Let the agent end the call where it has said that it does."""
        if about_to_end(self.course) and not self._over:
            self._reading.owed = True
            await self._settle(ENDING_S, ENDING_S)
            self._reading.owed = False

    async def hang_up(self) -> None:
        await self.ended()
        await self._socket.close()
        self.course.ending = await ending_of(self._http, self._server, self._reading.session_id)

    async def _message(self, text: str) -> None:
        began = asyncio.get_running_loop().time()
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self._send({"type": "conversation.item.create", "item": item})
        await self._send({"type": "response.create"})
        self._reading.owed = True
        await self._listen()
        self.course.waits_ms.append((asyncio.get_running_loop().time() - began) * 1000)

    async def _send(self, event: dict[str, Any]) -> None:
        if not self._socket.closed:
            await self._socket.send_str(orjson.dumps(event).decode())

    async def _settle(self, begin_s: float, go_on_s: float) -> None:
        """Until no response runs and none is to come; each may take so long to begin, and to go on."""
        while not self._over and (self._reading.running or self._reading.owed):
            try:
                async with asyncio.timeout(go_on_s if self._reading.running else begin_s):
                    message = await self._socket.receive()
            except TimeoutError:
                return
            if message.type is aiohttp.WSMsgType.TEXT:
                event = orjson.loads(message.data)
                self._reading.take(event)
                self._told(event)
            elif message.type in (
                aiohttp.WSMsgType.CLOSE,
                aiohttp.WSMsgType.CLOSED,
                aiohttp.WSMsgType.ERROR,
            ):
                self._over = True
                self._reading.over()
