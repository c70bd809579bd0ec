"""The shell round the core of client-played legs, on virtual time: where audio goes, and who is told what."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.call.effects import Effect, Write
from gateway.call.plan import CallDeps, CallPlan
from gateway.call.run import Call
from gateway.call.shell import Shell
from gateway.errors import HUNG_UP, PROTOCOL, Busy, Ending
from gateway.ports import Event, LegSink, ModelSession, ModelSpec
from tests.call.harness import persona
from tests.call.test_replay import replayed
from tests.call.test_run import HANG_UP, no_records
from tests.fakes import FakeLeg, FakeModel, FakeSession, FakeStore

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

WHO = persona(policy="open", greeting="", tools=("hang_up",))


class RelayLeg(FakeLeg):
    """A client that plays the audio itself."""

    plays = False


class SlowModel(FakeModel):
    """Takes a second to open."""

    @asynccontextmanager
    async def open(self, spec: ModelSpec) -> AsyncIterator[ModelSession]:
        await asyncio.sleep(1.0)
        async with super().open(spec) as session:
            yield session


class Ordered(FakeSession):
    """Keeps audio and events in one list."""

    def __init__(self) -> None:
        super().__init__(lambda _: [])
        self.order: list[str] = []

    def send(self, event: Event) -> None:
        self.order.append(event["type"])

    def audio(self, pcm: bytes) -> None:
        self.order.append(f"{len(pcm)}")


class Scene:
    def __init__(self, model: FakeModel | None = None) -> None:
        self.model = model or FakeModel()
        self.leg = RelayLeg()
        self.store = FakeStore()
        deps = CallDeps((self.model,), "test", self.store, no_records, {"hang_up": HANG_UP}, setup_s=5.0)
        self.call = Call(CallPlan("rtc_1", "s-1", "t-1", WHO), self.leg, deps)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[LegSink]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.call.run())
            sink = await self.leg.connect()
            yield sink
            self.call.end(HUNG_UP)
        self.ending = task.result()

    def say(self, sink: LegSink, kind: str, **fields: Any) -> None:
        sink.on_event(json.dumps({"type": kind, **fields}))


async def test_audio_goes_out_as_it_comes_between_the_events() -> None:
    scene = Scene()
    async with scene.running() as sink:
        scene.say(sink, "response.create")
        await asyncio.sleep(0.2)
        types = scene.leg.types()
        at = types.index("response.created")
        assert types[at : at + 6] == [
            "response.created", "response.output_item.added", "response.output_audio_transcript.delta",
            "response.output_audio.delta", "response.output_audio.done", "response.output_audio_transcript.done",
        ]  # fmt: skip
        assert scene.leg.sent[at + 3]["delta"] == b"\x10\x20" * 24_000
        await asyncio.sleep(1.5)
    said = scene.store.entries[-1]
    assert (said.text, said.heard_ms, said.estimated, said.final) == (
        "hello there caller",
        1000,
        True,
        True,
    )
    assert not any("output_audio_buffer" in kind for kind in scene.leg.types())
    text = json.dumps([entry.event for entry in scene.store.journal])
    assert "output_audio.delta" not in text


async def test_audio_inside_of_events_reaches_the_client_and_no_journal() -> None:
    scene = Scene()
    content = [{"type": "input_audio", "audio": "AAECAw==", "transcript": "hello"}]
    item = {"id": "item_u", "type": "message", "role": "user", "content": content}
    async with scene.running() as sink:
        scene.say(sink, "conversation.item.create", item=item)
        scene.model.session.emit("conversation.item.retrieved", item=item)
        await asyncio.sleep(0.1)
    assert scene.leg.sent[-1]["item"] == item
    journal = json.dumps([entry.event for entry in scene.store.journal])
    assert "hello" in journal
    assert "AAECAw==" not in journal


async def test_what_comes_before_the_model_keeps_its_order() -> None:
    model = SlowModel()
    model.session = session = Ordered()
    scene = Scene(model)
    async with scene.running() as sink:
        for count in (960, 4800):
            sink.on_audio(bytes(count))
        scene.say(sink, "input_audio_buffer.commit")
        sink.on_audio(bytes(100))
        scene.say(sink, "response.create")
        assert session.order == []
        await asyncio.sleep(2)
        sink.on_audio(bytes(480))
    assert session.order == ["960", "4800", "input_audio_buffer.commit", "100", "response.create", "480"]


async def test_too_much_before_the_model_ends_the_call() -> None:
    scene = Scene(SlowModel())
    async with scene.running() as sink:
        for _ in range(300):
            scene.say(sink, "input_audio_buffer.clear")
        await asyncio.sleep(0.1)
    assert scene.ending == PROTOCOL


async def test_all_audio_counts_that_a_client_sends() -> None:
    scene = Scene()
    async with scene.running():
        await asyncio.sleep(0.1)
    assert [spec.realtime for spec in scene.model.specs] == [False]


async def test_audio_of_a_cancelled_reply_is_dropped() -> None:
    model = FakeModel()
    model.session = session = FakeSession(lambda _: [])
    scene = Scene(model)
    at = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
    async with scene.running() as sink:
        session.emit("response.created", response={"id": "resp_1", "status": "in_progress"})
        session.emit("response.output_audio.delta", **at, delta=bytes(960))
        await asyncio.sleep(0.1)
        scene.say(sink, "response.cancel")
        session.emit("response.output_audio.delta", **at, delta=bytes(4800))
        session.emit("response.done", response={"id": "resp_1", "status": "cancelled", "output": []})
        await asyncio.sleep(0.1)
    deltas = [e["delta"] for e in scene.leg.sent if e["type"] == "response.output_audio.delta"]
    assert deltas == [bytes(960)]
    assert scene.store.ended[0][2].dropped_audio_ms == 100


async def test_a_sideband_gets_every_event_but_audio_and_is_told_of_the_end() -> None:
    scene = Scene()
    seen: list[Event] = []
    ends: list[Ending] = []
    async with scene.running() as sink:
        sideband = scene.call.attach(seen.append, ends.append)
        assert [event["type"] for event in seen] == ["session.created"]
        sideband.receive('{"type": "response.create", "event_id": "x"}')
        scene.say(sink, "nonsense")
        await asyncio.sleep(0.2)
        types = [event["type"] for event in seen]
        assert "response.done" in types
        assert "error" not in types
        assert "response.output_audio.delta" not in types
        assert "error" in scene.leg.types()
        gone = scene.call.attach(lambda _: None, ends.append)
        gone.detach()
        gone.detach()
        for _ in range(7):
            scene.call.attach(lambda _: None, lambda _: None)
        with pytest.raises(Busy):
            scene.call.attach(lambda _: None, lambda _: None)
    assert ends == [HUNG_UP]


async def test_a_sideband_of_a_gateway_played_call() -> None:
    scene = Scene()
    scene.leg.plays = True
    deps = scene.call._deps
    scene.call = Call(CallPlan("rtc_1", "s-1", "t-1", WHO), scene.leg, deps)
    seen: list[Event] = []
    async with scene.running():
        sideband = scene.call.attach(seen.append, lambda _: None)
        truncate = {"event_id": "t", "item_id": "i", "content_index": 0, "audio_end_ms": 1}
        sideband.receive(json.dumps({"type": "conversation.item.truncate", **truncate}))
        assert seen[-1]["error"]["event_id"] == "t"
        assert "error" not in scene.leg.types()
        sideband.receive('{"type": "response.create"}')
        await scene.leg.listen(0.5)
        assert "response.created" in [event["type"] for event in seen]


async def test_the_journal_replays_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Effect] = []
    carry_out = Shell._apply

    def remember(shell: Shell, effects: list[Effect]) -> None:
        done.extend(effects)
        carry_out(shell, effects)

    monkeypatch.setattr(Shell, "_apply", remember)
    scene = Scene()
    async with scene.running() as sink:
        scene.call.attach(lambda _: None, lambda _: None).receive('{"type": "response.cancel"}')
        sink.on_audio(bytes(960))
        scene.say(sink, "response.create")
        await asyncio.sleep(0.4)
        truncate = {"item_id": "item_1", "content_index": 0, "audio_end_ms": 300}
        scene.say(sink, "conversation.item.truncate", **truncate)
        await asyncio.sleep(1)
    again = replayed(scene.store.journal)
    assert again[: len(done)] == done
    assert all(isinstance(effect, Write) for effect in again[len(done) :])
