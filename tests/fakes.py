"""Fakes at the ports, and only there: a leg, a model and a store that keep what they were told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from gateway.errors import Ending, ModelLost, ModelUnavailable
from gateway.ports import (
    CallRecord,
    CallSummary,
    Event,
    JournalEntry,
    LegSink,
    ModelSession,
    ModelSpec,
    Speaker,
    ToolExecution,
    TranscriptEntry,
    UsageEntry,
)
from media.audio import PCM24

__all__ = ["FakeLeg", "FakeModel", "FakeSession", "FakeStore"]


class FakeLeg:
    """A caller: pulls a frame every 20 ms once connected, and keeps what it heard."""

    kind = "fake"
    plays = True
    form = PCM24
    downlink_ms = 60

    def __init__(self) -> None:
        self.sink: LegSink | None = None
        self.speaker: Speaker | None = None
        self.sent: list[Event] = []
        self.heard = bytearray()
        self.closed: list[Ending] = []
        self.opened = asyncio.Event()

    async def open(self, sink: LegSink, speaker: Speaker) -> None:
        self.sink, self.speaker = sink, speaker
        self.opened.set()

    def send(self, event: Event) -> None:
        self.sent.append(event)

    def stats(self) -> dict[str, float]:
        return {"rtt_ms": 1.0}

    async def close(self, ending: Ending) -> None:
        if not self.closed:
            self.closed.append(ending)

    # what the test does with it

    async def connect(self) -> LegSink:
        await self.opened.wait()
        assert self.sink is not None
        self.sink.on_connected()
        self.sink.on_channel_open()
        return self.sink

    async def listen(self, seconds: float, say: bytes | None = None) -> None:
        """Real time passes: 20 ms frames both ways, silence (or a loop of `say`) upwards."""
        assert self.sink is not None
        assert self.speaker is not None
        loop = asyncio.get_running_loop()
        for frame in range(round(seconds * 50)):
            pcm = bytes(960) if say is None else say[frame * 960 % len(say) :][:960].ljust(960, b"\0")
            self.sink.on_audio(pcm)
            self.heard += self.speaker.pull(loop.time()) or b""
            await asyncio.sleep(0.02)

    def types(self) -> list[str]:
        return [event["type"] for event in self.sent]


class FakeSession:
    """One model session: `answer` is asked about every client event and tells which server events follow."""

    provider = "fake"
    model = "fake-1"

    def __init__(self, answer: Callable[[Event], list[Event]]) -> None:
        self._answer = answer
        self.events: asyncio.Queue[Event | None] = asyncio.Queue()
        self.received: list[Event] = []
        self.audio_bytes = 0

    def send(self, event: Event) -> None:
        self.received.append(event)
        for reply in self._answer(event):
            self.events.put_nowait(reply)

    def audio(self, pcm: bytes) -> None:
        self.audio_bytes += len(pcm)

    def emit(self, kind: str, **fields: Any) -> None:
        self.events.put_nowait({"type": kind, "event_id": "event_x", **fields})

    def break_(self) -> None:
        self.events.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            event = await self.events.get()
            if event is None:
                raise ModelLost("the socket broke")
            yield event


class FakeModel:
    """A provider; `fault` makes it refuse."""

    forms = frozenset({PCM24})

    def __init__(self, name: str = "fake", fault: Exception | None = None) -> None:
        self.name = name
        self.fault = fault
        self.session = FakeSession(self.answer)
        self.specs: list[ModelSpec] = []
        self.closed = 0
        self.replies = 0
        self.words = "hello there caller"

    @asynccontextmanager
    async def open(self, spec: ModelSpec) -> AsyncIterator[ModelSession]:
        self.specs.append(spec)
        if self.fault is not None:
            raise self.fault
        try:
            yield self.session
        finally:
            self.closed += 1

    def answer(self, event: Event) -> list[Event]:
        if event["type"] != "response.create":
            return []
        self.replies += 1
        response, item = f"resp_{self.replies}", f"item_{self.replies}"
        at = {
            "event_id": "event_x",
            "response_id": response,
            "item_id": item,
            "output_index": 0,
            "content_index": 0,
        }
        shape = {"id": item, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        return [
            {
                "type": "response.created",
                "event_id": "e",
                "response": {"id": response, "status": "in_progress"},
            },
            {"type": "response.output_item.added", **at, "item": shape},
            {"type": "response.output_audio_transcript.delta", **at, "delta": self.words},
            {"type": "response.output_audio.delta", **at, "delta": b"\x10\x20" * 24_000},
            {"type": "response.output_audio.done", **at},
            {"type": "response.output_audio_transcript.done", **at, "transcript": self.words},
            {
                "type": "response.done",
                "event_id": "e",
                "response": {"id": response, "status": "completed", "output": []},
            },
        ]


class FakeStore:
    """Keeps everything; `fault` makes `begin_call` fail."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.begun: list[CallRecord] = []
        self.journal: list[JournalEntry] = []
        self.entries: list[TranscriptEntry] = []
        self.executions: list[ToolExecution] = []
        self.used: list[UsageEntry] = []
        self.ended: list[tuple[str, Ending, CallSummary]] = []

    async def begin_call(self, call: CallRecord) -> None:
        if self.fault is not None:
            raise self.fault
        self.begun.append(call)

    def record(self, entry: JournalEntry) -> None:
        self.journal.append(entry)

    @property
    def told(self) -> list[Event]:
        """The events of the journal, without what it adds to them."""
        return [
            {name: value for name, value in entry.event.items() if name not in ("passed", "effects")}
            for entry in self.journal
        ]

    def transcript(self, entry: TranscriptEntry) -> None:
        self.entries.append(entry)

    def tool_execution(self, execution: ToolExecution) -> None:
        self.executions.append(execution)

    def usage(self, entry: UsageEntry) -> None:
        self.used.append(entry)

    async def end_call(self, call_id: str, ending: Ending, summary: CallSummary) -> None:
        self.ended.append((call_id, ending, summary))

    async def flush(self) -> None: ...


UNREACHABLE = ModelUnavailable("nobody answers there")
