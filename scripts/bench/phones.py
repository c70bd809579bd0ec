"""Phone calls: callers who play Twilio's streams, through Parley and through a passthrough, `scripts.bench.through`."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import tempfile
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import psutil

from media import g711
from scripts.bench.run import cpu_s, free_port, memory_mb, percentile, process
from scripts.bench.script import FRAME_S, SILENCE_MS, THINK_MS, Turn, lay_out

__all__ = ["Phones", "matched", "measure_phones", "phones_table"]

WARM_S = 6.0
STARTED_NS = 500_000_000
EARLY_NS, TOLD_NS = 100_000_000, 1_500_000_000
"""What the mock notes so near a `clear` is of the same caller, since they are spread over the cycle: that speech began,
before it, and what was heard, about with it, or once it is sure that the caller meant to interrupt."""
ROWS: tuple[tuple[str, str], ...] = (
    ("cpu_ms_per_call_s", "CPU, ms per call and second"),
    ("first_audio_p50_ms", "first audio overhead, median ms"),
    ("first_audio_p95_ms", "first audio overhead, p95 ms"),
    ("clear_p50_ms", "speech started to clear, median ms"),
    ("clear_p95_ms", "speech started to clear, p95 ms"),
    ("truncated_p50_ms", "truncation off by, median ms"),
    ("truncated_p95_ms", "truncation off by, p95 ms"),
    ("memory_per_call_mb", "memory per call, MiB"),
    ("missed_replies", "replies that never came"),
    ("alive", "calls alive at the end"),
)


@dataclass(frozen=True, slots=True)
class Phones:
    """What was measured; a figure that could not be had is None."""

    server: str
    calls: int
    alive: int
    cpu_ms_per_call_s: float
    first_audio_p50_ms: float | None
    first_audio_p95_ms: float | None
    clear_p50_ms: float | None
    clear_p95_ms: float | None
    truncated_p50_ms: float | None
    truncated_p95_ms: float | None
    memory_per_call_mb: float
    missed_replies: int


@dataclass(slots=True)
class Phone:
    """One caller: says the cycle again and again, and plays what comes as a telephone does."""

    frames: tuple[bytes, ...]
    turns: tuple[Turn, ...]
    skip: int
    """Frames of silence before the first cycle."""
    overheads: list[float] = field(default_factory=list)
    clears: list[tuple[int, float]] = field(default_factory=list)
    """When (monotonic, ns), and how much of the reply had been heard, in ms."""
    missed: int = 0
    alive: bool = False
    _ended: float | None = None
    """When the last word was said that is not answered yet."""
    _parts: list[tuple[float, float]] = field(default_factory=list)
    """Of the reply: from when to when each piece is heard."""
    _marks: deque[tuple[str, asyncio.TimerHandle]] = field(default_factory=deque)

    async def call(self, http: aiohttp.ClientSession, url: str) -> None:
        async with http.ws_connect(url, compress=0, max_msg_size=0) as socket, asyncio.TaskGroup() as group:
            sid = f"MZ{id(self):032x}"
            form = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
            start = {"streamSid": sid, "accountSid": "AC0", "callSid": f"CA{id(self):032x}", "tracks": ["inbound"],
                     "mediaFormat": form, "customParameters": {}}  # fmt: skip
            await _send(socket, {"event": "connected", "protocol": "Call", "version": "1.0.0"})
            await _send(socket, {"event": "start", "sequenceNumber": "1", "start": start, "streamSid": sid})
            self.alive = True
            saying = group.create_task(self._say(socket, sid))
            async for message in socket:
                self._play(socket, orjson.loads(message.data), group)
            self.alive = False
            saying.cancel()

    async def _say(self, socket: aiohttp.ClientWebSocketResponse, sid: str) -> None:
        loop = asyncio.get_running_loop()
        began, silence = loop.time(), b"\xff" * 160
        ends = {turn.last for turn in self.turns}
        number = 0
        while True:
            await asyncio.sleep(began + number * FRAME_S - loop.time())
            place = number - self.skip
            frame = silence if place < 0 else self.frames[place % len(self.frames)]
            number += 1
            media = {"track": "inbound", "chunk": str(number), "timestamp": str(number * 20),
                     "payload": base64.b64encode(frame).decode()}  # fmt: skip
            await _send(
                socket,
                {"event": "media", "sequenceNumber": str(number + 1), "media": media, "streamSid": sid},
            )
            if place >= 0 and place % len(self.frames) + 1 in ends:
                self.missed += self._ended is not None
                self._ended, self._parts = loop.time(), []

    def _play(
        self, socket: aiohttp.ClientWebSocketResponse, event: dict[str, object], group: asyncio.TaskGroup
    ) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        until = max(now, self._parts[-1][1] if self._parts else now)

        def back(name: str) -> None:
            if not socket.closed:
                told = {"event": "mark", "streamSid": event["streamSid"], "mark": {"name": name}}
                group.create_task(_send(socket, told))

        match event:
            case {"event": "media", "media": {"payload": str(payload)}}:
                if self._ended is not None:
                    self.overheads.append((now - self._ended) * 1000 - SILENCE_MS - THINK_MS)
                    self._ended = None
                self._parts.append((until, until + len(base64.b64decode(payload)) / 8000))
            case {"event": "mark", "mark": {"name": str(name)}}:
                self._marks.append((name, loop.call_at(until, back, name)))
            case {"event": "clear"}:
                heard = sum(min(end, now) - min(begin, now) for begin, end in self._parts)
                self.clears.append((time.monotonic_ns(), heard * 1000))
                self._parts = [(begin, min(end, now)) for begin, end in self._parts if begin < now]
                for name, timer in self._marks:
                    if not timer.cancelled() and timer.when() > now:
                        timer.cancel()
                        back(name)
                self._marks.clear()
            case _:
                pass


async def _send(socket: aiohttp.ClientWebSocketResponse, event: object) -> None:
    await socket.send_str(orjson.dumps(event).decode())


def measure_phones(calls: int, cycles: int) -> tuple[Phones, Phones]:
    """(passthrough, Parley), one after the other. Raises RuntimeError when one does not come up."""
    return _measure("through", calls, cycles), _measure("phone", calls, cycles)


def _measure(server: str, calls: int, cycles: int) -> Phones:
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        mock_port, port, notes = free_port(), free_port(), Path(folder, "notes.jsonl")
        mock = (sys.executable, "-m", "scripts.bench.mock", "--port", str(mock_port), "--notes", str(notes))
        bare = {k: v for k, v in os.environ.items() if not k.startswith("PARLEY_")}
        with process(mock, bare, Path(folder, "mock.log"), mock_port):
            told = {"PORT": str(port), "UPSTREAM": f"ws://127.0.0.1:{mock_port}/v1/realtime"}
            command = (sys.executable, "-m", f"scripts.bench.{server}")
            with process(command, bare | told, Path(folder, "server.log"), port) as running:
                return asyncio.run(_load(server, running, port, calls, cycles, notes))


async def _load(
    server: str, process: psutil.Process, port: int, calls: int, cycles: int, notes: Path
) -> Phones:
    cycle, turns = lay_out()
    narrow = cycle.reshape(-1, 6).mean(axis=1).astype("<i2").tobytes()
    frames = tuple(g711.encode(narrow[at : at + 320], "mu") for at in range(0, len(narrow), 320))
    cycle_s = len(frames) * FRAME_S
    phones = [Phone(frames, turns, round((WARM_S + cycle_s * i / calls) / FRAME_S)) for i in range(calls)]
    url = f"ws://127.0.0.1:{port}/media-stream"
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        first = group.create_task(Phone(frames, turns, 25).call(http, url))
        await asyncio.sleep(WARM_S)
        first.cancel()
        await asyncio.sleep(1.0)
        idle_mb = memory_mb(process)
        tasks = []
        for phone in phones:
            tasks.append(group.create_task(phone.call(http, url)))
            await asyncio.sleep(0.02)
        await asyncio.sleep(WARM_S)
        began, cpu, peak_mb = time.monotonic(), cpu_s(process), 0.0
        while time.monotonic() < began + (cycles + 1) * cycle_s:
            await asyncio.sleep(1.0)
            peak_mb = max(peak_mb, memory_mb(process))
        seconds, cpu = time.monotonic() - began, cpu_s(process) - cpu
        alive = sum(phone.alive for phone in phones)
        for task in tasks:
            task.cancel()
    overheads = [ms for phone in phones for ms in phone.overheads]
    noted = await asyncio.to_thread(_read, notes)
    late, off = matched([one for phone in phones for one in phone.clears], noted)
    return Phones(
        "parley" if server == "phone" else "passthrough", calls, alive, round(cpu / seconds / calls * 1000, 2),
        percentile(overheads, 50), percentile(overheads, 95), percentile(late, 50), percentile(late, 95),
        percentile(off, 50), percentile(off, 95), round((peak_mb - idle_mb) / calls, 2),
        sum(phone.missed for phone in phones),
    )  # fmt: skip


def _read(notes: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in notes.read_bytes().splitlines()]


def matched(
    clears: list[tuple[int, float]], noted: list[dict[str, Any]]
) -> tuple[list[float], list[float]]:
    """How late each `clear` came, and how far off what the model was told is from what was heard, in milliseconds."""
    late, off = [], []
    for at, heard_ms in clears:
        started = [n["at"] for n in noted if n["what"] == "started" and 0 <= at - n["at"] < STARTED_NS]
        told = [n["ms"] for n in noted if n["what"] == "truncated" and -EARLY_NS < n["at"] - at < TOLD_NS]
        if started:
            late.append((at - max(started)) / 1e6)
        if told:
            off.append(abs(told[0] - heard_ms))
    return late, off


def phones_table(through: Phones, parley: Phones) -> str:
    """One block of lines."""
    lines = [f"{parley.calls} phone call(s)".ljust(36) + f"{'passthrough':>12}{'parley':>10}{'ratio':>8}"]
    before, after = asdict(through), asdict(parley)
    for key, label in ROWS:
        theirs, ours = before[key], after[key]
        ratio = f"{ours / theirs:.2f}" if ours is not None and theirs and theirs > 0 else "–"
        shown = ["–" if value is None else f"{value:g}" for value in (theirs, ours)]
        lines.append(f"  {label:<34}{shown[0]:>12}{shown[1]:>10}{ratio:>8}")
    return "\n".join(lines)
