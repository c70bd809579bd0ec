"""A client of the OpenAI Realtime API over WebSocket: 20 ms of PCM at a time, a player of its own that stops as speech
begins, and truncation by what was heard."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from typing import Any

import aiohttp
import orjson

from gateway.load.call import Call, Failed, asked_in_vain, socket_over
from gateway.load.playing import Playing
from gateway.wire import Codec, Encoding

__all__ = ["PCM", "hold"]

PCM = Encoding(Codec.L16, 24000)
LONGEST_MESSAGE = 16 * 1024 * 1024
HELLO_S = 15.0
LIMIT_S = 600.0
FORM = {"type": "audio/pcm", "rate": 24000}
SESSION = {
    "type": "realtime",
    "audio": {
        "input": {"format": FORM, "turn_detection": {"type": "server_vad"}},
        "output": {"format": FORM},
    },
}
DELTAS = frozenset({"response.output_audio.delta", "response.audio.delta"})
"""The name today, and that of before GA."""


async def hold(call: Call) -> str:
    """The call until it is cancelled, or how the server ended it. Raises Failed."""
    url = call.plan.address("ws", "/v1/realtime?model=gpt-realtime", sockets=True)
    loop = asyncio.get_running_loop()
    try:
        async with call.http.ws_connect(
            url, headers=call.plan.headers, compress=0, max_msg_size=LONGEST_MESSAGE
        ) as socket:
            opened = loop.time()
            try:
                async with asyncio.timeout(HELLO_S):
                    first = await socket.receive()
            except TimeoutError:
                raise Failed(f"the server says nothing for {HELLO_S:.0f} s after the handshake") from None
            if first.type is not aiohttp.WSMsgType.TEXT:
                raise Failed(socket_over(socket, loop.time() - opened))
            call.connected = loop.time()
            if orjson.loads(first.data).get("type") == "error":
                raise Failed(f"the server's first event is an error: {first.data[:160]}")
            await _send(socket, {"type": "session.update", "session": SESSION})
            playing = Playing(call, PCM, call.connected, LIMIT_S)
            async with asyncio.TaskGroup() as group:
                speaking = group.create_task(_speak(call, socket, playing))
                try:
                    client = _Client(call, socket, playing)
                    async for message in socket:
                        await client.take(orjson.loads(message.data), loop.time())
                finally:
                    speaking.cancel()
            return socket_over(socket, loop.time() - call.connected)
    except aiohttp.WSServerHandshakeError as error:
        raise asked_in_vain(error.status, error.message, url, "--ws-path") from None
    except orjson.JSONDecodeError:
        raise Failed("the server sends what is no JSON: no Realtime server") from None


async def _speak(call: Call, socket: aiohttp.ClientWebSocketResponse, playing: Playing) -> None:
    while True:
        now = await call.pace.next()
        playing.advance(now)
        audio = b64encode(call.talk.frame(now)).decode()
        await _send(socket, {"type": "input_audio_buffer.append", "audio": audio})


class _Client:
    def __init__(self, call: Call, socket: aiohttp.ClientWebSocketResponse, playing: Playing) -> None:
        self._call = call
        self._socket = socket
        self._playing = playing
        self._item: tuple[str, int] | None = None
        self._arrived_ms = 0.0
        self._dead = ""
        """A reply that was cleared; more of it is not played."""

    async def take(self, event: dict[str, Any], now: float) -> None:
        kind = event.get("type")
        if kind in DELTAS:
            item = (str(event.get("item_id")), int(event.get("content_index", 0)))
            if item[0] == self._dead:
                return
            if item != self._item:
                self._item, self._arrived_ms = item, 0.0
            audio = b64decode(event["delta"])
            self._arrived_ms += len(audio) / PCM.bytes_per_ms
            self._playing.advance(now)
            self._playing.play(audio)
        elif kind == "input_audio_buffer.speech_started":
            self._playing.advance(now)
            dropped_s, _ = self._playing.clear(now)
            if dropped_s and self._item is not None:
                heard = max(0, int(self._arrived_ms - dropped_s * 1000))
                self._dead, index = self._item
                told = {"item_id": self._dead, "content_index": index, "audio_end_ms": heard}
                await _send(self._socket, {"type": "conversation.item.truncate", **told})
        elif kind == "error":
            error = event.get("error") or {}
            self._call.rules.append(
                f"error event: {error.get('code') or error.get('message') or 'no code'}"
            )


async def _send(socket: aiohttp.ClientWebSocketResponse, event: dict[str, Any]) -> None:
    if not socket.closed:
        await socket.send_str(orjson.dumps(event).decode())
