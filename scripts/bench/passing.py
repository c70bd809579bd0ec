"""How long events take through Parley, beside a direct connection to the same mock: WebSocket clients that speak all
the time, ask for replies, and send small events whose answers are timed.

Every event of the mock bears the moment it was sent (the machine's monotonic clock), so that the way down is timed by
itself: every event of a reply, its audio too. The way up and down again is timed by events that the mock answers.
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import orjson

from scripts.bench.run import KEY, Server, free_port, process

__all__ = ["Passing", "load", "measure_passing", "passing_table"]

FRAME_S = 0.02
PROBE_S = 0.5
"""Between two timed events of one client."""
REPLY_S = 5.0
"""Between two replies of one client."""
WARM_S = 3.0
SILENCE = orjson.dumps(
    {"type": "input_audio_buffer.append", "audio": base64.b64encode(bytes(960)).decode()}
).decode()


@dataclass(frozen=True, slots=True)
class Passing:
    """What was measured, in milliseconds."""

    way: str
    clients: int
    down: int
    """Events timed on their way down."""
    down_p50_ms: float
    down_p99_ms: float
    round_trips: int
    round_trip_p50_ms: float
    round_trip_p99_ms: float


@dataclass(slots=True)
class Watch:
    """What all clients of one measurement saw."""

    counting: bool = False
    down: list[int] = field(default_factory=list)
    round_trips: list[int] = field(default_factory=list)


def measure_passing(server: Server, clients: int, seconds: float) -> tuple[Passing, Passing]:
    """(direct, through the server), one after the other with the same mock. Raises RuntimeError when the server does
    not come up."""
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        mock_port, port = free_port(), free_port()
        upstream = f"ws://127.0.0.1:{mock_port}/v1/realtime"
        command = (sys.executable, "-m", "scripts.bench.mock", "--port", str(mock_port))
        with process(command, dict(os.environ), Path(folder, "mock.log"), mock_port):
            direct = asyncio.run(load("direct", mock_port, clients, seconds))
            environment = {
                **server.environment(port, upstream, folder),
                "PARLEY_MAX_CALLS": str(clients + 4),
            }
            arguments = tuple(arg.format(port=port) for arg in server.command)
            with process(arguments, environment, Path(folder, "server.log"), port):
                through = asyncio.run(load(server.name, port, clients, seconds))
    return direct, through


async def load(way: str, port: int, clients: int, seconds: float) -> Passing:
    """Time the events of so many clients of the server at this port of the machine."""
    watch = Watch()
    url = f"ws://127.0.0.1:{port}/v1/realtime?model=mock"
    headers = {"Authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        callers = [
            group.create_task(_client(http, url, headers, index / clients, watch))
            for index in range(clients)
        ]
        await asyncio.sleep(WARM_S)
        watch.counting = True
        await asyncio.sleep(seconds)
        watch.counting = False
        for caller in callers:
            caller.cancel()
    if not watch.down or not watch.round_trips:
        raise RuntimeError(f"{way}: no event came back")
    return Passing(
        way, clients, len(watch.down), _ms(watch.down, 50), _ms(watch.down, 99), len(watch.round_trips),
        _ms(watch.round_trips, 50), _ms(watch.round_trips, 99),
    )  # fmt: skip


async def _client(
    http: aiohttp.ClientSession, url: str, headers: dict[str, str], phase: float, watch: Watch
) -> None:
    """One client; `phase` in 0–1 spreads the clients, so that they do not all act at once."""
    # Everything is timed, so nothing may wait for a client that reads late: no compression, no limit.
    async with http.ws_connect(url, headers=headers, max_msg_size=0, compress=0) as socket:
        # Someone who leads the conversation is not greeted.
        session = {"type": "realtime", "instructions": "Be a mock."}
        await socket.send_str(_json("session.update", session=session))
        sent: dict[str, int] = {}
        async with asyncio.TaskGroup() as group:
            group.create_task(_read(socket, sent, watch))
            group.create_task(_act(socket, phase, sent))


async def _act(socket: aiohttp.ClientWebSocketResponse, phase: float, sent: dict[str, int]) -> None:
    """20 ms of silence fifty times a second, and now and then something else, on a schedule."""
    loop = asyncio.get_running_loop()
    began = loop.time() + phase * PROBE_S
    probes, replies, frame = 0, 0, 0
    while True:
        at = frame * FRAME_S
        await asyncio.sleep(began + at - loop.time())
        await socket.send_str(SILENCE)
        if at >= probes * PROBE_S:
            probes += 1
            item = {"id": f"probe_{phase:.4f}_{probes}", "type": "message", "role": "user", "content": []}
            sent[str(item["id"])] = time.monotonic_ns()
            await socket.send_str(_json("conversation.item.create", item=item))
        if at >= (replies + phase) * REPLY_S:
            replies += 1
            await socket.send_str(_json("response.create"))
        frame += 1


async def _read(socket: aiohttp.ClientWebSocketResponse, sent: dict[str, int], watch: Watch) -> None:
    async for message in socket:
        now = time.monotonic_ns()
        event: dict[str, Any] = orjson.loads(message.data)
        stamp = event["event_id"].removeprefix("event_")
        if watch.counting and len(stamp) > 12 and stamp.isdecimal():
            watch.down.append(now - int(stamp))
        if event["type"] == "conversation.item.added":
            began = sent.pop(event["item"]["id"], None)
            if began is not None and watch.counting:
                watch.round_trips.append(now - began)


def passing_table(direct: Passing, through: Passing) -> str:
    """One block of lines."""
    rows = (
        ("down_p50_ms", "event down, median ms"), ("down_p99_ms", "event down, p99 ms"),
        ("round_trip_p50_ms", "up and down again, median ms"), ("round_trip_p99_ms", "up and down again, p99 ms"),
    )  # fmt: skip
    lines = [
        f"{through.clients} WebSocket client(s)".ljust(36) + f"{'direct':>10}{through.way:>10}{'added':>8}"
    ]
    before, after = asdict(direct), asdict(through)
    for key, label in rows:
        lines.append(
            f"  {label:<34}{before[key]:>10.2f}{after[key]:>10.2f}{after[key] - before[key]:>8.2f}"
        )
    return "\n".join(lines)


def _json(kind: str, **fields: Any) -> str:
    return orjson.dumps({"type": kind, **fields}).decode()


def _ms(values: list[int], percent: int) -> float:
    return round(float(np.percentile(values, percent)) / 1e6, 3)
