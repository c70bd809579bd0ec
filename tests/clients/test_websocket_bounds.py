"""What one client over WebSocket may ask for, so that the others do not notice it."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp import WSMsgType

from gateway.clients import textsocket
from gateway.errors import PROTOCOL
from gateway.ports import Event
from tests.clients.test_websocket import WAIT_S, line, session

pytestmark = pytest.mark.integration


def updated(length: int) -> Event:
    return {"type": "session.updated", "event_id": "e", "session": {**session(), "x": "x" * length}}


@pytest.mark.parametrize("kind", ["send_bytes", "ping", "pong"])
async def test_a_flood_of_any_kind_is_cut_off(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textsocket, "MESSAGES_AT_ONCE", 20.0)
    monkeypatch.setattr(textsocket, "MOST_REFUSED", 20)
    async with line() as on:
        for _ in range(200):
            await getattr(on.client, kind)(b"")
        assert await on.lost() == PROTOCOL


async def test_a_ping_is_answered() -> None:
    async with line() as on, asyncio.timeout(WAIT_S):
        await on.client.ping(b"here?")
        answer = await on.client.receive()
        assert (answer.type, answer.data) == (WSMsgType.PONG, b"here?")


async def test_a_client_that_makes_much_work_waits_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with line() as on:

        def toil(message: str) -> None:
            until = time.thread_time() + 0.05
            while time.thread_time() < until:
                pass
            on.sink.messages.append(message)
            on.sink.news.set()

        monkeypatch.setattr(on.sink, "on_event", toil)
        clock = asyncio.get_running_loop().time
        began = clock()
        for _ in range(14):
            await on.say("session.update")
        await on.until(14)
        # 0.65 s of work before the last: 0.5 s are free, the rest is a quarter of the time.
        assert clock() - began >= 0.6


async def test_answers_go_out_between_messages_that_come_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textsocket, "MAX_WAITING", 2**16)
    async with line() as on:

        def answer(message: str) -> None:
            on.leg.send(updated(2**14))

        monkeypatch.setattr(on.sink, "on_event", answer)
        for _ in range(40):
            await on.say("session.update")
        for _ in range(40):
            assert (await on.hear())["type"] == "session.updated"
        assert on.sink.lost == []


async def test_too_many_values_are_left_to_the_call_unread() -> None:
    wrong = '{"type":"input_audio_buffer.append","audio":"","event_id":[' + "[]," * 40_000 + "[]]}"
    async with line() as on:
        await on.client.send_str(wrong)
        await on.until(1)
        assert on.sink.messages == [wrong]


async def test_what_a_client_sent_may_be_told_twice_and_more_follow() -> None:
    lengths = [16 * 2**20, 16 * 2**20, *[1000] * 40]
    async with line() as on:
        for length in lengths:
            on.leg.send(updated(length))
        heard = [len((await on.hear())["session"]["x"]) for _ in lengths]
        assert heard == lengths
        assert on.sink.lost == []


async def test_nothing_is_read_of_a_client_while_a_long_event_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with line() as on:

        def answer(message: str) -> None:
            on.sink.messages.append(message)
            on.leg.send(updated(2**24))
            on.sink.news.set()

        monkeypatch.setattr(on.sink, "on_event", answer)
        for _ in range(10):
            await on.say("session.update")
        await on.until(1)
        # The client's library takes one or two ahead of its reader.
        await asyncio.sleep(0.2)
        assert len(on.sink.messages) <= 3
        for _ in range(10):
            await on.hear()
        assert len(on.sink.messages) == 10


@pytest.mark.parametrize("end", ["close", "leave"])
async def test_a_client_of_which_nothing_is_read_can_go(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textsocket, "FLUSH_S", 0.1)
    monkeypatch.setattr(textsocket, "CLOSE_S", 0.1)
    async with line() as on, asyncio.timeout(WAIT_S):
        monkeypatch.setattr(on.sink, "on_event", lambda message: on.leg.send(updated(2**24)))
        await on.say("session.update")
        await on.say("session.update")
        if end == "close":
            await on.leg.close(PROTOCOL)
        else:
            transport = on.client._writer.transport
            transport.abort()
        await on.served.wait()
