"""The engine's shell in virtual time: what hangs, breaks, is not read, or lasts an hour."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.engine import feed
from gateway.engine.at_once import AtOnce
from gateway.engine.core import LIFE_S, EngineCore, EngineSettings
from gateway.engine.mind import MindFailed, MindLost, Request, Thought, Words
from gateway.engine.opening import open_engine
from gateway.engine.session import EARS_S, MIND_S, VOICE_S, EngineSession, Parts
from gateway.errors import ModelLost
from gateway.realtime.session import default_session
from gateway.speech.errors import SpeechBusy
from gateway.speech.ports import Heard
from tests.providers.bench import PERSONA, EchoMind, LoudDetector, silence, sound
from tests.providers.speech import QuickEars, QuickVoice

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


class HungEars(QuickEars):
    async def transcribe(self, pcm: bytes, *, script: str | None = None) -> Heard:
        await asyncio.Event().wait()
        raise AssertionError


class HungVoice(QuickVoice):
    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[bytes]:
        yield sound(100)
        await asyncio.Event().wait()


class LongVoice(QuickVoice):
    """A minute, made faster than anybody listens."""

    def __init__(self) -> None:
        super().__init__()
        self.made_ms = 0
        self.left = False

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[bytes]:
        try:
            while self.made_ms < 60_000:
                self.made_ms += 200
                yield sound(200)
        finally:
            self.left = True


class SlowMind:
    """Says one sentence, and then what the test wants."""

    def __init__(self, fault: BaseException | None = None, *, hangs: bool = False) -> None:
        self.left = False
        self._fault = fault
        self._hangs = hangs

    async def think(self, request: Request) -> AsyncGenerator[Thought]:
        try:
            yield Words("One. Two")
            if self._hangs:
                await asyncio.Event().wait()
            if self._fault is not None:
                raise self._fault
        finally:
            self.left = True


@asynccontextmanager
async def engine(
    ears: Any = None, voice: Any = None, mind: Any = None, most_faults: int | None = None, **detection: Any
) -> AsyncIterator[EngineSession]:
    session = default_session(model="m", session_id="sess_1")
    session["audio"]["input"]["transcription"] = {"model": "x"}
    session["audio"]["input"]["turn_detection"] |= detection
    now = asyncio.get_running_loop().time()
    start = datetime(2026, 5, 4, tzinfo=UTC)
    core = EngineCore(EngineSettings(session, PERSONA, LoudDetector, start, now))
    parts = Parts(
        mind or AtOnce(EchoMind()),
        ears or QuickEars(),
        voice or QuickVoice(),
        "tester",
        "embedded",
        most_faults,
    )
    async with open_engine(core, parts) as running:
        running.start()
        yield running


async def until(session: EngineSession, kind: str) -> list[dict[str, Any]]:
    events = []
    async for event in session:
        events.append(event)
        if event["type"] == kind:
            return events
    raise AssertionError("the session ended")


def speak(session: EngineSession, *, quiet_ms: int = 600) -> None:
    for _ in range(25):
        session.audio(sound(20))
    for _ in range(quiet_ms // 20):
        session.audio(silence(20))


async def test_a_turn() -> None:
    ears = QuickEars()
    async with engine(ears) as session:
        assert (await until(session, "session.created"))[0]["session"]["id"] == "sess_1"
        speak(session, quiet_ms=220)
        await until(session, "input_audio_buffer.speech_started")
        await asyncio.sleep(0.1)
        for _ in range(20):
            session.audio(silence(20))
        events = await until(session, "response.done")
    # The words of the pause came before the turn ended, so that the reply did not wait for the ears.
    assert [ms // 20 for ms in ears.heard_ms] == [700 // 20]
    types = [event["type"] for event in events]
    assert types.index("response.created") > types.index(
        "conversation.item.input_audio_transcription.completed"
    )


@pytest.mark.parametrize(
    ("modality", "limit", "said"),
    [("text", 3, "You said: a"), ("text", 5, "You said: a long"), ("text", 6, None), ("audio", 100, None),
     ("audio", 16, "You"), ("text", 1, "You")],
)  # fmt: skip
async def test_a_reply_is_as_long_as_it_may_be(modality: str, limit: int, said: str | None) -> None:
    async with engine() as session:
        content = [{"type": "input_text", "text": "a long tale"}]
        item = {"type": "message", "role": "user", "content": content}
        session.send({"type": "conversation.item.create", "item": item})
        params = {"output_modalities": [modality], "max_output_tokens": limit}
        session.send({"type": "response.create", "response": params})
        response = (await until(session, "response.done"))[-1]["response"]
    (part,) = response["output"][0]["content"]
    assert (part.get("text") or part["transcript"]) == (said or "You said: a long tale.")
    cut = {"type": "incomplete", "reason": "max_output_tokens"}
    assert (response["status"], response["status_details"]) == (
        ("incomplete", cut) if said else ("completed", None)
    )


async def test_a_guess_is_given_up_when_the_caller_goes_on() -> None:
    ears = QuickEars()
    async with engine(ears) as session:
        speak(session, quiet_ms=220)
        speak(session)
        await until(session, "response.done")
    assert len(ears.heard_ms) == 1


async def test_ears_that_hang_cost_a_transcript_after_a_while() -> None:
    loop = asyncio.get_running_loop()
    async with engine(HungEars()) as session:
        speak(session)
        before = loop.time()
        await until(session, "conversation.item.input_audio_transcription.failed")
        assert loop.time() - before == pytest.approx(EARS_S, abs=0.1)
        assert (await until(session, "response.done"))[-1]["response"]["status"] == "completed"


async def test_a_voice_that_hangs_costs_a_response_after_a_while() -> None:
    loop = asyncio.get_running_loop()
    async with engine(voice=HungVoice()) as session:
        before = loop.time()
        session.send({"type": "response.create"})
        assert (await until(session, "response.done"))[-1]["response"]["status"] == "failed"
        assert loop.time() - before == pytest.approx(VOICE_S, abs=0.1)


async def test_a_mind_that_hangs_costs_a_response_after_a_while() -> None:
    loop, mind = asyncio.get_running_loop(), SlowMind(hangs=True)
    async with engine(mind=mind) as session:
        before = loop.time()
        session.send({"type": "response.create"})
        response = (await until(session, "response.done"))[-1]["response"]
        assert response["status_details"]["error"]["code"] == "mind_timeout"
        assert loop.time() - before == pytest.approx(MIND_S, abs=0.1)
        assert response["output"][0]["content"][0]["transcript"] == "One."
        assert mind.left


async def test_cancelling_a_response_stops_the_mind() -> None:
    mind = SlowMind(hangs=True)
    async with engine(mind=mind) as session:
        session.send({"type": "response.create"})
        await until(session, "response.output_audio.delta")
        session.send({"type": "response.cancel"})
        await until(session, "response.done")
        await asyncio.sleep(0)
        assert mind.left


@pytest.mark.parametrize(
    ("fault", "code"),
    [(MindFailed("chat_broken", "It broke off."), "chat_broken"), (ValueError("x"), "mind_failed")],
)
async def test_a_mind_that_fails_costs_a_response(fault: Exception, code: str) -> None:
    async with engine(mind=SlowMind(fault)) as session:
        for _ in range(3):
            session.send({"type": "response.create"})
            response = (await until(session, "response.done"))[-1]["response"]
            assert response["status_details"]["error"]["code"] == code


async def test_a_mind_that_forgets_to_end_has_ended() -> None:
    async with engine(mind=SlowMind()) as session:
        session.send({"type": "response.create"})
        response = (await until(session, "response.done"))[-1]["response"]
        assert response["status"] == "completed"
        assert response["output"][0]["content"][0]["transcript"] == "One. Two"


async def test_a_mind_that_is_lost_ends_the_session() -> None:
    async with engine(mind=SlowMind(MindLost("nobody is there"))) as session:
        session.send({"type": "response.create"})
        with pytest.raises(ModelLost, match="embedded: nobody is there"):
            await until(session, "response.done")


async def test_a_part_that_fails_too_often_ends_the_session() -> None:
    voice = QuickVoice()
    voice.fault = SpeechBusy("full")
    async with engine(voice=voice, most_faults=2) as session:
        for fault in (voice.fault, None, voice.fault):
            voice.fault = fault
            session.send({"type": "response.create"})
            status = (await until(session, "response.done"))[-1]["response"]["status"]
            assert status == ("completed" if fault is None else "failed")
        session.send({"type": "response.create"})
        with pytest.raises(ModelLost, match="its voice failed 2 times"):
            await until(session, "response.done")


async def test_a_slow_reader_slows_the_voice_down() -> None:
    voice = LongVoice()
    async with engine(voice=voice) as session:
        session.send({"type": "response.create"})
        await asyncio.sleep(60)
        assert voice.made_ms == feed.AHEAD_MS + 200
        events = await until(session, "response.done")
        assert events[-1]["response"]["status"] == "completed"
        assert voice.made_ms == 60_000


async def test_cancelling_a_response_stops_the_voice() -> None:
    voice = LongVoice()
    async with engine(voice=voice) as session:
        session.send({"type": "response.create"})
        await until(session, "response.output_audio.delta")
        session.send({"type": "response.cancel"})
        await until(session, "response.done")
        await asyncio.sleep(0)
        assert voice.left


async def test_a_reader_that_never_reads_loses_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "UNREAD", 10)
    async with engine() as session:
        for _ in range(20):
            session.send({"type": "response.cancel"})
        with pytest.raises(ModelLost):
            await until(session, "response.done")


async def test_an_hour_is_enough() -> None:
    loop = asyncio.get_running_loop()
    async with engine() as session:
        before = loop.time()
        events = [event async for event in session]
        assert loop.time() - before == pytest.approx(LIFE_S)
        assert events[-1]["error"]["code"] == "session_expired"
        session.send({"type": "nonsense"})
        session.audio(sound(20))


async def test_a_silent_caller_is_asked_when_the_timeout_is_over() -> None:
    loop = asyncio.get_running_loop()
    async with engine(idle_timeout_ms=6000) as session:
        session.send({"type": "response.create"})
        await until(session, "response.done")
        before = loop.time()
        await until(session, "input_audio_buffer.timeout_triggered")
        assert loop.time() - before == pytest.approx(6.2, abs=0.3)
        await until(session, "response.done")


async def test_a_long_append_lets_others_have_the_loop() -> None:
    async with engine() as session:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            task = group.create_task(other())
            await session.receive('{"type":"input_audio_buffer.append","audio":"' + "AAAA" * 64_000 + '"}')
            task.cancel()
        assert turns >= 192_000 // 24_000
