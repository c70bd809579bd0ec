"""How long a start takes: from the command to the first call that is accepted, and what of it is imports.

    python -m scripts.bench.start [--times 5] [--json]

What no call waits for is imported once calls are taken, and the loop shares the interpreter with that. So for
two seconds it is asked for something small, again and again: what is answered late is what a caller's frame would be.

A start has a data folder that an earlier start has made, and a warm disk cache. The call is a WebSocket client's: it is
accepted when it is told `session.created`. `remote`: with a provider elsewhere; nobody there answers, which an accepted
call does not wait for. `embedded`: with ears and voice in worker processes. What this leaves out: the set-up
of media of a WebRTC or phone call, and the model's own session.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass

import aiohttp

__all__ = ["Start", "measure_starts", "starts_table"]

KINDS: dict[str, dict[str, str]] = {
    "remote": {"PARLEY_PROVIDERS": "upstream", "PARLEY_UPSTREAM_URL": "ws://127.0.0.1:9/v1/realtime"},
    "embedded": {"PARLEY_PROVIDERS": "embedded"},
}


@dataclass(frozen=True, slots=True)
class Start:
    """Medians, in seconds since the command was given."""

    kind: str
    imports_s: float
    listening_s: float
    first_call_s: float
    late_p99_ms: float
    """How long small requests are answered in, in `AFTER_S` from the first call on."""
    late_most_ms: float
    cpu_s: float
    """Of the server and those of its workers that have ended, until it had stopped again."""


AFTER_S = 2.0


async def _start(environment: dict[str, str]) -> tuple[float, float, list[float]]:
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        "serve",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    listening = time.monotonic() - began
    url = line.rsplit(" ", 1)[-1].strip()
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{url}/v1/realtime?model=any") as socket,
    ):
        told = await socket.receive_json(timeout=30)
        accepted = time.monotonic() - began
        late_ms = [late async for late in _answers(client, url)]
    if told["type"] != "session.created":
        raise RuntimeError(f"the call was answered with {told['type']}")
    process.terminate()
    await process.wait()
    return listening, accepted, late_ms


async def _answers(client: aiohttp.ClientSession, url: str) -> AsyncIterator[float]:
    """How long it takes to be told that this is no WebSocket, in milliseconds: the loop does nothing else for it."""
    until = time.monotonic() + AFTER_S
    while (asked := time.monotonic()) < until:
        async with client.get(f"{url}/v1/realtime") as refused:
            if refused.status != 426:
                raise RuntimeError(f"a request that is no WebSocket was answered with {refused.status}")
        yield (time.monotonic() - asked) * 1000
        await asyncio.sleep(0.002)


def _imports() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import gateway.__main__, gateway.main, uvloop"], check=True)
    return time.monotonic() - began


def measure_starts(times: int) -> list[Start]:
    """`times` starts of each kind, after one that is not counted."""
    results: list[Start] = []
    for kind, settings in KINDS.items():
        with tempfile.TemporaryDirectory() as data:
            kept = {
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("PARLEY_", "OPENAI_"))
            }
            environment = {
                **kept,
                **settings,
                "PARLEY_DATA_DIR": data,
                "PARLEY_PORT": "0",
                "PARLEY_DRAIN_S": "0",
            }
            asyncio.run(_start(environment))
            before = _children_cpu()
            runs = [asyncio.run(_start(environment)) for _ in range(times)]
            cpu = (_children_cpu() - before) / times
            late_ms = sorted(late for *_, several in runs for late in several)
        results.append(
            Start(
                kind,
                round(statistics.median(_imports() for _ in range(times)), 2),
                round(statistics.median(listening for listening, *_ in runs), 2),
                round(statistics.median(accepted for _, accepted, _ in runs), 2),
                round(late_ms[len(late_ms) * 99 // 100], 1),
                round(late_ms[-1], 1),
                round(cpu, 2),
            )
        )
    return results


def _children_cpu() -> float:
    used = os.times()
    return used.children_user + used.children_system


def starts_table(starts: list[Start]) -> str:
    lines = [
        f"{'start, s':12}{'imports':>10}{'listening':>12}{'first call':>12}{'p99 after, ms':>15}{'most':>8}{'CPU':>8}"
    ]
    lines += [
        f"{start.kind:12}{start.imports_s:>10}{start.listening_s:>12}{start.first_call_s:>12}"
        f"{start.late_p99_ms:>15}{start.late_most_ms:>8}{start.cpu_s:>8}"
        for start in starts
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how long a start takes.")
    parser.add_argument("--times", type=int, default=5, help="starts of each kind")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    starts = measure_starts(options.times)
    print(json.dumps([asdict(start) for start in starts]) if options.json else starts_table(starts))


if __name__ == "__main__":
    main()
