"""Providers killed on real sockets: strict servers of their vendors, a call that speaks and listens, and the next one.

Three moments: in the midst of a spoken reply, in the midst of the caller's sentence, while a tool runs. In each the
call goes on within three seconds, and the conversation is whole and in order on both sides.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.continuity.health import Health
from gateway.continuity.model import LastingModel, LastingSettings
from gateway.continuity.session import LastingSession
from gateway.errors import ModelLost
from gateway.ports import Event, Model, ModelSpec
from gateway.realtime.response import is_bridging, was_lost
from personas.persona import Persona
from personas.prompt import CARRY_ON
from tests.continuity.listener import Listener
from tests.peers.peer import RealtimePeer
from tests.peers.script import Call, Cut, Heard, Reply, Script
from tests.peers.sound import tone
from tests.providers.bench import PERSONA
from tests.providers.vendors import SESSION, VENDORS
from tests.realtime.strict import assert_strict

pytestmark = pytest.mark.integration

GOES_ON_S = 3.0
FRAME = 960


class Phrases:
    def audio(self, persona: Persona, voice: str) -> tuple[str, bytes] | None:
        return "One moment, please.", tone(600)


@dataclass
class Caller:
    """A call as a core would hold it: speaks in real time, asks again for what was lost, believes what it hears."""

    session: LastingSession
    listener: Listener = field(default_factory=Listener)
    said: bytearray = field(default_factory=bytearray)
    times: list[tuple[float, Event]] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, ms: int) -> None:
        self.said += tone(ms)

    async def speak(self) -> None:
        while True:
            frame = bytes(self.said[:FRAME]).ljust(FRAME, b"\0")
            del self.said[:FRAME]
            self.session.audio(frame)
            await asyncio.sleep(0.02)

    async def listen(self) -> None:
        async for event in self.session:
            self.listener.tell(event)
            assert_strict(event)
            self.times.append((asyncio.get_running_loop().time(), event))
            if event["type"] == "response.done" and was_lost(event["response"]):
                self.session.send({"type": "response.create"})
            self.more.set()
            self.more = asyncio.Event()

    async def until(self, kind: str, nth: int = 1, within_s: float = 20.0) -> Event:
        try:
            async with asyncio.timeout(within_s):
                while len(found := self.listener.of(kind)) < nth:
                    await self.more.wait()
        except TimeoutError:
            raise TimeoutError(f"no {kind} number {nth}; there were {self.listener.types()}") from None
        return found[nth - 1]

    def at(self, event: Event) -> float:
        return next(at for at, known in self.times if known is event)


class House:
    """Two vendors' servers, and the model that lasts over both."""

    def __init__(self, one: RealtimePeer, two: RealtimePeer, models: list[Model]) -> None:
        self.one, self.two = one, two
        for name, model in zip(("one", "two"), models, strict=True):
            model.name = name
        self.health = Health(["one", "two"])
        self.model = LastingModel(models, self.health, LastingSettings(), Phrases())

    @staticmethod
    @asynccontextmanager
    async def open(second: str, one: Script, two: Script) -> AsyncIterator[House]:
        first, next_ = VENDORS["openai"], VENDORS[second]
        async with first.open(one) as a, next_.open(two) as b:
            yield House(a, b, [first.provider(a, None), next_.provider(b, None)])
            assert a.faults == []
            assert b.faults == []

    @asynccontextmanager
    async def call(self, **session: Any) -> AsyncIterator[Caller]:
        spec = ModelSpec("rtc_1", PERSONA, SESSION | session)
        try:
            async with self.model.open(spec) as opened, asyncio.TaskGroup() as group:
                assert isinstance(opened, LastingSession)
                caller = Caller(opened)
                tasks = [group.create_task(caller.speak()), group.create_task(caller.listen())]
                yield caller
                for task in tasks:
                    task.cancel()
        except* ModelLost as lost:
            raise AssertionError("the call was lost") from lost


def conversation(peer: RealtimePeer) -> list[str]:
    """The conversation as the newest connection has it."""
    lines: list[str] = []
    items = peer.line.conversation.items
    item_id = items.last_id
    while item_id is not None:
        kept = items.find(item_id)
        assert kept is not None
        item = kept.item
        match item["type"]:
            case "message":
                texts = (part.get("text") or part.get("transcript") or "" for part in item["content"])
                lines.append(f"{item['role']}: {' '.join(texts).strip()}")
            case "function_call":
                lines.append(f"call: {item['name']}")
            case "function_call_output":
                lines.append(f"output: {item['output']}")
            case other:
                raise AssertionError(f"an item of type {other}")
        item_id = items.before(item_id)
    return lines[::-1]


@pytest.mark.parametrize("second", VENDORS)
async def test_killed_in_the_midst_of_a_spoken_reply(second: str) -> None:
    one = Script(
        replies=(Reply("one two three four five six seven eight", speed=1.0),),
        hears=(Heard("count for me"),),
        cuts=(Cut.after_deltas(6),),
    )
    two = Script(replies=(Reply("nine ten", speed=4.0),))
    async with House.open(second, one, two) as house, house.call() as caller:
        caller.say(800)
        broken = await caller.until("response.done")
        assert was_lost(broken["response"])
        bridge = await caller.until("response.created", 2)
        assert is_bridging(bridge["response"])
        await caller.until("response.created", 3)
        begun = await caller.until("response.output_item.added", 3)
        assert caller.at(begun) - caller.at(broken) < GOES_ON_S
        await caller.until("response.done", 3)
        assert caller.session.provider == "two"
        texts = [caller.listener.whole["transcript", item] for item in caller.listener.output]
        assert texts[0].startswith("one two")
        assert texts[1:] == ["One moment, please.", "nine ten"]
        told = conversation(house.two)
        assert told[0] == "user: count for me"
        assert told[1].startswith("assistant: one")
        assert texts[0].startswith(told[1].removeprefix("assistant: "))
        asked = [event["type"] for event in house.two.received]
        assert asked.count("response.create") == 1
        assert any(
            part.get("text") == CARRY_ON
            for event in house.two.received.of("conversation.item.create")
            for part in event["item"].get("content") or ()
        )
        assert list(caller.listener.transcripts.values()) == ["count for me"]
        assert len(caller.listener.order) == 4, "one turn, the reply in two pieces, the phrase between"


@pytest.mark.parametrize("second", ["openai", "azure-preview", "voicelive"])
async def test_killed_in_the_midst_of_the_callers_sentence(second: str) -> None:
    one = Script(cuts=(Cut.while_caller_speaks(400),))
    two = Script(hears=(Heard("the whole of my sentence"),), replies=(Reply("understood", speed=4.0),))
    async with House.open(second, one, two) as house, house.call() as caller:
        await asyncio.sleep(0.5)
        caller.say(1500)
        began = await caller.until("input_audio_buffer.speech_started")
        committed = await caller.until("input_audio_buffer.committed")
        assert committed["item_id"] == began["item_id"]
        await caller.until("conversation.item.input_audio_transcription.completed")
        stopped = await caller.until("input_audio_buffer.speech_stopped")
        assert 1300 <= stopped["audio_end_ms"] - began["audio_start_ms"] <= 2600
        done = await caller.until("response.done")
        assert done["response"]["status"] == "completed"
        assert caller.at(done) - caller.at(stopped) < GOES_ON_S
        assert caller.session.provider == "two"
        assert not any(is_bridging(e["response"]) for e in caller.listener.of("response.created"))
        assert conversation(house.two) == ["user: the whole of my sentence", "assistant: understood"]
        assert len(caller.listener.of("input_audio_buffer.speech_started")) == 1
        assert len(caller.listener.order) == 2


@pytest.mark.parametrize("second", ["openai", "azure-preview", "voicelive"])
async def test_killed_while_a_tool_runs(second: str) -> None:
    one = Script(
        replies=(Reply(calls=(Call("lookup", '{"day": "friday"}'),)),),
        hears=(Heard("is friday free"),),
        cuts=(Cut.while_call_outstanding(),),
    )
    two = Script(replies=(Reply("friday is free", speed=4.0),))
    async with House.open(second, one, two) as house, house.call() as caller:
        caller.say(800)
        called = await caller.until("response.output_item.done")
        await house.two.received.until("session.update")
        await asyncio.sleep(0.3)
        assert house.two.received.of("response.create") == []
        output = {"type": "function_call_output", "call_id": called["item"]["call_id"], "output": "yes"}
        caller.session.send({"type": "conversation.item.create", "item": output})
        caller.session.send({"type": "response.create"})
        asked_at = asyncio.get_running_loop().time()
        done = await caller.until("response.done", 2)
        assert caller.at(done) - asked_at < GOES_ON_S
        assert conversation(house.two) == [
            "user: is friday free", "call: lookup", "output: yes", "assistant: friday is free",
        ]  # fmt: skip
        assert len(caller.listener.calls) == 1
        assert list(caller.listener.done.values()) == ["completed", "completed"]


async def test_a_stalled_provider_is_left_and_a_commit_it_never_answered_is_made_again() -> None:
    one = Script(cuts=(Cut(received="input_audio_buffer.commit", how="stall"),))
    two = Script(hears=(Heard("pushed to talk"),), replies=(Reply("heard you", speed=4.0),))
    async with House.open("openai", one, two) as house:
        house.model = LastingModel(
            list(house.model._models.values()), house.health, LastingSettings(stall_s=1.0), Phrases()
        )
        audio = {**SESSION["audio"], "input": {**SESSION["audio"]["input"], "turn_detection": None}}
        async with house.call(audio=audio) as caller:
            caller.say(1000)
            await asyncio.sleep(1.2)
            caller.session.send({"type": "input_audio_buffer.commit", "event_id": "mine"})
            caller.session.send({"type": "response.create"})
            await caller.until("conversation.item.input_audio_transcription.completed")
            await caller.until("response.done", 2)
            assert list(caller.listener.done.values()) == ["completed", "completed"], (
                "the phrase, and the reply"
            )
            assert conversation(house.two)[-2:] == ["user: pushed to talk", "assistant: heard you"]
            assert house.health.snapshot(0)[0].last_failure == "stalled"
