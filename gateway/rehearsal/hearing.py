"""Scripted callers that are heard: their voices, one clock for their frames, and a few calls at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from gateway.config import Settings
from gateway.load.callers.webrtc import on_loopback
from gateway.load.clock import Clock
from gateway.rehearsal.house import open_house
from gateway.rehearsal.line import Line
from gateway.rehearsal.running import Case, Result, tried
from gateway.rehearsal.server import Server
from gateway.rehearsal.speaking import SpokenLine, spoken_beforehand
from gateway.rehearsal.voicing import Utterance
from gateway.speech.active import open_voice
from personas.scripts import ScriptedCaller

__all__ = ["heard"]

AT_ONCE = max(1, (os.cpu_count() or 1) // 2)
"""Calls at once: callers, ears and voice are this machine's own, and whoever waits for a processor is not heard."""


async def heard(
    groups: Sequence[Sequence[Case]], settings: Settings, over: Callable[[Result], None]
) -> None:
    """Have them call, a few at a time, each group at a server of its own; `over` hears of each. Raises ConfigError,
    SpeechError."""
    cases = [case for group in groups for case in group]
    async with open_voice(1) as voice:
        wanted = [(case.caller.voice, words) for case in cases for words in sayings(case.caller)]
        sounds = await spoken_beforehand(voice, wanted)
    with on_loopback():
        async with AsyncExitStack() as stack:
            # One after the other: alembic makes one database at a time.
            servers = {
                name: server
                for together in groups
                for name, server in (await stack.enter_async_context(_house(together, settings))).items()
            }
            http = await stack.enter_async_context(aiohttp.ClientSession())
            group = await stack.enter_async_context(asyncio.TaskGroup())
            clock = Clock()
            ticking = group.create_task(clock.run(), name="clock")
            stack.callback(ticking.cancel)
            studio = _Studio(http, clock, asyncio.Semaphore(AT_ONCE), sounds, over)
            async with asyncio.TaskGroup() as calls:
                for number, case in enumerate(cases):
                    calls.create_task(studio.call(number, case, servers[case.name]), name=case.name)


@asynccontextmanager
async def _house(cases: Sequence[Case], settings: Settings) -> AsyncIterator[Mapping[str, Server]]:
    names = tuple(case.name for case in cases)
    async with open_house(settings, names, cases[0].now, speech=True) as house:
        yield house.servers


@dataclass(frozen=True, slots=True)
class _Studio:
    """What all callers share."""

    http: aiohttp.ClientSession
    clock: Clock
    room: asyncio.Semaphore
    sounds: Mapping[tuple[str, str], Utterance]
    """By voice and words."""
    over: Callable[[Result], None]
    door: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def call(self, number: int, case: Case, server: Server) -> None:
        caller = case.caller
        said = {words: self.sounds[caller.voice, words] for words in sayings(caller)}
        async with self.room:
            line = SpokenLine.open(
                self.http, server, case.persona.id, self.clock, number, said, speed=caller.speed
            )
            self.over(await tried(case, self.connected(line)))

    @asynccontextmanager
    async def connected(self, line: AbstractAsyncContextManager[Line]) -> AsyncIterator[Line]:
        """Callers connect one after the other: keys, certificates and what the ears learn want the processor."""
        async with AsyncExitStack() as stack:
            async with self.door:
                opened = await stack.enter_async_context(line)
            yield opened


def sayings(caller: ScriptedCaller) -> Iterator[str]:
    """Everything that a caller may say."""
    for turn in caller.turns:
        if turn.says is not None:
            yield turn.says
        if turn.otherwise is not None:
            yield turn.otherwise
        for answer in turn.answers:
            yield from answer.says
