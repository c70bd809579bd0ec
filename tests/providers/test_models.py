"""The promises of `gateway.ports.Model`, kept by the engine in this process and by the same engine over a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.engine.lessons import Lessons
from gateway.engine.serve import engine_app
from gateway.errors import ModelRefused
from gateway.ports import Event, Model, ModelSession, ModelSpec
from gateway.providers.embedded.provider import EmbeddedModel
from gateway.providers.upstream import UpstreamModel
from gateway.speech.errors import SpeechBusy
from tests.providers.bench import PERSONA, EchoMind, silence, sound
from tests.providers.server import serving
from tests.providers.speech import QuickEars, QuickVoice
from tests.realtime.strict import assert_strict

pytestmark = pytest.mark.contract

SESSION: dict[str, Any] = {
    "type": "realtime",
    "instructions": "Repeat.",
    "audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe", "language": "en"}}},
    "tools": [{"type": "function", "name": "weather", "parameters": {"type": "object"}}],
}


class Stage:
    """What stands behind the model under test."""

    def __init__(self, model: Model, ears: QuickEars, voice: QuickVoice) -> None:
        self.model = model
        self.ears = ears
        self.voice = voice

    def open(self, **session: Any) -> Any:
        return self.model.open(ModelSpec("rtc_1", PERSONA, SESSION | session))


@asynccontextmanager
async def in_process(ears: QuickEars, voice: QuickVoice) -> AsyncIterator[Model]:
    yield EmbeddedModel(Lessons(ears, EchoMind().script), voice, EchoMind())


@asynccontextmanager
async def over_a_socket(ears: QuickEars, voice: QuickVoice) -> AsyncIterator[Model]:
    async with serving(
        engine_app(Lessons(ears, EchoMind().script), voice, EchoMind(), {"assistant": PERSONA}, ["sk-1"])
    ) as address:
        yield UpstreamModel(url=f"ws://{address}", model="m", api_key="sk-1")


@pytest.fixture(params=[in_process, over_a_socket], ids=["embedded", "upstream"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    ears, voice = QuickEars(), QuickVoice()
    async with request.param(ears, voice) as model:
        yield Stage(model, ears, voice)


async def until(session: ModelSession, done: Callable[[Event], bool] | str) -> list[Event]:
    """The events up to the wanted one, each judged."""
    events: list[Event] = []
    async with asyncio.timeout(10):
        async for event in session:
            assert_strict(event)
            events.append(event)
            if event["type"] == done if isinstance(done, str) else done(event):
                return events
    raise AssertionError("the session ended")


def say(session: ModelSession, text: str) -> None:
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "user", "content": content}
    session.send({"type": "conversation.item.create", "item": item})


async def test_a_spoken_turn_is_answered_in_speech(stage: Stage) -> None:
    async with stage.open() as session:
        for frame in range(0, 700, 20):
            session.audio(sound(20) if 100 < frame < 600 else silence(20))
        # The engine's own ears for speech decide; these frames are no speech, so the turn is committed by hand.
        session.send({"type": "input_audio_buffer.commit"})
        session.send({"type": "response.create"})
        events = await until(session, "response.done")
    types = [event["type"] for event in events]
    assert "session.created" not in types
    assert "session.updated" not in types
    assert types.index("input_audio_buffer.committed") < types.index("response.created")
    heard = next(e for e in events if e["type"].endswith("transcription.completed"))
    assert heard["transcript"] == "good morning"
    audio = [e["delta"] for e in events if e["type"] == "response.output_audio.delta"]
    assert all(isinstance(pcm, bytes) for pcm in audio)
    assert sum(map(len, audio)) >= len(sound(200))
    assert events[-1]["response"]["output"][0]["content"][0]["transcript"] == "You said: good morning."


async def test_a_tool_is_called_and_its_result_used(stage: Stage) -> None:
    async with stage.open(output_modalities=["text"]) as session:
        say(session, "call weather in Rome")
        session.send({"type": "response.create"})
        events = await until(session, "response.done")
        call = events[-1]["response"]["output"][0]
        assert (call["name"], call["arguments"]) == ("weather", '{"text":"in Rome"}')
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
        session.send({"type": "conversation.item.create", "item": output})
        session.send({"type": "response.create"})
        events = await until(session, "response.done")
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "You said: sunny."


async def test_faults_are_told_and_the_session_goes_on(stage: Stage) -> None:
    async with stage.open() as session:
        session.send({"type": "response.cancel", "event_id": "first"})
        session.send({"type": "no.such.event", "event_id": "second"})
        session.send({"type": "conversation.item.delete", "item_id": "x", "event_id": "third"})
        told = [(await until(session, "error"))[-1]["error"]["event_id"] for _ in range(3)]
        assert told == ["first", "second", "third"]
        say(session, "hello")
        session.send({"type": "response.create"})
        assert (await until(session, "response.done"))[-1]["response"]["status"] == "completed"


async def test_a_session_that_is_not_accepted_is_refused(stage: Stage) -> None:
    with pytest.raises(ModelRefused, match=r"session\.audio\.output\.speed"):
        async with stage.open(audio={"output": {"speed": 9}}):
            pass


async def test_failing_ears_cost_a_transcript(stage: Stage) -> None:
    for fault in (SpeechBusy("full"), ValueError("broken")):
        stage.ears.fault = fault
        async with stage.open() as session:
            session.audio(sound(500))
            session.send({"type": "input_audio_buffer.commit"})
            session.send({"type": "response.create"})
            events = await until(session, "response.done")
        assert any(e["type"].endswith("transcription.failed") for e in events)
        assert events[-1]["response"]["status"] == "completed"


async def test_a_failing_voice_costs_a_response(stage: Stage) -> None:
    async with stage.open() as session:
        for fault in (SpeechBusy("full"), ValueError("broken")):
            stage.voice.fault = fault
            say(session, "hello")
            session.send({"type": "response.create"})
            events = await until(session, "response.done")
            assert events[-1]["response"]["status"] == "failed"
        stage.voice.fault = None
        session.send({"type": "response.create"})
        assert (await until(session, "response.done"))[-1]["response"]["status"] == "completed"


async def test_what_the_block_raises_comes_out_as_it_is(stage: Stage) -> None:
    async def break_off() -> None:
        async with stage.open() as session:
            say(session, "hello")
            session.send({"type": "response.create"})
            raise LookupError

    with pytest.raises(LookupError):
        await break_off()


async def test_a_session_can_be_left_at_any_time(stage: Stage) -> None:
    async with asyncio.timeout(10):
        for _ in range(3):
            async with stage.open() as session:
                session.audio(sound(300))
                session.send({"type": "input_audio_buffer.commit"})
                session.send({"type": "response.create"})


async def test_cancelling_the_caller_ends_the_session(stage: Stage) -> None:
    opened = asyncio.Event()

    async def hold() -> None:
        async with stage.open() as session:
            opened.set()
            async for _ in session:
                pass

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(hold())
        await opened.wait()
        task.cancel()
    assert task.cancelled()


async def test_the_ears_learn_what_the_personas_callers_say_once(stage: Stage) -> None:
    async with stage.open():
        assert stage.ears.learned == {"tester": ("hello",)}
    stage.ears.learned.clear()
    async with stage.open():
        assert stage.ears.learned == {}
