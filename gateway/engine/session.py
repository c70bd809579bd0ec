"""One session of the engine in this process: the shell round its core, with ears, mind and voice at work."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from gateway.engine.core import EngineCore
from gateway.engine.effects import (
    CancelSpeak,
    CancelThink,
    CancelTranscribe,
    Close,
    Effect,
    Emit,
    Speak,
    Think,
    Transcribe,
)
from gateway.engine.feed import Feed
from gateway.engine.mind import Done, Mind, MindFailed, MindLost, Request
from gateway.errors import GatewayError, ModelLost
from gateway.log import where
from gateway.ports import Event
from gateway.realtime import server_events as say
from gateway.realtime.events import AudioAppend, ClientEvent, parse_client_event
from gateway.realtime.fault import ProtocolFault
from gateway.speech.ports import Ears, Voice
from media.audio import PCM16K, PCM24
from media.resample import Resampler

__all__ = ["EARS_S", "MIND_S", "VOICE_S", "EngineSession", "Parts"]

SLICE = PCM24.to_bytes(500)
"""Audio that is worked on at once, before others get the loop."""

log = logging.getLogger(__name__)

EARS_S = 20.0
"""Longest recognition; then the item counts as not understood."""

MIND_S = 30.0
"""Longest wait for the next thought; then the response fails. A mind with a network has shorter limits of its own."""

VOICE_S = 10.0
"""Longest wait for the next chunk of speech; then the response fails."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a session works with."""

    mind: Mind
    ears: Ears
    voice: Voice
    script: str
    """What the ears are to expect."""
    provider: str
    """Who answers, for `ModelSession.provider`."""
    most_faults: int | None = None
    """Failures in a row of ears or voice, and the session is given up; None: each costs its job only."""


class EngineSession:
    """`gateway.ports.ModelSession`. Lives in `group`, in which nothing of it is left after `close`."""

    def __init__(self, core: EngineCore, parts: Parts, group: asyncio.TaskGroup) -> None:
        self.provider = parts.provider
        self._core = core
        self._parts = parts
        self._group = group
        self._loop = asyncio.get_running_loop()
        self._feed = Feed()
        self._jobs: dict[str, asyncio.Task[None]] = {}
        """By job of the ears, or by part and response: whoever is at work for it."""
        self._lines: dict[str, deque[Speak]] = {}
        """By response whose voice is at work: the clauses that wait for it. Bounded as replies are."""
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._lost: str | None = None
        self._faults = {"ears": 0, "voice": 0}
        """In a row."""

    @property
    def model(self) -> str:
        return str(self._core.session["model"])

    def start(self) -> None:
        """Tell the reader of the session."""
        self._do(self._core.start())

    def send(self, event: Event) -> None:
        """One client event as an object; what is wrong with it comes back as an `error` event."""
        parsed = self._parse(event)
        if parsed is not None:
            self._do(self._core.client(parsed, self._loop.time()))

    async def receive(self, message: str) -> None:
        """One client event as a text of the wire. Lets the others have the loop: audio that comes faster than
        real time is taken in slices."""
        event = self._parse(message)
        pieces: list[ClientEvent] = [] if event is None else [event]
        if isinstance(event, AudioAppend):
            starts = range(0, len(event.audio), SLICE)
            pieces = [event.model_copy(update={"audio": event.audio[at : at + SLICE]}) for at in starts]
        for piece in pieces:
            self._do(self._core.client(piece, self._loop.time()))
            await asyncio.sleep(0)

    def audio(self, pcm: bytes) -> None:
        self._do(self._core.audio(pcm, self._loop.time()))

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self._feed.get()) is not None:
            yield event
        if self._feed.overrun:
            raise ModelLost(f"{self.provider}: its events were not read")
        if self._lost is not None:
            raise ModelLost(f"{self.provider}: {self._lost}")

    def close(self) -> None:
        """Stop everything; the reader gets what was said so far and then the end."""
        self._closed = True
        self._core.close()
        if self._timer is not None:
            self._timer.cancel()
        for task in self._jobs.values():
            task.cancel()
        self._feed.end()

    def _parse(self, message: str | Event) -> ClientEvent | None:
        try:
            return parse_client_event(message)
        except ProtocolFault as fault:
            self._do([Emit(say.fault(fault))])
            return None

    def _do(self, effects: list[Effect]) -> None:
        if self._closed:
            return
        for effect in effects:
            match effect:
                case Emit(event):
                    self._feed.put(event)
                case Transcribe(job, pcm):
                    self._begin(job, self._transcribe(job, pcm))
                case Think(response_id, request):
                    self._begin(f"think:{response_id}", self._think(response_id, request))
                case Speak():
                    self._line_up(effect)
                case CancelTranscribe(job):
                    self._stop(job)
                case CancelThink(response_id):
                    self._stop(f"think:{response_id}")
                case CancelSpeak(response_id):
                    self._stop(f"speak:{response_id}")
                case Close():
                    self.close()
        self._arm()

    def _begin(self, job: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(work, name=f"engine:{job}")
        self._jobs[job] = task
        task.add_done_callback(lambda _: self._jobs.pop(job, None))

    def _stop(self, job: str) -> None:
        # A job may stop itself: it then ends where it waits next.
        if (task := self._jobs.get(job)) is not None:
            task.cancel()

    def _arm(self) -> None:
        """Have the core ticked when it wants to be."""
        deadline = self._core.deadline
        if self._closed or (self._timer is not None and self._timer.when() == deadline):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._do(self._core.tick(self._loop.time()))

    async def _transcribe(self, job: str, pcm: bytes) -> None:
        try:
            async with asyncio.timeout(EARS_S):
                heard = await self._parts.ears.transcribe(await _for_ears(pcm), script=self._parts.script)
        except (GatewayError, TimeoutError) as fault:
            log.warning("the ears failed: %s", type(fault).__name__)
            self._deaf(job)
        except Exception as fault:  # noqa: BLE001 - costs this job, never the session; its text may quote speech
            log.error("the ears broke: %s", where(fault))
            self._deaf(job)
        else:
            self._faults["ears"] = 0
            self._do(self._core.heard(job, heard, self._loop.time()))

    def _deaf(self, job: str) -> None:
        if not self._failed("ears"):
            self._do(self._core.deaf(job, self._loop.time()))

    async def _think(self, response_id: str, request: Request) -> None:
        try:
            async with (
                aclosing(self._parts.mind.think(request)) as thoughts,
                asyncio.timeout(MIND_S) as limit,
            ):
                async for thought in thoughts:
                    limit.reschedule(self._loop.time() + MIND_S)
                    self._do(self._core.thought(response_id, thought, self._loop.time()))
            self._do(self._core.thought(response_id, Done(), self._loop.time()))
        except MindLost as fault:
            self._lose(str(fault))
        except MindFailed as fault:
            log.warning("the mind failed: %s", fault.code)
            self._thoughtless(response_id, fault.code, fault.message)
        except TimeoutError:
            log.warning("the mind took longer than %.0f s", MIND_S)
            self._thoughtless(response_id, "mind_timeout", "The engine took too long to think of a reply.")
        except Exception as fault:  # noqa: BLE001 - a mind is a plug-in: its fault costs one response
            log.error("the mind broke; the response ends as failed: %s", where(fault))
            self._thoughtless(response_id, "mind_failed", "The engine could not think of a reply.")

    def _thoughtless(self, response_id: str, code: str, message: str) -> None:
        self._do(self._core.thoughtless(response_id, code, message, self._loop.time()))

    def _lose(self, why: str) -> None:
        """Nothing will come of this session: its reader is told, and looks for another."""
        self._lost = why
        self.close()

    def _line_up(self, wanted: Speak) -> None:
        line = self._lines.get(wanted.response_id)
        if line is not None:
            line.append(wanted)
            return
        line = self._lines[wanted.response_id] = deque([wanted])
        self._begin(f"speak:{wanted.response_id}", self._speak(wanted.response_id, line))

    async def _speak(self, response_id: str, line: deque[Speak]) -> None:
        """Until nothing waits; a clause that comes later begins anew."""
        try:
            while line:
                clause = line.popleft()
                await self._speak_clause(clause)
                self._faults["voice"] = 0
                self._do(self._core.said(response_id, clause.number, self._loop.time()))
        except (GatewayError, TimeoutError) as fault:
            log.warning("the voice failed: %s", type(fault).__name__)
            self._mute(response_id)
        except Exception as fault:  # noqa: BLE001 - costs this job, never the session; its text may quote speech
            log.error("the voice broke: %s", where(fault))
            self._mute(response_id)
        finally:
            self._lines.pop(response_id, None)

    def _mute(self, response_id: str) -> None:
        if not self._failed("voice"):
            self._do(self._core.mute(response_id, self._loop.time()))

    def _failed(self, part: Literal["ears", "voice"]) -> bool:
        """One more failure of a part; True: that was one too many, and the session is over."""
        self._faults[part] += 1
        if self._parts.most_faults is None or self._faults[part] < self._parts.most_faults:
            return False
        self._lose(f"its {part} failed {self._faults[part]} times")
        return True

    async def _speak_clause(self, wanted: Speak) -> None:
        chunks = self._parts.voice.speak(wanted.text, voice=wanted.voice, speed=wanted.speed)
        try:
            async with asyncio.timeout(VOICE_S) as limit:
                async for pcm in chunks:
                    self._do(self._core.spoke(wanted.response_id, wanted.number, pcm, self._loop.time()))
                    limit.reschedule(None)
                    await self._feed.room()
                    limit.reschedule(self._loop.time() + VOICE_S)
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()


async def _for_ears(pcm: bytes) -> bytes:
    """24 kHz → 16 kHz. In slices, since a long utterance would keep the loop for a tenth of a second."""
    resampler = Resampler(PCM24.rate, PCM16K.rate)
    slices: list[bytes] = []
    for at in range(0, len(pcm), SLICE):
        slices.append(resampler.process(pcm[at : at + SLICE]))
        await asyncio.sleep(0)
    return b"".join([*slices, resampler.flush()])
