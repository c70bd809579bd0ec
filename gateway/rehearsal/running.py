"""Scripted callers call, several at once; what came of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from itertools import groupby
from typing import Literal

import aiohttp

from gateway.config import Settings
from gateway.rehearsal.acting import Actor, Press, Say, Stuck
from gateway.rehearsal.course import Course
from gateway.rehearsal.house import open_house
from gateway.rehearsal.judging import judged
from gateway.rehearsal.line import Line, NoCall
from gateway.rehearsal.texting import TextLine
from personas.persona import Persona
from personas.scripts import Script, ScriptedCaller

__all__ = ["Case", "Mode", "Result", "cases_of", "perform", "tried"]

AT_ONCE = 8
"""Calls in text at once."""

Mode = Literal["text", "audio"]


@dataclass(frozen=True, slots=True)
class Case:
    """One caller to rehearse."""

    persona: Persona
    caller: ScriptedCaller
    now: datetime
    """Aware."""
    mode: Mode

    @property
    def name(self) -> str:
        return f"{self.persona.id}/{self.caller.id}"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a case."""

    case: Case
    course: Course
    faults: tuple[str, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        return not self.faults


def cases_of(personas: Mapping[str, Persona], scripts: Mapping[str, Script], mode: Mode) -> list[Case]:
    """Every caller of these scripts; in audio those who can be heard."""
    return [
        Case(personas[name], caller, script.now.replace(tzinfo=personas[name].zone), mode)
        for name, script in scripts.items()
        for caller in script.callers
        if mode == "text" or caller.audio
    ]


async def perform(
    cases: Sequence[Case], settings: Settings, told: Callable[[Result], None] = lambda _: None
) -> list[Result]:
    """Have them call, each server's in the order of the cases; `told` hears of each as it is over. Raises ConfigError,
    SpeechError."""
    results: dict[tuple[str, Mode], Result] = {}

    def over(result: Result) -> None:
        results[result.case.name, result.case.mode] = result
        told(result)

    typed = [case for case in cases if case.mode == "text"]
    spoken = [case for case in cases if case.mode == "audio"]
    for together in at_one_time(typed):
        await _typed(together, settings, over)
    if spoken:
        # aiortc and the speech workers take a while to start: only for who needs them.
        hearing = await asyncio.to_thread(import_module, "gateway.rehearsal.hearing")
        await hearing.heard(at_one_time(spoken), settings, over)
    return [results[case.name, case.mode] for case in cases]


def at_one_time(cases: Sequence[Case]) -> list[list[Case]]:
    """Those whose calls begin at the same moment, wherever their business is, share a server and its clock."""
    ordered = sorted(cases, key=lambda case: case.now.timestamp())
    return [list(group) for _, group in groupby(ordered, key=lambda case: case.now.timestamp())]


async def _typed(cases: Sequence[Case], settings: Settings, over: Callable[[Result], None]) -> None:
    names = tuple(case.name for case in cases)
    async with (
        open_house(settings, names, cases[0].now, speech=False) as house,
        aiohttp.ClientSession() as http,
    ):
        room = asyncio.Semaphore(AT_ONCE)

        async def call(case: Case) -> None:
            async with room:
                meaning = case.persona.keys.meaning
                server = house.servers[case.name]
                over(await tried(case, TextLine.open(http, server, case.persona.id, meaning=meaning)))

        async with asyncio.TaskGroup() as calls:
            for case in cases:
                calls.create_task(call(case))


async def tried(case: Case, opening: AbstractAsyncContextManager[Line]) -> Result:
    """One caller's call, from the first to the last."""
    began = time.monotonic()
    course = Course()
    spans: tuple[tuple[int, int], ...] = ()
    try:
        async with opening as line:
            course = line.course
            if case.persona.greeting:
                await line.greeted()
            spans = await played(case.caller, line)
    except* NoCall as faults:
        course.fault = f"no call: {faults.exceptions[0]}"
    return Result(case, course, tuple(judged(case.caller, course, spans)), time.monotonic() - began)


async def played(caller: ScriptedCaller, line: Line) -> tuple[tuple[int, int], ...]:
    """The caller's part, from the greeting on; the spans of its turns (`judging.judged`)."""
    actor = Actor(caller)
    try:
        while not line.over and not line.course.fault:
            match actor.next(line.course):
                case Say(text):
                    await line.say(text)
                case Press(keys):
                    await line.press(keys)
                case None:
                    break
    except Stuck as fault:
        line.course.fault = str(fault)
    await line.hang_up()
    return actor.spans
