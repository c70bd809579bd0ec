"""`parley engine`: the official client, real ears and a real voice; and sockets that do not behave."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import jsonschema
import orjson
import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from gateway.config import from_env
from gateway.engine import serve
from gateway.engine.lessons import Lessons
from gateway.engine.serve import check_open, engine_app
from gateway.errors import ConfigError
from gateway.providers.embedded.dialogue import DialogueMind
from gateway.speech.active import open_speech
from media.audio import PCM24
from media.resample import Resampler
from personas import library
from personas.prompt import say_exactly
from tests.caller_audio import pcm as recorded
from tests.providers.bench import PERSONA, EchoMind, silence, sound
from tests.providers.server import serving
from tests.providers.speech import QuickEars, QuickVoice
from tests.realtime.strict import assert_strict

pytestmark = pytest.mark.integration

PERSONAS = {
    "assistant": PERSONA,
    "other": PERSONA.model_copy(update={"id": "other", "instructions": "Differ."}),
}
LIBRARY = library.load()
KEY = "sk-test"


def untaught(ears: Any) -> Lessons:
    return Lessons(ears, EchoMind().script)


@asynccontextmanager
async def engine(ears: Any = None, voice: Any = None) -> AsyncIterator[str]:
    app = engine_app(untaught(ears or QuickEars()), voice or QuickVoice(), EchoMind(), PERSONAS, [KEY])
    async with serving(app) as address:
        yield address


@asynccontextmanager
async def official(address: str, key: str = KEY) -> AsyncIterator[AsyncRealtimeConnection]:
    client = AsyncOpenAI(
        api_key=key, base_url=f"http://{address}/v1", websocket_base_url=f"ws://{address}/v1"
    )
    async with client, client.realtime.connect(model="gpt-realtime") as connection:
        yield connection


async def until(connection: AsyncRealtimeConnection, kind: str) -> list[dict[str, Any]]:
    events = []
    async with asyncio.timeout(30):
        while True:
            event = orjson.loads(await connection.recv_bytes())
            assert_strict(event)
            events.append(event)
            if event["type"] == kind:
                return events


def caller(name: str) -> bytes:
    resampler = Resampler(16000, PCM24.rate)
    return resampler.process(recorded(name)) + resampler.flush()


def words(text: str) -> set[str]:
    return set("".join(c if c.isalpha() else " " for c in text.lower()).split())


async def test_the_official_client_holds_a_spoken_conversation() -> None:
    async with (
        open_speech(1, 1) as (ears, voice),
        engine(ears, voice) as address,
        official(address) as talk,
    ):
        created = (await until(talk, "session.created"))[0]["session"]
        assert (created["model"], created["id"][:5]) == ("gpt-realtime", "sess_")
        update: Any = {
            "type": "realtime",
            "model": "gpt-realtime-2.1",
            "instructions": "Repeat.",
            "audio": {
                "input": {"transcription": {"model": "gpt-4o-mini-transcribe"}},
                "output": {"voice": "ash"},
            },
            "tools": [{"type": "function", "name": "weather", "parameters": {"type": "object"}}],
            "tracing": "auto",
        }
        await talk.session.update(session=update)
        assert (await until(talk, "session.updated"))[0]["session"]["audio"]["output"]["voice"] == "ash"

        speech = caller("dental_01_book") + silence(800)
        for at in range(0, len(speech), PCM24.to_bytes(100)):
            piece = speech[at : at + PCM24.to_bytes(100)]
            await talk.input_audio_buffer.append(audio=base64.b64encode(piece).decode())
        events = await until(talk, "response.done")
        types = [event["type"] for event in events]
        assert types[:2] == ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"]
        assert events[0]["audio_start_ms"] < 400
        heard = next(e for e in events if e["type"].endswith("transcription.completed"))
        assert (
            len(words(heard["transcript"]) & words("i'd like to book an appointment for a cleaning")) >= 6
        )
        spoken = b"".join(
            base64.b64decode(e["delta"]) for e in events if e["type"] == "response.output_audio.delta"
        )
        assert PCM24.to_ms(len(spoken)) > 1000
        assert any(
            abs(int.from_bytes(spoken[i : i + 2], "little", signed=True)) > 3000
            for i in range(0, len(spoken), 2)
        )
        reply = events[-1]["response"]["output"][0]
        assert words(heard["transcript"]) <= words(reply["content"][0]["transcript"])
        assert events[-1]["response"]["usage"]["output_token_details"]["audio_tokens"] > 20

        await talk.conversation.item.truncate(item_id=reply["id"], content_index=0, audio_end_ms=500)
        await talk.conversation.item.retrieve(item_id=reply["id"])
        cut = (await until(talk, "conversation.item.retrieved"))[-1]["item"]["content"][0]["transcript"]
        assert reply["content"][0]["transcript"].startswith(cut)


async def test_the_official_client_writes_and_calls_tools() -> None:
    async with engine() as address, official(address) as talk:
        await until(talk, "session.created")
        tools: Any = [{"type": "function", "name": "weather", "parameters": {"type": "object"}}]
        await talk.session.update(
            session={"type": "realtime", "output_modalities": ["text"], "tools": tools}
        )
        ask: Any = {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "call weather Rome"}],
        }
        await talk.conversation.item.create(item=ask)
        await talk.response.create(event_id="agents_py_response_create_1")
        call = (await until(talk, "response.done"))[-1]["response"]["output"][0]
        assert orjson.loads(call["arguments"]) == {"text": "Rome"}
        output: Any = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
        await talk.conversation.item.create(item=output)
        await talk.response.create()
        events = await until(talk, "response.done")
        assert (
            "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta")
            == "You said: sunny."
        )
        await talk.response.create(event_id="agents_py_response_create_3")
        await talk.response.cancel(event_id="mine")


BOOK: Any = {
    "type": "function",
    "name": "book_appointment",
    "description": "Book an appointment at the dentist.",
    "parameters": {
        "type": "object",
        "properties": {
            "service": {"type": "string", "enum": ["cleaning", "filling", "checkup"]},
            "urgent": {"type": "boolean"},
        },
        "required": ["service", "urgent"],
        "additionalProperties": False,
    },
}


async def test_speech_becomes_a_function_call_with_arguments_valid_under_the_clients_schema() -> None:
    async with open_speech(1, 1) as (ears, voice):
        app = engine_app(Lessons(ears, DialogueMind().script), voice, DialogueMind(), LIBRARY)
        async with serving(app) as address, official(address) as talk:
            await until(talk, "session.created")
            await talk.session.update(
                session={"type": "realtime", "tools": [BOOK], "tool_choice": "required"}
            )
            speech = caller("dental_01_book") + silence(800)
            await talk.input_audio_buffer.append(audio=base64.b64encode(speech).decode())
            call = (await until(talk, "response.done"))[-1]["response"]["output"][0]
            assert (call["type"], call["name"]) == ("function_call", "book_appointment")
            arguments = orjson.loads(call["arguments"])
            jsonschema.validate(arguments, BOOK["parameters"])
            assert arguments["service"] == "cleaning"
            output: Any = {
                "type": "function_call_output",
                "call_id": call["call_id"],
                "output": '{"confirmation": "A17"}',
            }
            await talk.conversation.item.create(item=output)
            await talk.response.create(response={"output_modalities": ["text"], "tool_choice": "none"})
            told = (await until(talk, "response.done"))[-1]["response"]["output"][0]["content"][0]
            assert told["type"] == "output_text"
            assert "A17" in told["text"].replace(" ", "")


async def test_the_assistant_says_exactly_what_it_is_told() -> None:
    async with (
        serving(engine_app(untaught(QuickEars()), QuickVoice(), DialogueMind(), LIBRARY)) as address,
        official(address) as talk,
    ):
        await until(talk, "session.created")
        await talk.response.create(response={"instructions": say_exactly("Good morning, and welcome.")})
        done = (await until(talk, "response.done"))[-1]["response"]
        assert done["output"][0]["content"][0]["transcript"] == "Good morning, and welcome."


async def test_faster_than_real_time_in_one_piece() -> None:
    async with engine() as address, official(address) as talk:
        await until(talk, "session.created")
        speech = caller("common_yes") + silence(700)
        await talk.input_audio_buffer.append(audio=base64.b64encode(speech + speech).decode())
        first = await until(talk, "input_audio_buffer.committed")
        assert first[-1]["previous_item_id"] is None
        second = await until(talk, "input_audio_buffer.committed")
        assert second[-1]["previous_item_id"] is not None
        await until(talk, "response.done")


async def test_noise_on_the_socket_is_told_and_survived() -> None:
    async with engine() as address, aiohttp.ClientSession() as http:
        url = f"ws://{address}/v1/realtime?model=m&persona=other&utm=x"
        async with http.ws_connect(url, headers={"Authorization": f"Bearer {KEY}"}) as socket:
            assert (await socket.receive_json())["session"]["instructions"] == "Differ."
            for message in (
                "",
                "{",
                "[1]",
                '{"type":"x"}',
                '{"type":"input_audio_buffer.append","audio":"%%"}',
            ):
                await socket.send_str(message)
                event = await socket.receive_json()
                assert_strict(event)
                assert event["type"] == "error"
            await socket.send_str('{"type":"session.update","session":{"type":"realtime"}}')
            assert (await socket.receive_json())["type"] == "session.updated"
            await socket.send_bytes(b"binary")
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_a_browser_gives_its_key_in_a_subprotocol_and_gets_realtime() -> None:
    async with engine() as address, aiohttp.ClientSession() as http:
        offered = ("realtime", f"openai-insecure-api-key.{KEY}", "openai-agents-sdk.0.20.0")
        async with http.ws_connect(f"ws://{address}/v1/realtime?model=m", protocols=offered) as socket:
            assert socket.protocol == "realtime"
            assert (await socket.receive_json())["type"] == "session.created"


@pytest.mark.parametrize(
    ("query", "key", "status"),
    [
        ("model=m", "", 401),
        ("model=m", "sk-wrong", 401),
        ("model=m", "\udcff", 401),
        ("", KEY, 400),
        ("model=", KEY, 400),
        ("call_id=rtc_1", KEY, 404),
        ("model=m&persona=nobody", KEY, 404),
    ],
)
async def test_who_is_not_let_in(query: str, key: str, status: int) -> None:
    async with engine() as address, aiohttp.ClientSession() as http:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await http.ws_connect(f"ws://{address}/v1/realtime?{query}", headers=headers)
        assert caught.value.status == status


async def test_a_full_engine_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "MAX_CLIENTS", 1)
    async with engine() as address, aiohttp.ClientSession() as http:
        url, headers = f"ws://{address}/v1/realtime?model=m", {"Authorization": f"Bearer {KEY}"}
        async with http.ws_connect(url, headers=headers) as socket:
            await socket.receive()
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await http.ws_connect(url, headers=headers)
            assert caught.value.status == 503
        async with http.get(f"http://{address}/v1/realtime?model=m", headers=headers) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (426, "upgrade_required")
        async with http.get(f"http://{address}/healthz") as answer:
            assert (await answer.json()) == {"status": "ok", "clients": 0}


async def test_without_keys_everybody_is_let_in() -> None:
    app = engine_app(untaught(QuickEars()), QuickVoice(), EchoMind(), PERSONAS)
    async with serving(app) as address, official(address, "anything") as talk:
        await until(talk, "session.created")


async def test_without_keys_pages_of_others_are_not_let_in() -> None:
    app = engine_app(untaught(QuickEars()), QuickVoice(), EchoMind(), PERSONAS)
    async with serving(app) as address, aiohttp.ClientSession() as http:
        url = f"ws://{address}/v1/realtime?model=m"
        for ours in "http://localhost:3000", "http://127.0.0.1", "http://[::1]:8080":
            async with http.ws_connect(url, origin=ours) as socket:
                assert (await socket.receive_json())["type"] == "session.created"
        for other in "https://evil.example", "http://127.0.0.1@evil.example", "null", "http://[":
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await http.ws_connect(url, origin=other)
            assert caught.value.status == 401


async def test_many_clients_at_once() -> None:
    async def hold(address: str, number: int) -> str:
        async with official(address) as talk:
            text: Any = [{"type": "input_text", "text": f"number {number}"}]
            await talk.conversation.item.create(item={"type": "message", "role": "user", "content": text})
            await talk.response.create()
            done = (await until(talk, "response.done"))[-1]["response"]
            return str(done["output"][0]["content"][0]["transcript"])

    async with engine() as address, asyncio.TaskGroup() as group:
        tasks = [group.create_task(hold(address, number)) for number in range(10)]
        for number, task in enumerate(tasks):
            assert await task == f"You said: number {number}."


async def test_the_engine_stops_while_clients_are_connected() -> None:
    running = engine()
    address = await running.__aenter__()
    async with asyncio.timeout(10), aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        url, headers = f"ws://{address}/v1/realtime?model=m", {"Authorization": f"Bearer {KEY}"}
        socket = await http.ws_connect(url, headers=headers)
        await socket.receive()
        group.create_task(running.__aexit__(None, None, None))
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 1001


async def test_a_client_that_vanishes_leaves_nothing() -> None:
    async with engine() as address, aiohttp.ClientSession() as http:
        url, headers = f"ws://{address}/v1/realtime?model=m", {"Authorization": f"Bearer {KEY}"}
        socket = await http.ws_connect(url, headers=headers)
        await socket.receive()
        await socket.send_json({"type": "response.create"})
        await socket.send_json(
            {"type": "input_audio_buffer.append", "audio": base64.b64encode(sound(500)).decode()}
        )
        transport = socket._response.connection.transport if socket._response.connection else None
        assert transport is not None
        transport.abort()
        async with asyncio.timeout(20):
            while True:
                async with http.get(f"http://{address}/healthz") as answer:
                    if (await answer.json())["clients"] == 0:
                        break


@pytest.mark.parametrize(
    ("environ", "starts"),
    [
        ({}, True),
        ({"PARLEY_HOST": "::1"}, True),
        ({"PARLEY_HOST": "localhost"}, True),
        ({"PARLEY_HOST": "0.0.0.0"}, False),
        ({"PARLEY_HOST": "voice.example.com"}, False),
        ({"PARLEY_HOST": "0.0.0.0", "PARLEY_API_KEYS": KEY}, True),
    ],
)
def test_without_keys_only_this_machine_is_served(environ: dict[str, str], starts: bool) -> None:
    settings = from_env(environ)
    if starts:
        check_open(settings)
        return
    with pytest.raises(ConfigError) as refused:
        check_open(settings)
    assert "PARLEY_API_KEYS" in refused.value.faults[0]
    assert environ["PARLEY_HOST"] in refused.value.faults[0]
