"""A realtime model that does not think: GA protocol over WebSocket, energy for ears, a tone for a voice.

    python -m scripts.bench.mock --port 9100 [--notes FILE]

Everything it does depends on the audio it gets and on nothing else, so two gateways measured against it had the
same partner. Turns are found in audio time. `create_response` and `interrupt_response` are honoured; the length of
the silence that ends a turn is its own.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from aiohttp import WSMsgType, web

from media import g711
from scripts.bench.script import REPLY_MS, SILENCE_MS, THINK_MS

RATE = 24000
WINDOW = RATE // 100 * 2
"""Bytes of 10 ms."""
LOUD_RMS = 250.0
STARTED = 6
"""Loud windows of the last eight that make speech."""
CHUNK_MS = 100
SPEED = 5
"""How much faster than real time the reply is sent."""

Event = dict[str, Any]


def tone(*, narrow: bool = False) -> list[str]:
    """The reply, in chunks as they go on the wire. `narrow`: a telephone's, G.711."""
    at = np.arange(RATE * REPLY_MS // 1000) / RATE
    wave = 8000 * np.sin(2 * np.pi * 330 * at) + 3000 * np.sin(2 * np.pi * 660 * at)
    raw = wave.astype("<i2").tobytes()
    size = RATE * CHUNK_MS // 1000 * 2
    if narrow:
        raw, size = g711.encode(wave[::3].astype("<i2").tobytes(), "mu"), g711.RATE * CHUNK_MS // 1000
    return [base64.b64encode(raw[i : i + size]).decode() for i in range(0, len(raw), size)]


TONE, NARROW = tone(), tone(narrow=True)
G711 = "audio/pcmu"


def widened(companded: bytes) -> bytes:
    """G.711 as its energy is judged: at 24 kHz, each sample three times."""
    return np.repeat(np.frombuffer(g711.decode(companded, "mu"), "<i2"), 3).tobytes()


@dataclass(slots=True)
class Ears:
    """Speech by energy, 10 ms at a time."""

    rest: bytes = b""
    history: int = 0
    quiet_ms: int = 0
    speaking: bool = False
    heard_ms: int = 0

    def hear(self, pcm: bytes) -> list[tuple[bool, int]]:
        """(speech began or ended, audio time in ms) of what `pcm` brought."""
        self.rest += pcm
        turns = []
        while len(self.rest) >= WINDOW:
            window, self.rest = self.rest[:WINDOW], self.rest[WINDOW:]
            samples = np.frombuffer(window, "<i2").astype(np.float64)
            loud = bool(np.sqrt((samples**2).mean()) > LOUD_RMS)
            self.heard_ms += 10
            self.history = (self.history << 1 | loud) & 0xFF
            self.quiet_ms = 0 if loud else self.quiet_ms + 10
            if not self.speaking and self.history.bit_count() >= STARTED:
                self.speaking = True
                turns.append((True, self.heard_ms))
            elif self.speaking and self.quiet_ms >= SILENCE_MS:
                self.speaking, self.history = False, 0
                turns.append((False, self.heard_ms))
        return turns


@dataclass(slots=True)
class Session:
    """One connection."""

    socket: web.WebSocketResponse
    group: asyncio.TaskGroup
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    ears: Ears = field(default_factory=Ears)
    notes: Path | None = None
    """Where it is written when speech began and what was told to be heard."""
    item: str = ""
    reply: asyncio.Task[None] | None = None
    settings: Event = field(
        default_factory=lambda: {
            "type": "realtime",
            "model": "mock",
            "output_modalities": ["audio"],
            "instructions": "",
            "tools": [],
            "tool_choice": "auto",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": RATE},
                    "turn_detection": {
                        "type": "server_vad",
                        "create_response": True,
                        "interrupt_response": True,
                    },
                },
                "output": {"format": {"type": "audio/pcm", "rate": RATE}, "voice": "marin"},
            },
        }
    )

    def new(self, prefix: str) -> str:
        return f"{prefix}_{next(self.numbers):08d}"

    async def send(self, kind: str, **fields: object) -> None:
        # Both ends of a bench are on one machine: the id tells when the event left.
        event = {"type": kind, "event_id": f"event_{time.monotonic_ns()}", **fields}
        if not self.socket.closed:
            await self.socket.send_str(orjson.dumps(event).decode())

    def session(self) -> Event:
        return {
            **self.settings,
            "id": "sess_mock",
            "object": "realtime.session",
            "expires_at": 4_000_000_000,
        }

    async def receive(self, event: Event) -> None:
        match event["type"]:
            case "input_audio_buffer.append":
                audio = base64.b64decode(event["audio"])
                for began, at_ms in self.ears.hear(widened(audio) if self.narrow("input") else audio):
                    await (self.began(at_ms) if began else self.ended(at_ms))
            case "session.update":
                merge(self.settings, event["session"])
                await self.send("session.updated", session=self.session())
            case "response.create":
                self.respond(event.get("response", {}))
            case "response.cancel":
                await self.cancel("client_cancelled")
            case "conversation.item.truncate":
                self.note("truncated", event["audio_end_ms"])
                await self.send(
                    "conversation.item.truncated",
                    **{key: event[key] for key in ("item_id", "content_index", "audio_end_ms")},
                )
            case "conversation.item.create":
                item = {"id": self.new("item"), **event["item"]}
                await self.send("conversation.item.added", item=item, previous_item_id=None)
                await self.send("conversation.item.done", item=item, previous_item_id=None)
            case _:
                pass  # clearing, deleting and the rest change nothing that is measured

    def narrow(self, way: str) -> bool:
        """Whether the audio this way (`input`, `output`) is a telephone's."""
        return bool(self.settings["audio"][way]["format"]["type"] == G711)

    def note(self, what: str, ms: int) -> None:
        if self.notes is not None:
            line = orjson.dumps({"what": what, "at": time.monotonic_ns(), "ms": ms})
            with self.notes.open("ab") as file:
                file.write(line + b"\n")

    @property
    def detection(self) -> Event:
        return self.settings["audio"]["input"].get("turn_detection") or {}

    async def began(self, at_ms: int) -> None:
        self.item = self.new("item")
        self.note("started", at_ms)
        await self.send("input_audio_buffer.speech_started", item_id=self.item, audio_start_ms=at_ms)
        if self.detection.get("interrupt_response", True):
            await self.cancel("turn_detected")

    async def ended(self, at_ms: int) -> None:
        await self.send("input_audio_buffer.speech_stopped", item_id=self.item, audio_end_ms=at_ms)
        await self.send("input_audio_buffer.committed", item_id=self.item, previous_item_id=None)
        item = {
            "id": self.item,
            "object": "realtime.item",
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        await self.send("conversation.item.added", item=item, previous_item_id=None)
        await self.send("conversation.item.done", item=item, previous_item_id=None)
        await self.send(
            "conversation.item.input_audio_transcription.completed",
            item_id=self.item,
            content_index=0,
            transcript="words were said",
            usage={"type": "duration", "seconds": 1},
        )
        if self.detection.get("create_response", True):
            self.respond({})

    def respond(self, asked: Event) -> None:
        if self.reply is None or self.reply.done():
            self.reply = self.group.create_task(self.speak(asked))

    async def cancel(self, reason: str) -> None:
        if self.reply is not None and not self.reply.done():
            self.reply.cancel(reason)
            await asyncio.wait([self.reply])

    async def speak(self, asked: Event) -> None:
        response, item = self.new("resp"), self.new("item")
        where = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        shape: Event = {
            "id": response,
            "object": "realtime.response",
            "status": "in_progress",
            "output": [],
            "metadata": asked.get("metadata"),
            "output_modalities": ["audio"],
        }
        message = {"id": item, "object": "realtime.item", "type": "message", "role": "assistant"}
        part: Event = {"type": "output_audio", "transcript": ""}
        status, why = "completed", None
        try:
            await self.send("response.created", response=shape)
            await asyncio.sleep(THINK_MS / 1000)
            added = {**message, "status": "in_progress", "content": []}
            await self.send("response.output_item.added", response_id=response, output_index=0, item=added)
            await self.send("conversation.item.added", item=added, previous_item_id=None)
            await self.send(
                "response.content_part.added", **where, part={"type": "audio", "transcript": ""}
            )
            loop = asyncio.get_running_loop()
            begin = loop.time()
            for index, chunk in enumerate(NARROW if self.narrow("output") else TONE):
                await asyncio.sleep(begin + index * CHUNK_MS / 1000 / SPEED - loop.time())
                await self.send("response.output_audio.delta", **where, delta=chunk)
                await self.send("response.output_audio_transcript.delta", **where, delta="la ")
            part["transcript"] = "la " * len(TONE)
            await self.send("response.output_audio.done", **where)
            await self.send("response.output_audio_transcript.done", **where, transcript=part["transcript"])
            await self.send(
                "response.content_part.done",
                **where,
                part={"type": "audio", "transcript": part["transcript"]},
            )
        except asyncio.CancelledError as cancelled:
            if not cancelled.args:
                raise  # the connection is over, not the reply
            status, why = "cancelled", {"type": "cancelled", "reason": cancelled.args[0]}
        done = {
            **message,
            "status": "completed" if status == "completed" else "incomplete",
            "content": [part],
        }
        await self.send("response.output_item.done", response_id=response, output_index=0, item=done)
        await self.send("conversation.item.done", item=done, previous_item_id=None)
        usage = {"total_tokens": 2, "input_tokens": 1, "output_tokens": 1}
        final = {**shape, "status": status, "status_details": why, "output": [done], "usage": usage}
        await self.send("response.done", response=final)


def merge(old: Event, new: Event) -> None:
    """Objects are merged, everything else replaced."""
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            merge(old[key], value)
        else:
            old[key] = value


async def serve_session(request: web.Request, notes: Path | None = None) -> web.WebSocketResponse:
    protocols = request.headers.get("Sec-WebSocket-Protocol", "")
    socket = web.WebSocketResponse(protocols=("realtime",) if "realtime" in protocols else ())
    await socket.prepare(request)
    async with asyncio.TaskGroup() as group:
        session = Session(socket, group, notes=notes)
        await session.send("session.created", session=session.session())
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await session.receive(orjson.loads(message.data))
        if session.reply is not None:
            session.reply.cancel()
    return socket


def application(notes: Path | None = None) -> web.Application:
    app = web.Application()
    app.router.add_get("/{path:.*}", partial(serve_session, notes=notes))
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="A realtime model that answers with a tone.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--notes", type=Path, help="where to write when speech began and what was heard")
    told = parser.parse_args()
    app = application(told.notes)
    web.run_app(app, host="127.0.0.1", port=told.port, print=None, handler_cancellation=True)


if __name__ == "__main__":
    main()
