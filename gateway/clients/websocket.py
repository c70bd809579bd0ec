"""A client over WebSocket: the realtime protocol as text frames. The client plays the audio itself.

The HTTP route prepares the socket, makes the leg, begins the call with it, and stays in
`serve` until the socket is over: reading and writing happen there, in the route's task.

Audio takes the short way: an `input_audio_buffer.append` is decoded here and goes to the call as PCM, a
`response.output_audio.delta` comes from it as PCM and is encoded here. Everything else passes as it is.
"""

from __future__ import annotations

import asyncio
import binascii
from functools import partial
from typing import Any

import orjson
from aiohttp import WSCloseCode, web

from gateway.clients.bucket import Bucket
from gateway.clients.closing import close_code, last_words
from gateway.clients.companding import Decoder, Encoder, retold
from gateway.clients.textsocket import TextSocket
from gateway.errors import HUNG_UP, LEFT, PROTOCOL, Ending, LegError, LegLost
from gateway.ports import Event, LegSink, Speaker
from gateway.realtime.events import MAX_APPEND
from gateway.realtime.ids import new_id
from gateway.realtime.weight import too_many_values
from media.audio import PCM24

__all__ = ["WebSocketLeg"]

APPEND = "input_audio_buffer.append"
APPEND_KEYS = frozenset({"type", "audio", "event_id"})
MAX_ID = 512
"""Longest `event_id`, in characters (reference section 2)."""

SLICE_MS = 100
"""Audio that is given to the call at once, before others get the loop."""

SPEED = 20.0
"""A client may send its audio so many times faster than it was spoken: it waits in the socket meanwhile, and nothing
is dropped on the way to a model that keeps up."""

AT_ONCE_MS = 4000.0
"""Audio that is taken without waiting."""

LEAST_MS = 4.0
"""What a message of audio counts at least, so that tiny ones cannot flood."""

LEFT_CODES = frozenset({None, WSCloseCode.ABNORMAL_CLOSURE})
"""Close codes of a connection that broke; every other is a client that hung up."""


class WebSocketLeg:
    """One client over WebSocket; implements `gateway.ports.Leg`."""

    kind = "websocket"
    plays = False
    form = PCM24
    downlink_ms = 0

    def __init__(self, call_id: str, socket: web.WebSocketResponse) -> None:
        self.call_id = call_id
        self._socket = TextSocket(socket, self._unread, self._flooding)
        self._sink: LegSink | None = None
        self._opened = asyncio.Event()
        self._over = False
        self._told = False
        self._closing: asyncio.Event | None = None
        self._decoder = Decoder()
        self._input = self._output = "audio/pcm"
        """Format types of the session: of the caller's audio, and of replies that have none of their own."""
        self._formats: dict[str, str] = {}
        """The format of the replies that run."""
        self._encoders: dict[str, Encoder] = {}
        """By item."""
        self._pace = Bucket(rate=SPEED * 1000, burst=AT_ONCE_MS)
        self._in_bytes = self._out_bytes = 0

    async def serve(self) -> None:
        """Carry the client's messages to the call and the call's events to the client, until the socket is over.
        Called once, by the route, after the call was begun with this leg."""
        await self._opened.wait()
        try:
            if not self._over:
                await self._socket.serve(self._receive)
        finally:
            self._over = True
            # Looked up here: the server cancels the route once the connection is gone, also after a proper close.
            self._lose(LEFT if self._socket.close_code in LEFT_CODES else HUNG_UP)

    # ── the port ──

    async def open(self, sink: LegSink, speaker: Speaker) -> None:
        """Raises LegLost when the leg was closed before, LegError when it is opened twice."""
        if self._over:
            raise LegLost("the client left before its call began")
        if self._sink is not None:
            raise LegError("a leg is opened once")
        self._sink = sink
        sink.on_connected()
        sink.on_channel_open()
        self._opened.set()

    def send(self, event: Event) -> None:
        """Queue one event, its audio in the client's format. With 16 MiB unsent the client counts as gone."""
        match event["type"]:
            case "response.output_audio.delta":
                self._out_bytes += len(event["delta"])
                event = {**event, "delta": self._encoder(event).encode(event["delta"])}
                if not event["delta"]:
                    return
            case "response.output_audio.done":
                self._end_item(event)
            case "session.created" | "session.updated":
                audio = event["session"]["audio"]
                self._input = audio["input"]["format"]["type"]
                self._decoder.use(self._input)
                self._output = audio["output"]["format"]["type"]
            case "conversation.item.retrieved" if self._input != "audio/pcm":
                event = {**event, "item": retold(event["item"], self._input)}
            case "response.created":
                response = event["response"]
                self._formats[response["id"]] = _format_of(response) or self._output
            case "response.done":
                self._formats.pop(event["response"]["id"], None)
                for item in event["response"].get("output") or []:
                    self._encoders.pop(item.get("id"), None)
            case _:
                pass
        self._socket.send(event)

    def stats(self) -> dict[str, float]:
        return {
            "audio_in_ms": float(PCM24.to_ms(self._in_bytes)),
            "audio_out_ms": float(PCM24.to_ms(self._out_bytes)),
        }

    async def close(self, ending: Ending) -> None:
        """Send what is queued, say what is wrong if anything is, and close with the code that fits the ending."""
        self._told = True
        if self._closing is not None:
            await self._closing.wait()
            return
        self._closing = asyncio.Event()
        try:
            words = last_words(ending)
            if words is not None:
                self._socket.send(words)
            await self._socket.close(close_code(ending))
        finally:
            self._over = True
            self._opened.set()
            self._closing.set()

    # ── from the client ──

    async def _receive(self, message: str) -> None:
        sink = self._sink
        if sink is None:
            return
        audio = await self._socket.work(partial(self._judge, message, sink))
        if audio is not None:
            await self._hear(audio, sink)

    def _judge(self, message: str, sink: LegSink) -> bytes | None:
        """Audio is given back; everything else goes to the call."""
        event = _parsed(message)
        audio = _appended(event)
        if audio is not None or not self._socket.admit():
            return audio
        match event:
            case {"type": "input_audio_buffer.commit"}:
                # What is committed has to be all there.
                self._give(self._decoder.flush(), sink)
            case {"type": "input_audio_buffer.clear"}:
                self._decoder.reset()
            case _:
                pass
        sink.on_event(message)
        return None

    async def _hear(self, audio: bytes, sink: LegSink) -> None:
        """Give audio to the call, in slices, no faster than is good for everybody."""
        clock = asyncio.get_running_loop().time
        pcm = self._decoder.decode(audio)
        size = PCM24.to_bytes(SLICE_MS)
        for start in range(0, max(len(pcm), 1), size):
            piece = pcm[start : start + size]
            self._give(piece, sink)
            delay = self._pace.wait(max(PCM24.to_ms(len(piece)), LEAST_MS), clock())
            if delay > 0 or len(pcm) > size:
                await asyncio.sleep(delay)

    def _give(self, pcm: bytes, sink: LegSink) -> None:
        if pcm:
            self._in_bytes += len(pcm)
            sink.on_audio(pcm)

    # ── to the client ──

    def _encoder(self, event: Event) -> Encoder:
        item_id = event["item_id"]
        encoder = self._encoders.get(item_id)
        if encoder is None:
            chosen = self._formats.get(event["response_id"], self._output)
            encoder = self._encoders[item_id] = Encoder(chosen)
        return encoder

    def _end_item(self, event: Event) -> None:
        """The last samples of an item leave the filter before its end is told."""
        encoder = self._encoders.pop(event["item_id"], None)
        rest = b"" if encoder is None else encoder.flush()
        if rest:
            last = {
                **event,
                "type": "response.output_audio.delta",
                "event_id": new_id("event"),
                "delta": rest,
            }
            self._socket.send(last)

    # ── the end ──

    def _unread(self) -> None:
        self._socket.abort()
        self._lose(LEFT)

    def _flooding(self) -> None:
        self._lose(PROTOCOL)

    def _lose(self, ending: Ending) -> None:
        if not self._told and self._sink is not None:
            self._told = True
            self._sink.on_lost(ending)


def _parsed(message: str) -> object:
    """None for what is no JSON, or too much of it: the call judges it."""
    try:
        return None if too_many_values(message) else orjson.loads(message)
    except orjson.JSONDecodeError:
        return None


def _appended(event: Any) -> bytes | None:
    """The audio of a faultless `input_audio_buffer.append`. None for anything else: the call judges it, and tells the
    client what is wrong."""
    if not isinstance(event, dict) or event.get("type") != APPEND or not event.keys() <= APPEND_KEYS:
        return None
    audio, event_id = event.get("audio"), event.get("event_id")
    if not isinstance(audio, str) or len(audio) > MAX_APPEND:
        return None
    if event_id is not None and not (isinstance(event_id, str) and len(event_id) <= MAX_ID):
        return None
    try:
        return binascii.a2b_base64(audio, strict_mode=True)
    except ValueError:
        return None


def _format_of(response: dict[str, Any]) -> str | None:
    output = (response.get("audio") or {}).get("output") or {}
    kind: str | None = (output.get("format") or {}).get("type")
    return kind
