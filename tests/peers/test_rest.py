"""The REST peer is a server for the vendor's own client, and strict with every other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.audio import Transcription
from openai.types.audio.transcription_stream_event import TranscriptionStreamEvent
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.caller_audio import caller
from tests.peers.faults import Event
from tests.peers.openai_rest import KEY, PATHS, OpenAiRestPeer
from tests.peers.rest_audio import heard_events, transcription, wav
from tests.peers.rest_chat import chunks, completion
from tests.peers.rest_script import Asked, Part, RestScript, Trouble, Written
from tests.peers.script import Call, Refusal
from tests.peers.sound import tone
from tests.peers.strict import by_type, problems

pytestmark = pytest.mark.integration

HELLO: Event = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
SPEAK: Event = {"model": "gpt-4o-mini-tts", "voice": "marin", "input": "Hello", "response_format": "pcm"}
TOOL = {"type": "function", "function": {"name": "lookup", "parameters": {"type": "object"}}}
CALLED = {"id": "call_1", "type": "function", "function": {"name": "lookup", "arguments": "{}"}}
MADE: Event = {"role": "assistant", "content": None, "tool_calls": [CALLED]}
DONE: Event = {"role": "tool", "tool_call_id": "call_1", "content": "free"}


def client(url: str, key: str = KEY) -> AsyncOpenAI:
    return AsyncOpenAI(api_key=key, base_url=url, max_retries=0)


async def read(api: AsyncOpenAI, **more: Any) -> list[ChatCompletionChunk]:
    """A streamed completion, whole."""
    asked: Any = {**HELLO, "stream": True, **more}
    return [chunk async for chunk in await api.chat.completions.create(**asked)]


@asynccontextmanager
async def posting(url: str, **sent: Any) -> AsyncIterator[aiohttp.ClientResponse]:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as http,
        http.post(url, **sent) as response,
    ):
        yield response


# ── the good client ───────────────────────────────────────────────────────────────────────────────────────


async def test_chat_streams_text_and_counts() -> None:
    script = RestScript(writes=(Written("When would you like to come?"),))
    async with OpenAiRestPeer.open(script) as peer, client(peer.base_url) as api:
        got = await read(api, stream_options={"include_usage": True}, tools=[TOOL])
    assert (
        "".join(c.choices[0].delta.content or "" for c in got if c.choices)
        == "When would you like to come?"
    )
    assert [c.choices[0].finish_reason for c in got if c.choices][-1] == "stop"
    assert got[-1].usage is not None
    assert got[-1].choices == []
    assert peer.faults == []
    assert peer.of("chat")[0].params["tools"] == [TOOL]


async def test_chat_calls_tools_and_takes_their_output() -> None:
    def answer(asked: Asked) -> Written:
        done = asked.params["messages"][-1]["role"] == "tool"
        return (
            Written("It is free.")
            if done
            else Written(calls=(Call("lookup", '{"day": "friday"}', "call_1"),))
        )

    async with OpenAiRestPeer.open(RestScript(answer=answer)) as peer, client(peer.base_url) as api:
        got = await read(api, tools=[TOOL])
        calls = [call for c in got for call in c.choices[0].delta.tool_calls or []]
        assert (calls[0].id, calls[0].function and calls[0].function.name) == ("call_1", "lookup")
        assert (
            "".join(call.function.arguments or "" for call in calls if call.function) == '{"day": "friday"}'
        )
        assert got[-1].choices[0].finish_reason == "tool_calls"
        messages: Any = [*HELLO["messages"], MADE, DONE]
        whole = await api.chat.completions.create(model="gpt-4o-mini", messages=messages)
        assert whole.choices[0].message.content == "It is free."
    assert peer.faults == []


@pytest.mark.parametrize("model", ["gpt-4o-mini-transcribe", "whisper-1"])
async def test_transcription_of_a_recording(model: str) -> None:
    async with (
        OpenAiRestPeer.open(RestScript(hears=("i'd like to book",))) as peer,
        client(peer.base_url) as api,
    ):
        made = await api.audio.transcriptions.create(
            model=model, file=caller("dental_01_book"), language="en", response_format="json"
        )
    assert made.text == "i'd like to book"
    assert peer.faults == []
    assert peer.asked[0].file[:4] == b"RIFF"


async def test_a_streamed_transcription() -> None:
    async with (
        OpenAiRestPeer.open(RestScript(hears=("friday at nine",))) as peer,
        client(peer.base_url) as api,
    ):
        stream = await api.audio.transcriptions.create(
            model="gpt-4o-mini-transcribe", file=("a.wav", wav(tone(500))), stream=True
        )
        kinds = [event.type async for event in stream]
    assert kinds == ["transcript.text.delta"] * 3 + ["transcript.text.done"]


async def test_speech_as_pcm_as_wav_and_as_events() -> None:
    async with OpenAiRestPeer.open() as peer, client(peer.base_url) as api:
        async with api.audio.speech.with_streaming_response.create(**SPEAK) as response:
            assert response.headers["content-type"] == "audio/pcm"
            assert len(await response.read()) == 48 * 300
        made = await api.audio.speech.create(**{**SPEAK, "response_format": "wav"})
        assert made.content[:4] == b"RIFF"
        async with api.audio.speech.with_streaming_response.create(
            **SPEAK, stream_format="sse"
        ) as response:
            lines = [line async for line in response.iter_lines() if line]
        assert sum("speech.audio.delta" in line for line in lines) == 3
        assert "speech.audio.done" in lines[-1]
    assert peer.faults == []


async def test_its_answers_are_exactly_of_the_types() -> None:
    call = Written(calls=(Call("lookup", '{"day": "friday"}'),))
    for written in (Written("Hello"), call, Written("Wait.", calls=call.calls)):
        counted = {**HELLO, "stream": True, "stream_options": {"include_usage": True}}
        for chunk in chunks(counted, written):
            assert problems(ChatCompletionChunk, chunk) == []
        assert problems(ChatCompletion, completion(HELLO, written)) == []
    params = {"model": "gpt-4o-mini-transcribe"}
    assert problems(Transcription, transcription(params, "a b", 1.0)) == []
    assert problems(Transcription, transcription({"model": "whisper-1"}, "a b", 1.0)) == []
    for event in heard_events(params, "a b", 1.0):
        assert problems(by_type(TranscriptionStreamEvent)[event["type"]], event) == []


# ── troubles ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_refusals_come_once() -> None:
    limit = Refusal(429, "rate_limit_exceeded", "Slow down.", "requests", {"Retry-After": "1"})
    script = RestScript(troubles=(Trouble("chat", refusal=limit),))
    async with OpenAiRestPeer.open(script) as peer, client(peer.base_url) as api:
        with pytest.raises(openai.RateLimitError) as limited:
            await api.chat.completions.create(**HELLO)
        assert limited.value.response.headers["retry-after"] == "1"
        await api.chat.completions.create(**HELLO)
    assert peer.faults == []


async def test_a_broken_and_a_stalled_stream() -> None:
    script = RestScript(
        writes=(Written("A long text"),) * 2,
        troubles=(
            Trouble("chat", cut_after=2),
            Trouble("chat", nth=2, stall_after=2),
            Trouble("speech", cut_after=1),
            Trouble("transcriptions", delay_s=5.0),
        ),
    )
    async with OpenAiRestPeer.open(script) as peer, client(peer.base_url) as api:
        with pytest.raises(openai.APIConnectionError):
            await read(api)
        brief = api.with_options(timeout=0.3)
        with pytest.raises(openai.APITimeoutError):
            await read(brief)
        async with posting(f"{peer.base_url}/audio/speech", json=SPEAK) as response:
            with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
                await response.read()
        with pytest.raises(openai.APITimeoutError):
            await brief.audio.transcriptions.create(model="whisper-1", file=("a.wav", wav(tone(500))))


# ── bad clients ───────────────────────────────────────────────────────────────────────────────────────────


def chat(**changes: Any) -> Event:
    return {**HELLO, **changes}


BAD_JSON: list[tuple[Part, Event, str, str | None]] = [
    ("chat", {"model": "gpt-4o-mini"}, "missing_required_parameter", "messages"),
    ("chat", chat(messages=[]), "empty_array", "messages"),
    ("chat", chat(messages=[{"role": "user"}]), "missing_required_parameter", "messages[0].content"),
    ("chat", chat(messages=[{"role": "caller", "content": "x"}]), "invalid_value", "messages[0].role"),
    ("chat", chat(temprature=1), "unknown_parameter", "temprature"),
    ("chat", chat(temperature="warm"), "invalid_type", "temperature"),
    ("chat", chat(temperature=3), "invalid_value", "temperature"),
    ("chat", chat(stream_options={"include_usage": True}), "invalid_value", "stream_options"),
    (
        "chat",
        chat(stream=True, stream_options={"usage": True}),
        "unknown_parameter",
        "stream_options.usage",
    ),
    ("chat", chat(tool_choice="auto"), "invalid_value", "tool_choice"),
    ("chat", chat(tools=[]), "empty_array", "tools"),
    (
        "chat",
        chat(tools=[{"type": "function", "name": "x"}]),
        "missing_required_parameter",
        "tools[0].function",
    ),
    (
        "chat",
        chat(tools=[{"type": "function", "function": {"name": "look up"}}]),
        "invalid_value",
        "tools[0].function.name",
    ),
    ("chat", chat(messages=[MADE]), "invalid_value", "messages"),
    ("chat", chat(messages=[MADE, *HELLO["messages"]]), "invalid_value", "messages[1]"),
    ("chat", chat(messages=[DONE]), "invalid_value", "messages[0].role"),
    (
        "chat",
        chat(messages=[{"role": "assistant", "content": None}]),
        "invalid_type",
        "messages[0].content",
    ),
    ("chat", chat(model="gpt-9"), "model_not_found", "model"),
    ("speech", {"model": "tts-1", "voice": "marin"}, "missing_required_parameter", "input"),
    ("speech", {**SPEAK, "input": " "}, "empty_string", "input"),
    ("speech", {**SPEAK, "input": "x" * 4097}, "string_above_max_length", "input"),
    ("speech", {**SPEAK, "voice": "slt"}, "invalid_value", "voice"),
    ("speech", {**SPEAK, "response_format": "pcm16"}, "invalid_value", "response_format"),
    ("speech", {**SPEAK, "speed": 5}, "invalid_value", "speed"),
    ("speech", {**SPEAK, "sample_rate": 24000}, "unknown_parameter", "sample_rate"),
    ("speech", {**SPEAK, "model": "tts-1", "stream_format": "sse"}, "unsupported_value", "stream_format"),
]


@pytest.mark.parametrize(("part", "body", "code", "param"), BAD_JSON)
async def test_a_wrong_body(part: Part, body: Event, code: str, param: str | None) -> None:
    models = frozenset({"gpt-4o-mini", "gpt-4o-mini-tts", "tts-1"})
    async with OpenAiRestPeer.open(RestScript(models=models)) as peer:
        async with posting(f"http://127.0.0.1:{peer.port}{PATHS[part]}", json=body) as response:
            assert response.status == (404 if code == "model_not_found" else 400)
            error = (await response.json())["error"]
        assert (error["code"], error["param"]) == (code, param), error
        assert [fault.code for fault in peer.faults] == [code]


def form(file: bytes | None = None, name: str = "a.wav", **fields: str) -> aiohttp.FormData:
    data = aiohttp.FormData(default_to_multipart=True)
    if file is not None:
        data.add_field("file", file, filename=name)
    for key, value in {"model": "whisper-1", **fields}.items():
        data.add_field(key, value)
    return data


GOOD = wav(tone(500))


@pytest.mark.parametrize(
    ("sent", "code", "param"),
    [
        (lambda: form(), "missing_required_parameter", "file"),
        (lambda: form(GOOD, "audio"), "unsupported_file_format", "file"),
        (lambda: form(tone(500)), "invalid_value", "file"),
        (lambda: form(GOOD[:-4000]), "invalid_value", "file"),
        (lambda: form(wav(tone(50))), "audio_too_short", "file"),
        (lambda: form(GOOD, sample_rate="16000"), "unknown_parameter", "sample_rate"),
        (lambda: form(GOOD, response_format="xml"), "invalid_value", "response_format"),
        (
            lambda: form(GOOD, model="gpt-4o-mini-transcribe", response_format="text"),
            "unsupported_value",
            "response_format",
        ),
        (lambda: form(GOOD, temperature="warm"), "invalid_type", "temperature"),
        (lambda: form(GOOD, stream="yes"), "invalid_type", "stream"),
        (lambda: form(GOOD, language="english"), "invalid_language_format", "language"),
    ],
)
async def test_a_wrong_form(sent: Any, code: str, param: str) -> None:
    async with OpenAiRestPeer.open() as peer:
        async with posting(f"{peer.base_url}/audio/transcriptions", data=sent()) as response:
            assert response.status == 400
        assert [(fault.code, fault.param) for fault in peer.faults] == [(code, param)]


async def test_the_wrong_key_and_the_wrong_kind_of_body() -> None:
    async with OpenAiRestPeer.open() as peer:
        async with client(peer.base_url, "sk-wrong") as api:
            with pytest.raises(openai.AuthenticationError):
                await api.chat.completions.create(**HELLO)
        for path in ("audio/transcriptions", "audio/speech"):
            async with posting(f"{peer.base_url}/{path}", data=b"{") as response:
                assert response.status == 400
        assert [fault.code for fault in peer.faults] == ["invalid_api_key"] + ["invalid_content_type"] * 2
