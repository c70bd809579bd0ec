"""One session of the engine in this process: the shell round its core, with ears and voice at work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from typing import Any

from gateway.engine.core import EngineCore
from gateway.engine.effects import (
    CancelSpeak,
    CancelTranscribe,
    Close,
    Effect,
    Emit,
    Speak,
    Transcribe,
)
from gateway.engine.feed import Feed
from gateway.errors import GatewayError, ModelLost
from gateway.log import where
from gateway.ports import Event
from gateway.realtime import server_events as say
from gateway.realtime.events import AudioAppend, ClientEvent, parse_client_event
from gateway.realtime.fault import ProtocolFault
from gateway.speech.ports import Ears, Voice
from media.audio import PCM16K, PCM24
from media.resample import Resampler

__all__ = ["EngineSession"]

SLICE = PCM24.to_bytes(500)
"""Audio that is worked on at once, before others get the loop."""

log = logging.getLogger(__name__)

EARS_S = 20.0
"""Longest recognition; then the item counts as not understood."""

VOICE_S = 10.0
"""Longest wait for the next chunk of speech; then the response fails."""


class EngineSession:
    """`gateway.ports.ModelSession`. Lives in `group`, in which nothing of it is left after `close`."""

    def __init__(
        self,
        core: EngineCore,
        ears: Ears,
        voice: Voice,
        script: str,
        group: asyncio.TaskGroup,
        provider: str,
    ) -> None:
        self.provider = provider
        self._core = core
        self._ears = ears
        self._voice = voice
        self._script = script
        self._group = group
        self._loop = asyncio.get_running_loop()
        self._feed = Feed()
        self._jobs: dict[str, asyncio.Task[None]] = {}
        """By job of the ears or by response: whoever is at work for it."""
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

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
            raise ModelLost("embedded: its events were not read")

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
                case Speak(response_id):
                    self._begin(response_id, self._speak(effect))
                case CancelTranscribe(job):
                    self._stop(job)
                case CancelSpeak(response_id):
                    self._stop(response_id)
                case Close():
                    self.close()
        self._arm()

    def _begin(self, job: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(work, name=f"engine:{job}")
        self._jobs[job] = task
        task.add_done_callback(lambda _: self._jobs.pop(job, None))

    def _stop(self, job: str) -> None:
        task = self._jobs.get(job)
        if task is not None and task is not asyncio.current_task():
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
                heard = await self._ears.transcribe(await _for_ears(pcm), script=self._script)
        except (GatewayError, TimeoutError) as fault:
            log.warning("the ears failed: %s", type(fault).__name__)
            self._do(self._core.deaf(job, self._loop.time()))
        except Exception as fault:  # noqa: BLE001 - costs this job, never the session; its text may quote speech
            log.error("the ears broke: %s", where(fault))
            self._do(self._core.deaf(job, self._loop.time()))
        else:
            self._do(self._core.heard(job, heard, self._loop.time()))

    async def _speak(self, wanted: Speak) -> None:
        try:
            for number, clause in enumerate(wanted.clauses):
                await self._speak_clause(wanted, number, clause)
        except (GatewayError, TimeoutError) as fault:
            log.warning("the voice failed: %s", type(fault).__name__)
            self._do(self._core.mute(wanted.response_id, self._loop.time()))
        except Exception as fault:  # noqa: BLE001 - costs this job, never the session; its text may quote speech
            log.error("the voice broke: %s", where(fault))
            self._do(self._core.mute(wanted.response_id, self._loop.time()))
        else:
            self._do(self._core.finished(wanted.response_id, self._loop.time()))

    async def _speak_clause(self, wanted: Speak, number: int, clause: str) -> None:
        chunks = self._voice.speak(clause, voice=wanted.voice, speed=wanted.speed)
        try:
            async with asyncio.timeout(VOICE_S) as limit:
                async for pcm in chunks:
                    self._do(self._core.spoke(wanted.response_id, number, pcm, self._loop.time()))
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
