"""Calls one after another, and several at once: nothing is left behind, nobody's audio stutters."""

from __future__ import annotations

import asyncio
import gc
import itertools
from pathlib import Path

import numpy as np
import psutil
import pytest

from api.app import make_runner
from gateway.config import from_env
from gateway.main import listening, open_gateway
from media.resample import Resampler
from tests.caller_audio import pcm
from tests.e2e.server import Server, running, settles
from tests.whole.dial import dial
from tests.whole.stalls import Stalls

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CALLS = 400
WARM = 200
"""Calls after which pools, caches and allocators have found their size."""
STRIDE = 10
"""Calls from one measurement of the memory to the next."""
SLOPE_KB = 4.0
"""Memory per call from then on, at most: 0.8 is measured on a quiet machine, and heaps grow in steps. What this is to
catch, something of every call that is kept, takes 5 (a page of the database) to 80 (an ended call)."""


async def greet(url: str) -> None:
    """One short call: connected, greeted, hung up."""
    async with dial(url) as call:
        await call.event("session.created")
        await call.event("output_audio_buffer.started")


def held(server: Server) -> dict[str, int]:
    """What the serving process holds now."""
    process = psutil.Process(server.process.pid)
    return {
        "threads": process.num_threads(),
        "files": len(process.open_files()),
        "sockets": len(process.net_connections("all")),
        "children": len(process.children(recursive=True)),
    }


def grown(before: dict[str, int], after: dict[str, int]) -> list[str]:
    """Of what there is more than before. Less is fine: a pooled connection may have closed."""
    return [what for what in before if after[what] > before[what]]


def memory_kb(server: Server) -> float:
    """Resident memory of the serving process alone (its workers are others), without the files that it maps: of those
    the system keeps in memory what it likes."""
    info = psutil.Process(server.process.pid).memory_info()
    return (info.rss - info.shared) / 1024


def slope(points: list[tuple[int, float]]) -> float:
    """Of the straight line that fits the points best."""
    xs, ys = zip(*points, strict=True)
    return float(np.polyfit(xs, ys, 1)[0])


async def test_hundreds_of_calls_leave_nothing_behind(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        await greet(server.url)
        await greet(server.url)
        before = held(server)
        memory: list[tuple[int, float]] = []
        for number in range(1, CALLS + 1):
            await greet(server.url)
            if number >= WARM and number % STRIDE == 0:
                memory.append((number, memory_kb(server)))
        left = await asyncio.to_thread(settles, lambda: not grown(before, held(server)), 10.0)
        assert left, f"before {before}, after {held(server)}"
        assert slope(memory) <= SLOPE_KB, f"{slope(memory):.1f} KB a call: {memory}"
        assert await asyncio.to_thread(
            settles, lambda: server.written().count("call ended") == CALLS + 2, 10.0
        )
        assert "Traceback" not in server.written()


async def test_calls_leave_no_task_in_the_loop(tmp_path: Path) -> None:
    settings = from_env(
        {"PARLEY_DATA_DIR": str(tmp_path), "PARLEY_ICE_ADDRESSES": "127.0.0.1", "PARLEY_PORT": "0"}
    )
    async with open_gateway(settings) as gateway, listening(make_runner(gateway.app), settings) as url:
        await greet(url)
        async with asyncio.timeout(10):
            while gateway.supervisor.live:  # noqa: ASYNC110 - the supervisor tells nobody
                await asyncio.sleep(0.05)
        gc.collect()
        before = {task.get_name() for task in asyncio.all_tasks()}
        for _ in range(5):
            await greet(url)
        async with asyncio.timeout(10):
            while strangers(before) or gateway.supervisor.live:  # noqa: ASYNC110 - nobody tells when they are gone
                await asyncio.sleep(0.05)


def strangers(known: set[str]) -> set[str]:
    """Tasks that were not there before."""
    return {task.get_name() for task in asyncio.all_tasks()} - known


async def hold(url: str, speech: bytes) -> tuple[float, list[str]]:
    """One call with a turn in it. Returns by how much two packets came further apart than they were to be heard while
    the agent spoke, in seconds, at most, and what was understood."""
    async with dial(url, bytes(48 * 5500) + speech) as call:
        await call.event("session.created")
        heard = await call.event("conversation.item.input_audio_transcription.completed", 30)
        started = await call.event("output_audio_buffer.started", 15)
        assert started
        begun = asyncio.get_running_loop().time()
        await call.event("output_audio_buffer.stopped", 20)
        came = zip(call.caller.heard, call.caller.places, strict=True)
        # Of a pause nothing is sent, so what counts is how much later a packet came than its place in the stream.
        late = [at - place for (at, _), place in came if at >= begun]
        gaps = [b - a for a, b in itertools.pairwise(late)]
        loud = [
            np.abs(np.frombuffer(frame, "<i2").astype(np.int32)).max()
            for at, frame in call.caller.heard
            if at >= begun
        ]
        assert max(loud) > 1000, "the reply was audible"
        return max(gaps), heard["transcript"].split()


async def test_four_calls_at_once_without_a_glitch(tmp_path: Path) -> None:
    speech = Resampler(16000, 24000).process(pcm("dental_01_book"))
    with running(tmp_path, PARLEY_EARS_WORKERS="2") as server:
        with Stalls() as machine:
            async with asyncio.TaskGroup() as group:
                calls = [group.create_task(hold(server.url, speech)) for _ in range(4)]
        for call in calls:
            gap, words = call.result()
            assert gap < 0.15 + machine.worst_s, f"a gap of {gap * 1000:.0f} ms in the agent's voice"
            assert "appointment" in words
