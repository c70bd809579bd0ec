"""A session on a socket, with real servers at the other end."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from aiohttp import web

from gateway.connector import Endpoint, open_session
from gateway.errors import ModelLost
from gateway.realtime import server_events as say
from gateway.realtime.fault import ProtocolFault
from tests.providers.bench import sound
from tests.providers.talking import SESSION, Talk, greet, receive, send, server

pytestmark = pytest.mark.integration


async def test_the_session_is_put_in_force_before_anything_else() -> None:
    told: list[dict[str, Any]] = []
    seen: list[web.Request] = []
    answered = asyncio.Event()

    async def talk(socket: web.WebSocketResponse) -> None:
        told.append(await greet(socket))
        await send(socket, say.response_audio_delta("r", "i", 0, base64.b64encode(b"pcm!").decode()))
        told.extend([await receive(socket) for _ in range(3)])
        answered.set()
        await socket.receive()

    async with server(talk, seen) as endpoint, open_session(endpoint, {"type": "realtime"}) as session:
        event = await anext(aiter(session))
        assert (event["type"], event["delta"]) == ("response.output_audio.delta", b"pcm!")
        session.audio(sound(20))
        session.audio(sound(20))
        session.send({"type": "input_audio_buffer.commit"})
        async with asyncio.timeout(20):
            await answered.wait()
    assert (told[0]["type"], told[0]["session"]) == ("session.update", {"type": "realtime"})
    assert [base64.b64decode(told[at]["audio"]) for at in (1, 2)] == [sound(20), sound(20)]
    assert told[3] == {"type": "input_audio_buffer.commit"}
    assert seen[0].headers["Authorization"] == "Bearer sk-secret"
    assert session.dropped_ms == 0


async def lost(talk: Talk) -> str:
    async def meet(socket: web.WebSocketResponse) -> None:
        await greet(socket)
        await talk(socket)

    async def use(endpoint: Endpoint) -> None:
        async with open_session(endpoint, {"type": "realtime"}) as session:
            async for _ in session:
                pass

    async def carried(endpoint: Endpoint) -> None:
        async with open_session(endpoint, {"type": "realtime"}) as session:
            await session.carry(lambda event: None)

    said: list[str] = []
    for reading in (use, carried):
        async with asyncio.timeout(10), server(meet) as endpoint:
            with pytest.raises(ModelLost) as caught:
                await reading(endpoint)
        said.append(str(caught.value))
    assert said[0] == said[1]
    return said[0]


async def test_a_session_that_breaks_is_lost() -> None:
    async def close(socket: web.WebSocketResponse) -> None:
        await socket.close(code=1001)

    async def reset(socket: web.WebSocketResponse) -> None:
        transport = socket._req.transport if socket._req is not None else None
        assert transport is not None
        transport.abort()

    assert "1001" in await lost(close)
    assert "1006" in await lost(reset)


@pytest.mark.parametrize(
    "message",
    ["{", "[]", "{}", '{"type":5}', '{"type":"response.output_audio.delta"}',
     '{"type":"response.output_audio.delta","delta":5}', '{"type":"response.output_audio.delta","delta":"A"}',
     '{"type":"response.created","response":"resp_1"}', '{"type":"conversation.item.added"}',
     '{"type":"error","error":null}', '{"type":"new","x":[' + "[]," * 40_000 + "[]]}"],
)  # fmt: skip
async def test_a_server_that_speaks_something_else_is_lost(message: str) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str(message)
        await socket.receive()

    assert "no event" in await lost(talk)


async def test_a_server_that_does_not_read_is_lost() -> None:
    release = asyncio.Event()

    async def deaf(socket: web.WebSocketResponse) -> None:
        await greet(socket)
        await release.wait()

    async def use(endpoint: Endpoint) -> None:
        async with open_session(endpoint, {"type": "realtime"}) as session:
            for _ in range(100):
                session.send({"type": "session.update", "session": {"instructions": "x" * 500_000}})
                session.audio(sound(1000))
                await asyncio.sleep(0)
            async for _ in session:
                pass

    async with asyncio.timeout(10), server(deaf) as endpoint:
        with pytest.raises(ModelLost, match="does not read"):
            await use(endpoint)
        release.set()


async def test_later_errors_are_events_like_any_other() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await greet(socket)
        await send(socket, say.error("later"))
        await socket.receive()

    async with server(talk) as endpoint, open_session(endpoint, {"type": "realtime"}) as session:
        assert (await anext(aiter(session)))["error"]["message"] == "later"


async def test_a_session_at_its_longest_duration_is_lost() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await send(socket, say.error("Your session hit the maximum duration.", code="session_expired"))
        await socket.receive()

    assert "longest duration" in await lost(talk)


async def test_events_come_by_callback_in_their_order_and_a_fault_of_who_takes_them_is_theirs() -> None:
    """Events that fill a frame each, small and large, in fragments, and of our own."""

    async def talk(socket: web.WebSocketResponse) -> None:
        await greet(socket)
        for number in range(300):
            event = {"type": "news", "number": number, "pad": "x" * (number * 37 % 5000)}
            if number % 50 == 49:
                text = json.dumps(event).encode()
                writer = socket._writer
                assert writer is not None
                for first, part in ((0x01, text[:20]), (0x80, text[20:])):
                    head = (
                        bytes((first, len(part)))
                        if len(part) < 126
                        else bytes((first, 126)) + len(part).to_bytes(2)
                    )
                    writer.transport.write(head + part)
            else:
                await send(socket, event)
            if number % 7 == 0:
                await socket.ping()
        await socket.receive()

    came: list[int] = []

    def take(event: dict[str, Any]) -> None:
        came.append(event["number"])
        if len(came) == 300:
            raise ZeroDivisionError

    async with server(talk) as endpoint, open_session(endpoint, {"type": "realtime"}) as session:
        async with asyncio.timeout(10):
            with pytest.raises(ZeroDivisionError):
                await session.carry(take)
    assert came == list(range(300))


class Mute:
    """A dialect without words for one kind of event, and with two for another."""

    def up(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        if event["type"] == "conversation.item.create":
            raise ProtocolFault("invalid_value", "No such items here.", "item.type")
        return [event]

    def down(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        return [] if event["type"] == "warning" else [event, {**event, "type": "again"}]


async def test_what_a_dialect_cannot_say_is_told_at_once() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await greet(socket)
        await socket.receive()
        await send(socket, {"type": "warning"}, {"type": "input_audio_buffer.cleared"})
        await socket.receive()

    async with server(talk) as endpoint, open_session(endpoint, {"type": "realtime"}, Mute()) as session:
        events = aiter(session)
        async with asyncio.timeout(20):
            assert (await anext(events))["type"] == "again"
            for number in range(3):  # while nobody reads, and while somebody waits
                session.send({"type": "conversation.item.create", "event_id": f"e{number}"})
            told = [await anext(events) for _ in range(3)]
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(session.receive())
                await asyncio.sleep(0)
                for number in (3, 4, 5):  # each in a turn of the loop of its own
                    session.send({"type": "conversation.item.create", "event_id": f"e{number}"})
                    await asyncio.sleep(0)
            told += [waiting.result(), await anext(events), await anext(events)]
            assert [event["error"]["event_id"] for event in told] == [f"e{number}" for number in range(6)]
            told = []
            carried = asyncio.create_task(session.carry(told.append))
            for number in range(6):
                session.send({"type": "conversation.item.create", "event_id": f"e{number}"})
                assert len(told) <= number, "told while it sends"
                await asyncio.sleep(0 if number % 2 else 0.01)
            await asyncio.sleep(0.01)
            assert [event["error"]["event_id"] for event in told] == [f"e{number}" for number in range(6)]
            carried.cancel()
            await asyncio.wait([carried])
            session.send({"type": "input_audio_buffer.clear"})
            assert [(await anext(events))["type"] for _ in range(2)] == [
                "input_audio_buffer.cleared",
                "again",
            ]
    assert [event["error"]["event_id"] for event in told] == [f"e{number}" for number in range(6)]
    assert told[0]["error"]["param"] == "item.type"


async def test_the_server_says_who_answers_and_for_how_long() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await send(socket, say.session_created({**SESSION, "expires_at": 5}))
        await receive(socket)
        await send(socket, say.session_updated({**SESSION, "model": "m-2026"}))
        await socket.receive()

    async with server(talk) as endpoint, open_session(endpoint, {"type": "realtime"}) as session:
        assert (session.provider, session.model, session.expires_at) == ("testing", "m-2026", 5)
