"""One call that we place, whole but for the socket: a carrier's leg on G.711, the call, a model that hears and speaks,
and a far side that plays what it gets as carriers do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from gateway.call.plan import CallDeps, CallPlan
from gateway.call.run import Call
from gateway.carriage.leg import CarrierLeg
from gateway.carriage.line import Line
from gateway.errors import Ending
from gateway.ports import Event, Model, ModelSession, ModelSpec
from gateway.wire import Codec, Encoding, Message, Pacing
from media import g711
from media.audio import PCM24, PCMU, AudioFormat
from personas.persona import Persona
from personas.prompt import said_exactly
from tests.answering.calls import FarSide
from tests.carriage.toy import ToyStream
from tests.fakes import FakeStore
from tools.contract import Records

__all__ = ["GREETING", "MESSAGE", "OTHER", "Heard", "held"]

TELEPHONE = Encoding(Codec.PCMU, 8000)
GREETING, MESSAGE, OTHER = 1000, 1600, 2200
"""The pitch of what the agent says."""
THINKS_S = 0.25
"""From `response.create` to the first audio."""
CANCELS_S = 0.06
LOUD = 500.0
SILENCE_MS = 480
TRANSCRIBES_S = 0.35


class Far:
    """The carrier's end of the line: it plays one piece after the other, forgets what is cleared, answers marks."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[Message | None] = asyncio.Queue()
        self.began = 0.0
        self.pieces: list[tuple[float, bytes]] = []
        self.closed = asyncio.Event()
        self._ends = 0.0
        self._marks: dict[str, asyncio.TimerHandle] = {}

    def send(self, messages: Sequence[Message]) -> None:
        loop = asyncio.get_running_loop()
        for message in messages:
            now = loop.time()
            if isinstance(message, bytes):
                begins = max(now, self._ends)
                self._ends = begins + len(message) / 8000
                self.pieces.append((begins, message))
            elif message == "clear":
                self._clear(now)
            elif message.startswith("mark "):
                name = message.removeprefix("mark ")
                self._marks[name] = loop.call_at(max(now, self._ends), self._played, name)

    def listen(self, take: Callable[[Message], None]) -> None:
        """It is read in a coroutine."""

    def leave(self) -> None:
        """Its reader knows."""

    def _played(self, name: str) -> None:
        self._marks.pop(name, None)
        self.incoming.put_nowait(f"played {name}")

    def _clear(self, now: float) -> None:
        self.pieces = [
            (at, piece[: max(0, round((now - at) * 8000))]) for at, piece in self.pieces if at < now
        ]
        self._ends = now
        for name in list(self._marks):
            self._marks[name].cancel()
            self._played(name)

    async def read(self) -> Message | None:
        return None if self.closed.is_set() else await self.incoming.get()

    async def close(self) -> None:
        for timer in self._marks.values():
            timer.cancel()
        self.closed.set()
        self.incoming.put_nowait(None)

    async def talk(self, side: FarSide) -> None:
        """Say everything, 20 ms at a time, until the line is closed."""
        loop = asyncio.get_running_loop()
        self.began = loop.time()
        for frame in range(side.length_ms // 20):
            if self.closed.is_set():
                return
            self.incoming.put_nowait(side.audio[160 * frame : 160 * frame + 160])
            await asyncio.sleep(max(0.0, self.began + 0.02 * (frame + 1) - loop.time()))
        self.incoming.put_nowait("stop")


class Session:
    """A realtime model that marks turns by loudness, knows the words that were said, and speaks in tones."""

    provider = "scripted"
    model = "scripted-1"

    def __init__(self, spec: ModelSpec, side: FarSide, *, transcribes: bool) -> None:
        self._form = spec.form
        self._greeting = spec.persona.first_words
        self._message = spec.persona.voicemail_message
        self._said = list(side.said) if transcribes else []
        self.received: list[Event] = []
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._timers: set[asyncio.TimerHandle] = set()
        self._heard_ms = self._quiet_ms = self._loud = self._turns = self._replies = 0
        self._speaking = False
        self._active: str | None = None

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            yield await self._events.get()

    def end(self) -> None:
        for timer in self._timers:
            timer.cancel()

    def _emit(self, kind: str, **fields: Any) -> None:
        self._events.put_nowait({"type": kind, "event_id": "event_x", **fields})

    def _later(self, seconds: float, what: Any, *args: Any) -> None:
        self._timers.add(asyncio.get_running_loop().call_later(seconds, what, *args))

    # ── hearing ──

    def audio(self, frame: bytes) -> None:
        self._heard_ms += 20
        pcm = frame if self._form.law is None else g711.decode(frame, self._form.law)
        samples = np.frombuffer(pcm, "<i2").astype(np.float64)
        loud = bool(np.sqrt((samples**2).mean()) > LOUD)
        self._loud = self._loud + 1 if loud else 0
        self._quiet_ms = 0 if loud else self._quiet_ms + 20
        item = {"item_id": f"u{self._turns}"}
        if not self._speaking and self._loud == 4:
            self._turns += 1
            self._speaking = True
            item = {"item_id": f"u{self._turns}"}
            self._emit("input_audio_buffer.speech_started", **item, audio_start_ms=self._heard_ms - 80)
        elif self._speaking and self._quiet_ms == SILENCE_MS:
            self._speaking = False
            self._emit("input_audio_buffer.speech_stopped", **item, audio_end_ms=self._heard_ms)
            self._emit("input_audio_buffer.committed", **item, previous_item_id=None)
            self._later(TRANSCRIBES_S, self._transcribe, item)

    def _transcribe(self, item: dict[str, str]) -> None:
        done = [said for said in self._said if said.end_ms <= self._heard_ms - SILENCE_MS // 2]
        self._said = [said for said in self._said if said not in done]
        self._emit(
            "conversation.item.input_audio_transcription.completed",
            **item, content_index=0, transcript=" ".join(said.text for said in done),
        )  # fmt: skip

    # ── speaking ──

    def send(self, event: Event) -> None:
        self.received.append(event)
        match event["type"]:
            case "response.create" if self._active is None:
                self._respond(said_exactly((event.get("response") or {}).get("instructions")))
            case "response.create":
                error = {
                    "code": "conversation_already_has_active_response",
                    "type": "invalid_request_error",
                    "message": "",
                    "event_id": event.get("event_id"),
                }
                self._emit("error", error=error)
            case "response.cancel" if self._active == event.get("response_id"):
                self._later(CANCELS_S, self._done, self._active, "cancelled")
            case _:
                pass

    def _respond(self, words: str | None) -> None:
        self._replies += 1
        self._active = response_id = f"resp_{self._replies}"
        pitch, ms = OTHER, 2500
        if words is not None and words == self._greeting:
            pitch, ms = GREETING, 3000
        elif words is not None and words == self._message:
            pitch, ms = MESSAGE, 5000
        at = {
            "response_id": response_id,
            "item_id": f"item_{self._replies}",
            "output_index": 0,
            "content_index": 0,
        }
        self._emit("response.created", response={"id": response_id, "status": "in_progress"})
        shape = {"id": at["item_id"], "type": "message", "role": "assistant", "content": []}
        self._emit("response.output_item.added", **at, item=shape)
        self._later(THINKS_S, self._speak, at, _voice(pitch, ms, self._form))

    def _speak(self, at: dict[str, Any], rest: bytes) -> None:
        if self._active != at["response_id"]:
            return
        if not rest:
            self._emit("response.output_audio.done", **at)
            self._done(at["response_id"], "completed")
            return
        size = self._form.to_bytes(200)
        self._emit("response.output_audio.delta", **at, delta=rest[:size])
        self._later(0.05, self._speak, at, rest[size:])

    def _done(self, response_id: str, status: str) -> None:
        if self._active == response_id:
            self._active = None
            self._emit("response.done", response={"id": response_id, "status": status, "output": []})


def _voice(pitch: int, ms: int, form: AudioFormat) -> bytes:
    at = np.arange(form.rate * ms // 1000) / form.rate
    pcm = np.rint(np.sin(2 * np.pi * pitch * at) * 6000).astype("<i2").tobytes()
    return pcm if form.law is None else g711.encode(pcm, form.law)


class Provider:
    name = "scripted"
    forms = frozenset({PCM24, PCMU})

    def __init__(self, side: FarSide, *, transcribes: bool) -> None:
        self._side, self._transcribes = side, transcribes
        self.session: Session | None = None

    @asynccontextmanager
    async def open(self, spec: ModelSpec) -> AsyncIterator[ModelSession]:
        self.session = Session(spec, self._side, transcribes=self._transcribes)
        try:
            yield self.session
        finally:
            self.session.end()


@dataclass
class Heard:
    """What the far side heard of the agent, and how the call ended."""

    ending: Ending
    store: FakeStore
    asked: int
    """Replies that were asked of the model."""
    parts: list[tuple[int, int, int]] = field(default_factory=list)
    """Begin and end in milliseconds of the far side's audio, and pitch; pauses of less than 60 ms are none."""

    def of(self, pitch: int) -> list[tuple[int, int]]:
        return [(begin, end) for begin, end, one in self.parts if one == pitch]

    def lasting(self, ms: int = 500) -> int | None:
        """When the agent began to be heard for so long at a stretch."""
        return next((begin for begin, end, _ in self.parts if end - begin >= ms), None)


async def held(side: FarSide, persona: Persona, *, outbound: bool, transcribes: bool = True) -> Heard:
    """The whole call, to its end."""
    far = Far()
    line = Line("toy", ToyStream(TELEPHONE, Pacing()), far)
    far.incoming.put_nowait("start")
    await line.answer()
    leg = CarrierLeg("rtc_1", line, reattach_s=0)
    provider, store = Provider(side, transcribes=transcribes), FakeStore()
    deps = CallDeps((cast("Model", provider),), "test", store, lambda _: cast("Records", object()), {})
    call = Call(CallPlan("rtc_1", "s-1", "t-1", persona, outbound=outbound), leg, deps)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(call.run())
        group.create_task(line.serve())
        group.create_task(far.talk(side))
    session = provider.session
    asked = 0 if session is None else sum(e["type"] == "response.create" for e in session.received)
    return Heard(running.result(), store, asked, _parts(far))


def _parts(far: Far) -> list[tuple[int, int, int]]:
    parts: list[tuple[int, int, int]] = []
    for at, piece in far.pieces:
        samples = np.frombuffer(g711.decode(piece, "mu"), "<i2").astype(np.float64)
        for frame in range(0, samples.size - 79, 80):
            window = samples[frame : frame + 80]
            if np.abs(window).max() < 500:
                continue
            begin = round((at - far.began) * 1000) + frame // 8
            spectrum = np.abs(np.fft.rfft(window * np.hanning(80), 800))
            pitch = min((GREETING, MESSAGE, OTHER), key=lambda one: abs(one - int(spectrum.argmax()) * 10))
            if parts and parts[-1][2] == pitch and begin - parts[-1][1] < 60:
                parts[-1] = (parts[-1][0], begin + 10, pitch)
            else:
                parts.append((begin, begin + 10, pitch))
    return parts
