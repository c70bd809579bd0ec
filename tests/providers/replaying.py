"""A server that plays a wire file: it says its lines in their order, and waits where the client is to speak."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.providers.server import serving

__all__ = ["WIRES", "Line", "Replay", "lines", "replaying"]

WIRES = Path(__file__).parents[1] / "wires"

Line = dict[str, Any]
Event = dict[str, Any]


def lines(vendor: str, situation: str) -> list[Line]:
    return [json.loads(line) for line in (WIRES / vendor / f"{situation}.jsonl").read_text().splitlines()]


class Replay:
    """What the client said, beside what the file has it say."""

    def __init__(self, wire: list[Line]) -> None:
        self.session_first = wire[1]["event"]["type"] == "session.update"
        self.wire = wire
        self.path = ""
        self.opening: Event = {}
        """The client's first `session.update`."""
        self.said: list[tuple[Event, Event]] = []
        """Each event but audio: what came, what the file has."""
        self.audio = b""
        self.written = b""

    async def play(self, socket: web.WebSocketResponse) -> None:
        """From the first line to the last. Where the file changes no session, the one that every client of ours asks
        for is confirmed with the server's own."""
        created, *rest = self.wire
        await _send(socket, created["event"])
        self.opening = await _receive(socket)
        if self.session_first:
            rest = rest[1:]
        else:
            await _send(socket, {**created["event"], "type": "session.updated"})
        for line in rest:
            event = line["event"]
            if line["dir"] == "down":
                await _send(socket, event)
            elif event["type"] == "input_audio_buffer.append":
                self.written += base64.b64decode(event["audio"])
                # We may say in one event what the file says in several, so there may be nothing to wait for.
                while len(self.audio) < len(self.written):
                    self.audio += base64.b64decode((await _receive(socket))["audio"])
            else:
                self.said.append((await _receive(socket), event))
        await socket.close(code=1000)


@asynccontextmanager
async def replaying(wire: list[Line]) -> AsyncIterator[tuple[str, Replay]]:
    """Serve the file at every path; yields `host:port`."""
    replay = Replay(wire)

    async def connect(request: web.Request) -> web.StreamResponse:
        replay.path = request.path
        socket = web.WebSocketResponse(timeout=0.5)
        await socket.prepare(request)
        await replay.play(socket)
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", connect)
    async with serving(app) as address:
        yield address, replay


async def _send(socket: web.WebSocketResponse, event: Event) -> None:
    await socket.send_str(json.dumps(event))


async def _receive(socket: web.WebSocketResponse) -> Event:
    event = json.loads(await socket.receive_str())
    assert isinstance(event, dict)
    return event
