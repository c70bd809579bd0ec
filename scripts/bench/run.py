"""One measurement: a fresh mock, a fresh server, N callers for some cycles, then everything is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import numpy as np
import psutil

from scripts.bench.caller import Caller, Heard, use_loopback
from scripts.bench.script import FRAME_S, REPLY_MS, Script

__all__ = ["KEY", "Result", "Server", "cpu_s", "free_port", "measure", "memory_mb", "percentile", "process"]

KEY = "bench-key-of-this-machine-only"
WARM_S = 8.0
"""Length of a call before the measurement: long enough for a question and its answer."""
LEAD_S = 6.0
"""Before the first word: the connection is up, and a greeting has been said."""


@dataclass(frozen=True, slots=True)
class Server:
    """A gateway under measurement."""

    name: str
    command: tuple[str, ...]

    def environment(self, port: int, upstream: str, data: str) -> dict[str, str]:
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("PARLEY_", "OPENAI_"))},
            "UPSTREAM": upstream,
            "PARLEY_PORT": str(port),
            "PARLEY_DATA_DIR": data,
            "PARLEY_PROVIDERS": "upstream",
            "PARLEY_UPSTREAM_URL": upstream,
            "PARLEY_UPSTREAM_API_KEY": KEY,
            "PARLEY_API_KEYS": KEY,
            "PARLEY_ICE_ADDRESSES": "127.0.0.1",
            "PARLEY_LOG_LEVEL": "warning",
        }


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured. Milliseconds and MiB; a figure that could not be had is None."""

    server: str
    calls: int
    alive: int
    cpu_ms_per_call_s: float
    first_audio_p50_ms: float | None
    first_audio_p95_ms: float | None
    bargein_p50_ms: float | None
    bargein_p95_ms: float | None
    bargeins: int
    missed_replies: int
    lost_ms_per_reply: float | None
    memory_idle_mb: float
    memory_per_call_mb: float
    connected_p50_ms: float | None
    loader_late_ms: float


def measure(server: Server, calls: int, cycles: int, script: Script) -> Result:
    """Run it, on free ports of this machine. Raises RuntimeError when the server does not come up or answer."""
    use_loopback()
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        mock_port, port = free_port(), free_port()
        upstream = f"ws://127.0.0.1:{mock_port}/v1/realtime"
        log = Path(folder, "server.log")
        command = (sys.executable, "-m", "scripts.bench.mock", "--port", str(mock_port))
        with process(command, dict(os.environ), Path(folder, "mock.log"), mock_port):
            environment = server.environment(port, upstream, folder)
            arguments = tuple(arg.format(port=port) for arg in server.command)
            with process(arguments, environment, log, port) as running:
                try:
                    return asyncio.run(_load(server.name, running, port, calls, cycles, script))
                except (RuntimeError, OSError, aiohttp.ClientError, TimeoutError) as error:
                    tail = log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"{server.name}: {error}\n{tail}") from error


async def _load(
    name: str, process: psutil.Process, port: int, calls: int, cycles: int, script: Script
) -> Result:
    cycle_s = len(script.packets) * FRAME_S
    # Cycles are spread evenly, so that the callers do not all speak at once.
    callers = [
        Caller(script, round((LEAD_S + cycle_s * index / calls) / FRAME_S)) for index in range(calls)
    ]
    url = f"http://127.0.0.1:{port}/v1/realtime/calls"
    key = {"Authorization": f"Bearer {KEY}"}
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http:
            # What the first call loads once is not what a call costs.
            first = Caller(script, 25)
            await first.call(http, url, key)
            await asyncio.sleep(WARM_S)
            await first.hang_up()
            await asyncio.sleep(1.0)
            idle_mb = memory_mb(process)
            for caller in callers:
                await caller.call(http, url, key)
            await asyncio.sleep(LEAD_S)
            began, cpu, peak_mb = time.monotonic(), cpu_s(process), 0.0
            # One cycle more than is counted: the last caller begins almost a cycle later than the first.
            while time.monotonic() < began + (cycles + 1) * cycle_s:
                await asyncio.sleep(1.0)
                peak_mb = max(peak_mb, memory_mb(process))
            seconds, cpu = time.monotonic() - began, cpu_s(process) - cpu
            alive = sum(caller.alive for caller in callers)
    finally:
        for caller in callers:
            await caller.hang_up()
    return _summary(
        name, callers, alive, cpu / seconds / calls * 1000, idle_mb, (peak_mb - idle_mb) / calls
    )


def _summary(
    name: str, callers: list[Caller], alive: int, cpu_ms: float, idle_mb: float, call_mb: float
) -> Result:
    # The last turn of each may have been cut short by the end.
    turns = [turn for caller in callers for turn in caller.turns[:-1] if turn.ended is not None]
    overheads = [turn.overhead_ms for turn in turns if turn.overhead_ms is not None]
    bargeins = [turn.bargein_ms for turn in turns if turn.bargein_ms is not None]
    lost = [max(0.0, REPLY_MS - turn.reply_ms) for turn in _heard_out(callers) if turn.reply_at]
    connected = [caller.connected_ms for caller in callers if caller.connected_ms is not None]
    return Result(
        server=name,
        calls=len(callers),
        alive=alive,
        cpu_ms_per_call_s=round(cpu_ms, 2),
        first_audio_p50_ms=percentile(overheads, 50),
        first_audio_p95_ms=percentile(overheads, 95),
        bargein_p50_ms=percentile(bargeins, 50),
        bargein_p95_ms=percentile(bargeins, 95),
        bargeins=len(bargeins),
        missed_replies=sum(turn.reply_at is None for turn in turns),
        lost_ms_per_reply=percentile(lost, 50),
        memory_idle_mb=round(idle_mb, 1),
        memory_per_call_mb=round(call_mb, 2),
        connected_p50_ms=percentile(connected, 50),
        loader_late_ms=round(max(caller.late_ms for caller in callers), 1),
    )


def _heard_out(callers: list[Caller]) -> Iterator[Heard]:
    """Turns whose reply nobody interrupted."""
    for caller in callers:
        for turn, following in zip(caller.turns, caller.turns[1:], strict=False):
            if not following.interrupts:
                yield turn


def percentile(values: list[float], percent: int) -> float | None:
    return round(float(np.percentile(values, percent)), 1) if values else None


# ── processes ─────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def process(
    command: tuple[str, ...], environment: dict[str, str], log: Path, port: int
) -> Iterator[psutil.Process]:
    with log.open("wb") as output:
        running = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _await_port(running, port, log)
        yield psutil.Process(running.pid)
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _await_port(running: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if running.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{' '.join(map(str, running.args))} did not start:\n{log.read_text()[-2000:]}")  # type: ignore[arg-type]  # always our tuple


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def cpu_s(process: psutil.Process) -> float:
    times = [member.cpu_times() for member in _family(process)]
    return float(sum(t.user + t.system for t in times))


def memory_mb(process: psutil.Process) -> float:
    return float(sum(member.memory_info().rss for member in _family(process))) / 2**20
