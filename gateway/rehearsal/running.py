"""Scripted callers call, several at once; what came of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Literal

import aiohttp

from gateway.config import Settings
from gateway.rehearsal.acting import Actor, Press, Say, Stuck
from gateway.rehearsal.course import Course
from gateway.rehearsal.house import open_house
from gateway.rehearsal.judging import judged
from gateway.rehearsal.line import Line
from gateway.rehearsal.texting import NoCall, Server, TextLine
from personas.persona import Persona
from personas.scripts import Script, ScriptedCaller

__all__ = ["Case", "Mode", "Result", "cases_of", "perform"]

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
    """Have them call, in the order of the cases; `told` hears of each as it is over. Raises ConfigError."""
    results: dict[str, Result] = {}
    by_time = sorted(cases, key=lambda case: (case.now.timestamp(), case.mode))
    for _, group in groupby(by_time, key=lambda case: (case.now.timestamp(), case.mode)):
        together = list(group)
        speech = together[0].mode == "audio"
        names = tuple(case.name for case in together)
        async with (
            open_house(settings, names, together[0].now, speech=speech) as house,
            aiohttp.ClientSession() as http,
        ):
            room = asyncio.Semaphore(AT_ONCE)
            async with asyncio.TaskGroup() as calls:
                for case in together:
                    calls.create_task(_one(case, house.servers[case.name], http, room, results, told))
    return [results[case.name] for case in cases]


async def _one(
    case: Case,
    server: Server,
    http: aiohttp.ClientSession,
    room: asyncio.Semaphore,
    results: dict[str, Result],
    told: Callable[[Result], None],
) -> None:
    async with room:
        began = time.monotonic()
        course = Course()
        spans: tuple[tuple[int, int], ...] = ()
        try:
            meaning = case.persona.keys.meaning
            async with TextLine.open(http, server, case.persona.id, meaning=meaning) as line:
                course = line.course
                await line.greeted()
                spans = await played(case.caller, line)
        except NoCall as fault:
            course.fault = f"no call: {fault}"
        faults = judged(case.caller, course, spans)
        result = Result(case, course, tuple(faults), time.monotonic() - began)
        results[case.name] = result
        told(result)


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
