"""A call in audio: a browser's place over WebRTC, where the caller's words are said by a synthesised voice and the
agent is heard. What was understood and said is read from the event channel."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from gateway.load.call import Failed
from gateway.load.callers.webrtc import hold
from gateway.load.clock import Clock, Pace
from gateway.load.plan import Plan
from gateway.rehearsal.line import NoCall, about_to_end
from gateway.rehearsal.reading import Reading
from gateway.rehearsal.server import Server, ending_of, minted
from gateway.rehearsal.voicing import SILENCE, Utterance, Voicing, utterance
from gateway.speech.ports import Voice
from media.libopus import Encoder

__all__ = ["SpokenLine", "spoken_beforehand"]

ANSWER_S = 20.0
"""How long the agent may take to begin an answer, and to go on with it."""
GREETING_S = 10.0
QUIET_S = 0.7
"""Silence of the agent after which the caller goes on."""
UNSURE_S = 2.5
"""The same where an answer was heard and another is announced: what was announced may have been part of it."""
CONNECT_S = 20.0
SAYING_S = 120.0
"""More than the longest that a caller says."""
ENDING_S = 10.0
STEP_S = 0.02
BIT_RATE = 32000
COMPLEXITY = 5
SETTLED = 25
"""Frames of silence after which an encoder gives the same packet for it."""


async def spoken_beforehand(
    voice: Voice, wanted: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Utterance]:
    """By voice and words: what each of them sounds like. Raises SpeechError."""
    made: dict[tuple[str, str], Utterance] = {}
    for who, words in wanted:
        if (who, words) not in made:
            pcm = [chunk async for chunk in voice.speak(words, voice=who)]
            made[who, words] = utterance(b"".join(pcm))
    return made


class _Talk(Voicing):
    """`gateway.load.call.Talk`: words are encoded as they leave, silence once."""

    def __init__(self) -> None:
        super().__init__()
        self._encoder = Encoder(24000, BIT_RATE, COMPLEXITY, 0)
        self._quiet = [self._encoder.encode(SILENCE) for _ in range(SETTLED)][-1]

    def frame(self, now: float) -> bytes:
        pcm = self.pcm(now)
        return self._quiet if pcm is SILENCE else self._encoder.encode(pcm)


class _Place:
    """`gateway.load.call.Place`."""

    def __init__(
        self, number: int, plan: Plan, http: aiohttp.ClientSession, pace: Pace, reading: Reading
    ) -> None:
        self.number = number
        self.plan = plan
        self.http = http
        self.pace = pace
        self.talk = _Talk()
        self.chance = random.Random(number)
        self.connected: float | None = None
        self.underruns = self.gaps = 0
        self.lost_ms = 0.0
        self._reading = reading

    def message(self, text: str) -> None:
        event: dict[str, Any] = orjson.loads(text)
        self._reading.take(event)


class SpokenLine:
    """`gateway.rehearsal.line.Line`."""

    def __init__(
        self,
        place: _Place,
        reading: Reading,
        call: asyncio.Task[str],
        server: Server,
        said: Mapping[str, Utterance],
    ) -> None:
        self._place = place
        self._talk = place.talk
        self._reading = reading
        self._call = call
        self._server = server
        self._said = said
        self._loop = asyncio.get_running_loop()
        self.course = reading.course

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        http: aiohttp.ClientSession,
        server: Server,
        persona: str,
        clock: Clock,
        number: int,
        said: Mapping[str, Utterance],
        *,
        speed: float = 1.0,
    ) -> AsyncIterator[SpokenLine]:
        """A call with this persona until the block is left. `clock` runs; `said`: what the caller may say, as it
        sounds; `speed`: how fast the agent speaks. Raises NoCall."""
        session = {"type": "realtime", "audio": {"output": {"speed": speed}}}
        token = await minted(http, server, persona, session)
        plan = Plan(server.url, headers={"Authorization": f"Bearer {token}"})
        reading = Reading()
        pace = Pace(clock, number, 0.0, random.Random(number))
        place = _Place(number, plan, http, pace, reading)
        async with asyncio.TaskGroup() as group:
            call = group.create_task(_held(place), name=f"caller:{number}")
            line = cls(place, reading, call, server, said)
            try:
                await line._connected()
                yield line
            finally:
                call.cancel()

    @property
    def over(self) -> bool:
        return self._call.done()

    async def greeted(self) -> None:
        self._reading.owed = True
        await self._listen(GREETING_S)
        self._reading.owed = False

    async def say(self, text: str) -> None:
        self.course.caller(text)
        self._talk.say(self._said[text])
        await self._until(lambda: not self._talk.speaking, SAYING_S)
        self._reading.owed = True
        await self._listen(ANSWER_S)
        wait = self._talk.wait_ms
        if wait is not None:
            self.course.waits_ms.append(wait)
        elif not self.over and not self.course.fault:
            self.course.fault = f"no answer within {ANSWER_S:.0f} s"

    async def press(self, keys: str) -> None:
        """There are none in a browser."""
        self.course.caller(f"[{keys}]")
        self.course.fault = "a caller over WebRTC has no keys; leave `audio` out for who types"

    async def hang_up(self) -> None:
        if about_to_end(self.course):
            await self._until(lambda: False, ENDING_S)
        self._call.cancel()
        await asyncio.wait([self._call])
        self.course.ending = await ending_of(self._place.http, self._server, self._reading.session_id)

    async def _connected(self) -> None:
        def connected() -> bool:
            return self._place.connected is not None and bool(self._reading.session_id)

        if not await self._until(connected, CONNECT_S):
            raise NoCall(self._call.result() if self.over else f"no call within {CONNECT_S:.0f} s")

    async def _until(self, ready: Callable[[], bool], within_s: float) -> bool:
        """Whether it is so, before the call is over and the time is up. Frames leave every 20 ms, and so often it is
        looked."""
        give_up = self._loop.time() + within_s
        while True:
            if ready():
                return True
            if self.over or self._loop.time() > give_up:
                return False
            await asyncio.sleep(STEP_S)

    async def _listen(self, patience_s: float) -> None:
        """Until the agent has come to its end; it may take so long for a sign of life."""
        reading, talk = self._reading, self._talk
        sign = self._loop.time()
        while not self.over and not self.course.fault:
            now = self._loop.time()
            if reading.running or now - talk.last_loud < QUIET_S:
                sign = now
            elif not reading.owed:
                return
            elif talk.answered and now - talk.last_loud >= UNSURE_S:
                reading.owed = False
                return
            elif now - sign > patience_s:
                return
            await asyncio.sleep(STEP_S)


async def _held(place: _Place) -> str:
    """How the call ended, or why there was none."""
    try:
        return await hold(place)
    except Failed as fault:
        return str(fault)
