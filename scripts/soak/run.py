"""Many callers at one server, a few at a time, and what they leave behind."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from scripts.soak.callers import GIVEN_UP, KINDS, Kind
from scripts.soak.server import Server, served

__all__ = ["Report", "soak"]

EVERY = 50
"""Callers from one measurement of the memory to the next. It is taken when they are gone: a live call has up to 9 MB of
its own, and eight of them would be all that is seen. Those whom the server has to give up on call first, so that the
others do not have to wait for it."""
LEFT_S = 45.0
"""How long a caller who fell silent may stay, at most."""
CALLER_S = 90.0


@dataclass
class Report:
    seed: int
    callers: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    """What callers met that they should not have, by kind."""
    endings: Counter[str] = field(default_factory=Counter)
    wrong_endings: int = 0
    left: list[str] = field(default_factory=list)
    """What is there in another number than at the baseline."""
    memory: list[tuple[int, float]] = field(default_factory=list)
    """Callers so far, and the server's own resident memory in KB with no call in it."""
    tracebacks: int = 0
    seconds: float = 0.0

    def slope_kb(self, since: int) -> float:
        """Of the straight line that fits the memory best, from that many callers on; KB a caller."""
        points = [(number, kb) for number, kb in self.memory if number >= since]
        if len(points) < 3:
            return 0.0
        numbers, memory = zip(*points, strict=True)
        return float(np.polyfit(numbers, memory, 1)[0])


async def soak(folder: Path, *, calls: int, seed: int, at_once: int, say: Callable[[str], None]) -> Report:
    """`calls` callers after the warm-up, so many at once."""
    report = Report(seed)
    dice = random.Random(seed)
    began = time.monotonic()
    async with served(folder) as server:
        # One of each kind before the baseline, so that what is made once is made.
        async with asyncio.TaskGroup() as first:
            for kind in KINDS:
                first.create_task(_one(server, kind, random.Random(dice.random()), report))
        await _quiet(server)
        before = await server.held()
        # One that runs just now is no reason to have one later.
        before.tasks.pop("statement", None)
        say(f"baseline: {before}")
        kinds = dice.choices(list(KINDS), weights=list(KINDS.values()), k=calls)
        for begin in range(0, calls, EVERY):
            some = sorted(kinds[begin : begin + EVERY], key=lambda kind: kind not in GIVEN_UP)
            await _some(server, some[::-1], at_once, dice, report)
            await _quiet(server)
            await server.held()  # collects garbage
            report.memory.append((report.callers, server.memory_kb()))
            say(f"{report.callers} callers, {report.memory[-1][1] / 1024:.1f} MB, {dict(report.faults)}")
        report.left = await _settled(server, before)
        report.endings, report.wrong_endings = server.endings()
        report.tracebacks = server.log.read_text(encoding="utf-8", errors="replace").count("Traceback")
    report.seconds = time.monotonic() - began
    return report


async def _some(
    server: Server,
    waiting: list[Kind],
    at_once: int,
    dice: random.Random,
    report: Report,
) -> None:
    async def line() -> None:
        while waiting:
            await _one(server, waiting.pop(), random.Random(dice.random()), report)
            report.callers += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(line())


async def _one(server: Server, kind: Kind, dice: random.Random, report: Report) -> None:
    name = kind.__name__
    report.kinds[name] += 1
    try:
        async with asyncio.timeout(CALLER_S):
            await kind(server, dice)
    except Exception as fault:  # noqa: BLE001 - counted; the others call on
        report.faults[f"{name}: {type(fault).__name__} {str(fault)[:80]}"] += 1


async def _quiet(server: Server) -> None:
    """Until no call is live."""
    async with asyncio.timeout(LEFT_S):
        while any(name.startswith("call") for name in (await server.held()).tasks):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.5)
    await asyncio.sleep(1.0)


async def _settled(server: Server, before: object) -> list[str]:
    """What is left once everything had time to go."""
    ends = time.monotonic() + LEFT_S
    while True:
        left = (await server.held()).beyond(before)  # type: ignore[arg-type]  # a `Held`
        if not left or time.monotonic() > ends:
            return left
        await asyncio.sleep(1.0)
