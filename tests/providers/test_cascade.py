"""The cascade against the vendor's REST servers, on real sockets: turns, tools, interruptions, and what goes wrong."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from gateway.engine.lessons import Lessons
from gateway.errors import ModelLost, ModelRefused, ModelUnavailable
from gateway.ports import Event, ModelSession, ModelSpec
from gateway.providers.cascade import rest
from gateway.providers.cascade.provider import CascadeModel
from gateway.providers.cascade.rest import Rest, new_http
from gateway.providers.cascade.voice import RestVoice
from gateway.speech.active import open_speech
from gateway.stages import Stage
from media.audio import PCM24
from media.resample import Resampler
from personas import library
from personas.prompt import CARRY_ON, say_exactly
from tests.caller_audio import pcm as recorded
from tests.peers.openai_rest import KEY, OpenAiRestPeer, RestPeer
from tests.peers.rest_script import Asked, RestScript, Trouble, Written
from tests.peers.script import Call, Refusal
from tests.providers.bench import PERSONA, silence, sound
from tests.providers.server import serving
from tests.providers.speech import QuickEars, QuickVoice
from tests.realtime.strict import assert_strict

pytestmark = pytest.mark.integration

WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
SESSION: dict[str, Any] = {
    "type": "realtime",
    "instructions": "You are a travel agent.",
    "audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}, "turn_detection": None}},
    "tools": [WEATHER],
}
RECEPTION = library.load()["dental_reception"]
STORY = "Once upon a time there was a king. " * 12


@dataclass
class Stage3:
    """A cascade, all of whose stages are one peer."""

    peer: RestPeer
    model: CascadeModel

    def open(self, **session: Any) -> Any:
        return self.model.open(ModelSpec("rtc_1", PERSONA, SESSION | session))

    @property
    def chats(self) -> list[list[dict[str, Any]]]:
        return [asked.params["messages"] for asked in self.peer.of("chat")]

    def fine(self) -> None:
        """The peer found nothing wrong with what it was asked."""
        assert self.peer.faults == []


@asynccontextmanager
async def cascade(script: RestScript | None = None, *, key: str = KEY) -> AsyncIterator[Stage3]:
    async with OpenAiRestPeer.open(script) as peer, new_http() as http:
        secret = SecretStr(key)
        chat = Rest(Stage("chat", peer.base_url, secret, "gpt-4.1-mini"), http)
        stt = Rest(Stage("stt", peer.base_url, secret, "gpt-4o-mini-transcribe"), http)
        tts = Rest(Stage("tts", peer.base_url, secret, "gpt-4o-mini-tts"), http)
        yield Stage3(peer, CascadeModel(chat, stt, RestVoice(tts, None)))


async def until(session: ModelSession, kind: str) -> list[Event]:
    """The events up to the wanted one, each judged."""
    events: list[Event] = []
    async with asyncio.timeout(20):
        async for event in session:
            assert_strict(event)
            events.append(event)
            if event["type"] == kind:
                return events
    raise AssertionError("the session ended")


async def done(session: ModelSession) -> dict[str, Any]:
    response = (await until(session, "response.done"))[-1]["response"]
    assert isinstance(response, dict)
    return response


def write(session: ModelSession, role: str, text: str, **more: Any) -> None:
    kind = "output_text" if role == "assistant" else "input_text"
    item = {"type": "message", "role": role, "content": [{"type": kind, "text": text}], **more}
    session.send({"type": "conversation.item.create", "item": item})


def ask(session: ModelSession, text: str = "Hello.", **response: Any) -> None:
    write(session, "user", text)
    session.send({"type": "response.create", **({"response": response} if response else {})})


def answer(session: ModelSession, call: dict[str, Any], output: str) -> None:
    item = {"type": "function_call_output", "call_id": call["call_id"], "output": output}
    session.send({"type": "conversation.item.create", "item": item})
    session.send({"type": "response.create"})


async def both_closed(peer: RestPeer) -> None:
    """The language model's stream and the voice's."""
    async with asyncio.timeout(20):
        while peer.dropped < 2:  # noqa: ASYNC110 - the peer counts, it does not tell
            await asyncio.sleep(0.01)


def said(response: dict[str, Any]) -> str:
    return "".join(
        part.get("transcript") or part.get("text") or ""
        for item in response["output"]
        for part in item.get("content", ())
    )


# ── turns ──


async def test_a_turn_through_all_three() -> None:
    script = RestScript(hears=("Good morning!",), writes=(Written("Hello. How can I help you?"),))
    async with cascade(script) as stage, stage.open() as session:
        assert (session.provider, session.model) == ("cascade", "gpt-4.1-mini")
        session.audio(sound(900))
        session.send({"type": "input_audio_buffer.commit"})
        session.send({"type": "response.create"})
        events = await until(session, "response.done")
    stage.fine()
    heard = next(e for e in events if e["type"].endswith("transcription.completed"))
    assert heard["transcript"] == "Good morning!"
    response = events[-1]["response"]
    assert (response["status"], said(response)) == ("completed", "Hello. How can I help you?")
    made = b"".join(e["delta"] for e in events if e["type"] == "response.output_audio.delta")
    assert PCM24.to_ms(len(made)) == 60 * len("Hello.How can I help you?")
    assert stage.chats == [
        [
            {"role": "system", "content": "You are a travel agent."},
            {"role": "user", "content": "Good morning!"},
        ]
    ]
    asked = stage.peer.of("transcriptions")[0]
    assert (asked.params["model"], asked.params["language"]) == ("gpt-4o-mini-transcribe", "en")
    assert len(asked.file) == 44 + 900 * 32
    spoken = [asked.params for asked in stage.peer.of("speech")]
    assert [params["input"] for params in spoken] == ["Hello.", "How can I help you?"]
    assert {params["voice"] for params in spoken} == {"marin"}
    assert all(asked.headers["authorization"] == f"Bearer {KEY}" for asked in stage.peer.asked)


async def test_usage_is_what_the_language_model_counted() -> None:
    async with cascade() as stage, stage.open() as session:
        ask(session)
        usage = (await done(session))["usage"]
    assert usage["input_tokens"] == usage["input_token_details"]["text_tokens"] > 8
    assert usage["output_token_details"] == {"text_tokens": usage["output_tokens"], "audio_tokens": 0}


async def test_the_first_sentence_is_heard_before_the_last_is_thought() -> None:
    script = RestScript(writes=(Written(STORY),), pause_s=0.02)
    async with cascade(script) as stage, stage.open() as session:
        ask(session)
        await until(session, "response.output_audio.delta")
        assert len(stage.peer.of("speech")) == 1
        assert stage.peer.of("speech")[0].params["input"] == "Once upon a time there was a king."
        session.send({"type": "response.cancel"})
        await done(session)
    stage.fine()


async def test_real_speech_with_the_embedded_ears_and_voice() -> None:
    sentences = ("i would like to book an appointment for a cleaning",)
    script = RestScript(writes=(Written("Certainly. Which day would you like to come?"),))
    async with (
        OpenAiRestPeer.open(script) as peer,
        new_http() as http,
        open_speech(1, 1) as (ears, voice),
    ):
        chat = Rest(Stage("chat", peer.base_url, SecretStr(KEY), "gpt-4.1-mini"), http)
        model = CascadeModel(chat, Lessons(ears, lambda _: sentences), voice)
        spoken = SESSION | {"audio": {"input": {"transcription": {"model": "x"}}}}
        async with model.open(ModelSpec("rtc_1", RECEPTION, spoken)) as session:
            resampler = Resampler(16_000, PCM24.rate)
            speech = resampler.process(recorded("dental_01_book")) + resampler.flush() + silence(800)
            for at in range(0, len(speech), PCM24.frame_bytes):
                session.audio(speech[at : at + PCM24.frame_bytes])
            events = await until(session, "response.done")
    assert peer.faults == []
    heard = peer.of("chat")[0].params["messages"][-1]["content"]
    assert len({"book", "appointment", "cleaning"} & set(heard.split())) >= 2
    response = events[-1]["response"]
    assert said(response) == "Certainly. Which day would you like to come?"
    made = b"".join(e["delta"] for e in events if e["type"] == "response.output_audio.delta")
    assert PCM24.to_ms(len(made)) > 1000
    assert (
        max(abs(int.from_bytes(made[i : i + 2], "little", signed=True)) for i in range(0, len(made), 2))
        > 3000
    )


async def test_words_that_are_settled_need_no_language_model() -> None:
    async with cascade() as stage, stage.open() as session:
        session.send(
            {"type": "response.create", "response": {"instructions": say_exactly("Welcome to us.")}}
        )
        response = await done(session)
    assert said(response) == "Welcome to us."
    assert response["usage"]["total_tokens"] == 0
    assert stage.chats == []
    assert [asked.params["input"] for asked in stage.peer.of("speech")] == ["Welcome to us."]


async def test_a_reply_that_another_provider_began_is_carried_on() -> None:
    script = RestScript(writes=(Written("Certainly, I can book that. Which day?"),))
    async with cascade(script) as stage, stage.open() as session:
        write(session, "user", "A cleaning, please.", id="item_" + "u" * 27)
        write(session, "assistant", "Certainly, I can", id="item_" + "a" * 27)
        write(session, "system", CARRY_ON)
        session.send({"type": "response.create"})
        assert said(await done(session)) == "book that. Which day?"
    assert [message["role"] for message in stage.chats[0]] == ["system", "user", "assistant", "system"]
    stage.fine()


async def test_silence_is_not_sent_to_be_transcribed() -> None:
    async with cascade() as stage, stage.open() as session:
        item = {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_audio", "audio": base64.b64encode(silence(50)).decode()}],
        }
        session.send({"type": "conversation.item.create", "item": item})
        session.send({"type": "response.create"})
        await done(session)
    assert stage.peer.of("transcriptions") == []
    assert stage.chats[0][-1]["content"] == "(inaudible)"


# ── tools ──


async def test_a_tool_is_called_and_its_output_used() -> None:
    def write_back(asked: Asked) -> Written:
        last = asked.params["messages"][-1]
        if last["role"] == "tool":
            return Written(f"It is {last['content']}.")
        return Written("One moment.", calls=(Call("weather", '{"city":"Rome"}'),))

    async with cascade(RestScript(answer=write_back)) as stage, stage.open() as session:
        ask(session, "How is the weather in Rome?")
        response = await done(session)
        assert [item["type"] for item in response["output"]] == ["message", "function_call"]
        call = response["output"][1]
        assert (call["name"], call["arguments"]) == ("weather", '{"city":"Rome"}')
        answer(session, call, "sunny")
        assert said(await done(session)) == "It is sunny."
    stage.fine()
    assert stage.chats[1][2:] == [
        {
            "role": "assistant",
            "content": "One moment.",
            "tool_calls": [
                {
                    "id": call["call_id"],
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city":"Rome"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": call["call_id"], "content": "sunny"},
    ]
    body = stage.peer.of("chat")[0].params
    assert (body["tool_choice"], len(body["tools"])) == ("auto", 1)


async def test_two_calls_at_once_and_a_seeded_history() -> None:
    calls = (Call("weather", '{"city":"Rome"}'), Call("weather", '{"city":"Oslo"}'))
    async with (
        cascade(RestScript(writes=(Written(calls=calls), Written("Sunny and cold.")))) as stage,
        stage.open() as session,
    ):
        write(session, "user", "Hello.")
        write(session, "assistant", "Good morning.")
        before = {"type": "function_call", "name": "weather", "call_id": "c" * 32, "arguments": "{}"}
        session.send({"type": "conversation.item.create", "item": before | {"id": "i" * 32}})
        seeded = {"type": "function_call_output", "call_id": "c" * 32, "output": "warm"}
        session.send({"type": "conversation.item.create", "item": seeded})
        ask(session, "And in Rome and Oslo?")
        output = (await done(session))["output"]
        assert [item["arguments"] for item in output] == ['{"city":"Rome"}', '{"city":"Oslo"}']
        first = {"type": "function_call_output", "call_id": output[0]["call_id"], "output": "sunny"}
        session.send({"type": "conversation.item.create", "item": first})
        answer(session, output[1], "cold")
        assert said(await done(session)) == "Sunny and cold."
    stage.fine()


async def test_without_tools_the_model_is_offered_none() -> None:
    async with cascade() as stage, stage.open(tools=[]) as session:
        ask(session)
        await done(session)
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(stage.peer.of("chat")[0].params)
    stage.fine()


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("required", "required"),
        ("none", "none"),
        ({"type": "function", "name": "weather"}, {"type": "function", "function": {"name": "weather"}}),
    ],
)
async def test_tool_choice(choice: Any, wanted: Any) -> None:
    async with cascade() as stage, stage.open() as session:
        ask(session, tool_choice=choice, max_output_tokens=100)
        await done(session)
    body = stage.peer.of("chat")[0].params
    assert (body["tool_choice"], body["max_completion_tokens"]) == (wanted, 100)
    stage.fine()


@pytest.mark.parametrize(
    ("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
async def test_a_reply_that_was_cut(finish: Any, reason: str) -> None:
    async with (
        cascade(RestScript(writes=(Written("This is only the", finish=finish),))) as stage,
        stage.open() as session,
    ):
        ask(session)
        response = await done(session)
    assert (response["status"], response["status_details"]["reason"]) == ("incomplete", reason)
    assert said(response) == "This is only the"


# ── interruptions ──


async def test_an_interruption_closes_every_stream() -> None:
    script = RestScript(writes=(Written(STORY),), pause_s=0.02)
    async with cascade(script) as stage, stage.open() as session:
        ask(session)
        heard = await until(session, "response.output_audio.delta")
        session.send({"type": "response.cancel"})
        response = await done(session)
        assert response["status"] == "cancelled"
        item = response["output"][0]
        # What was not heard of it is not what the language model reads next.
        session.send(
            {
                "type": "conversation.item.truncate",
                "item_id": item["id"],
                "content_index": 0,
                "audio_end_ms": 90,
            }
        )
        await both_closed(stage.peer)
        chats = len(stage.chats)
        ask(session, "Stop.")
        assert (await done(session))["status"] == "completed"
        assert heard[-1]["item_id"] == item["id"]
    assert len(stage.chats) == chats + 1
    assert [message["role"] for message in stage.chats[-1]] == ["system", "user", "user"]


async def test_leaving_in_the_middle_of_everything() -> None:
    script = RestScript(writes=(Written(STORY),) * 3, pause_s=0.02)
    async with cascade(script) as stage:
        for _ in range(3):
            async with stage.open() as session:
                session.audio(sound(300))
                session.send({"type": "input_audio_buffer.commit"})
                ask(session)
                await until(session, "response.output_audio.delta")


# ── what goes wrong ──


def refusal(status: int, code: str, **headers: str) -> Refusal:
    return Refusal(status, code, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("part", ["transcriptions", "chat", "speech"])
@pytest.mark.parametrize(
    "refused",
    [refusal(429, "rate_limit_exceeded", Retry_After="0.1"), refusal(503, "overloaded")],
    ids=["429", "503"],
)
async def test_what_a_second_try_mends_is_not_noticed(part: Any, refused: Refusal) -> None:
    script = RestScript(hears=("Hello.",), troubles=(Trouble(part, refusal=refused),))
    async with cascade(script) as stage, stage.open() as session:
        session.audio(sound(500))
        session.send({"type": "input_audio_buffer.commit"})
        session.send({"type": "response.create"})
        response = await done(session)
    assert (response["status"], said(response)) == ("completed", "All right.")
    assert stage.chats[0][-1]["content"] == "Hello."


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (refusal(429, "rate_limit_exceeded", Retry_After="20"), "chat_rate_limited"),
        (refusal(400, "context_length_exceeded"), "chat_bad_request"),
    ],
)
async def test_what_it_does_not_mend_fails_the_response(refused: Refusal, code: str) -> None:
    async with (
        cascade(RestScript(troubles=(Trouble("chat", refusal=refused),))) as stage,
        stage.open() as session,
    ):
        ask(session)
        response = await done(session)
        assert response["status"] == "failed"
        assert response["status_details"]["error"]["code"] == code
        session.send({"type": "response.create"})
        assert said(await done(session)) == "All right."


async def test_a_second_failure_in_a_row_loses_the_session() -> None:
    troubles = tuple(Trouble("chat", nth, refusal=refusal(400, "bad")) for nth in (1, 2))
    async with cascade(RestScript(troubles=troubles)) as stage, stage.open() as session:
        ask(session)
        assert (await done(session))["status"] == "failed"
        session.send({"type": "response.create"})
        with pytest.raises(ModelLost, match="cascade: chat"):
            await done(session)


async def test_a_key_that_is_refused_in_mid_call_loses_the_session() -> None:
    script = RestScript(troubles=(Trouble("chat", refusal=refusal(401, "invalid_api_key")),))
    async with cascade(script) as stage, stage.open() as session:
        ask(session)
        with pytest.raises(ModelLost, match="401"):
            await done(session)


async def test_a_server_that_goes_away_in_mid_call_loses_the_session() -> None:
    async with new_http() as http:
        async with OpenAiRestPeer.open() as peer:
            chat = Rest(Stage("chat", peer.base_url, SecretStr(KEY), "m"), http)
            model = CascadeModel(chat, Lessons(QuickEars(), lambda _: ()), QuickVoice())
            opened = model.open(ModelSpec("rtc_1", PERSONA, SESSION))
            session = await opened.__aenter__()
        ask(session)
        with pytest.raises(ModelLost, match="cannot be reached"):
            await done(session)
        await opened.__aexit__(None, None, None)


@pytest.mark.parametrize("trouble", [Trouble("chat", cut_after=6), Trouble("chat", stall_after=6)])
async def test_a_stream_that_breaks_or_stalls_ends_the_response(
    trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.providers.cascade.mind.ANSWER_S", 0.3)
    script = RestScript(writes=(Written("Good morning. How are you?"),), troubles=(trouble,), pause_s=0.02)
    async with cascade(script) as stage, stage.open() as session:
        ask(session)
        response = await done(session)
        assert response["status"] == "failed"
        assert response["status_details"]["error"]["code"] in ("chat_broken", "chat_timeout")
        assert response["output"][0]["status"] == "incomplete"
        session.send({"type": "response.create"})
        assert (await done(session))["status"] == "completed"


async def test_a_model_that_does_not_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "ANSWER_S", 0.2)
    async with (
        cascade(RestScript(troubles=(Trouble("chat", delay_s=5),))) as stage,
        stage.open() as session,
    ):
        ask(session)
        response = await done(session)
    assert response["status_details"]["error"]["code"] == "chat_timeout"


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble("speech", refusal=refusal(400, "bad")),
        Trouble("speech", cut_after=1),
        Trouble("speech", stall_after=1),
    ],
)
async def test_a_voice_that_fails(trouble: Trouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.providers.cascade.voice.ANSWER_S", 0.3)
    async with cascade(RestScript(troubles=(trouble,))) as stage, stage.open() as session:
        ask(session)
        response = await done(session)
        assert response["status_details"]["error"]["code"] == "speech_failed"
        ask(session)
        assert (await done(session))["status"] == "completed"


async def test_ears_that_fail_cost_a_transcript_and_twice_the_session() -> None:
    troubles = tuple(Trouble("transcriptions", nth, refusal=refusal(400, "bad")) for nth in (1, 2))
    async with cascade(RestScript(troubles=troubles)) as stage, stage.open() as session:
        session.audio(sound(500))
        session.send({"type": "input_audio_buffer.commit"})
        session.send({"type": "response.create"})
        events = await until(session, "response.done")
        assert any(event["type"].endswith("transcription.failed") for event in events)
        assert stage.chats[0][-1]["content"] == "(inaudible)"
        session.audio(sound(500))
        session.send({"type": "input_audio_buffer.commit"})
        with pytest.raises(ModelLost, match="ears"):
            await until(session, "response.done")


async def test_nobody_there() -> None:
    async with OpenAiRestPeer.open() as peer:
        url = peer.base_url
    async with new_http() as http:
        model = CascadeModel(
            Rest(Stage("chat", url, None, "m"), http), Lessons(QuickEars(), lambda _: ()), QuickVoice()
        )
        with pytest.raises(ModelUnavailable, match="chat cannot be reached"):
            async with model.open(ModelSpec("rtc_1", PERSONA, SESSION)):
                pass


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, ModelRefused), (403, ModelRefused), (500, ModelUnavailable), (429, None), (404, None)],
)
async def test_whoever_is_asked_first(status: int, error: type[Exception] | None) -> None:
    seen: list[str | None] = []

    async def models(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.json_response({}, status=status)

    app = web.Application()
    app.router.add_get("/v1/models", models)
    async with serving(app) as address, new_http() as http:
        place = Rest(Stage("chat", f"http://{address}/v1", SecretStr("sk-1"), "m"), http)
        same = RestVoice(Rest(Stage("tts", f"http://{address}/v1", SecretStr("sk-1"), "t"), http), "nova")
        model = CascadeModel(place, Lessons(QuickEars(), lambda _: ()), same)
        spec = ModelSpec("rtc_1", PERSONA, SESSION)
        if error is None:
            async with model.open(spec):
                pass
        else:
            with pytest.raises(error, match=str(status)):
                async with model.open(spec):
                    pass
    assert seen == ["Bearer sk-1"]


async def test_a_session_that_is_not_accepted_is_refused() -> None:
    async with cascade() as stage:
        with pytest.raises(ModelRefused, match=r"cascade refused the session.*speed"):
            async with stage.open(audio={"output": {"speed": 9}}):
                pass
