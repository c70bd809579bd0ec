"""A call of three hours, in virtual time, over providers whose sessions end after one."""

from __future__ import annotations

import asyncio

import pytest

from gateway.continuity.session import LastingSession
from gateway.errors import ModelUnavailable
from gateway.realtime.response import is_bridging
from tests.continuity.provider import Session
from tests.continuity.test_session import House

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

SECOND = bytes(48_000)
CAP_S = 3600


class Talk:
    """The caller and the provider in force, turn by turn."""

    def __init__(self, house: House, session: LastingSession) -> None:
        self.house = house
        self.session = session
        self.turns = 0

    async def hear(self, seconds: int) -> None:
        for _ in range(seconds):
            self.session.audio(SECOND)
            await asyncio.sleep(1)

    @property
    def in_force(self) -> Session:
        """Of two that are open the older."""
        return next(session for session in self.house.providers[0].sessions if not session.closed)

    async def settle(self) -> None:
        self.in_force.pump()
        await asyncio.sleep(0.05)

    async def turn(self, *, tool: bool = False) -> None:
        """A question; and its answer, or the tool call that is to bring it."""
        self.turns += 1
        peer = self.in_force.peer
        peer.onset()
        await self.settle()
        await self.hear(3)
        peer.offset()
        peer.transcribe(f"question {self.turns}")
        await self.settle()
        if tool:
            peer.call()
        else:
            peer.open_message()
            peer.speak(3)
        peer.finish()
        await self.settle()


async def test_a_call_of_three_hours_crosses_three_rollovers_and_nobody_notices() -> None:
    house = House("one")
    loop = asyncio.get_running_loop()
    ages: list[float] = []
    async with house.call() as session:
        talk = Talk(house, session)
        waiting: str | None = None
        pending_over = 0
        while loop.time() < 3 * 3600:
            links = len(house.providers[0].sessions)
            due = house.providers[0].open_sessions > 1
            if due and waiting is None and pending_over == 0:
                # A tool is called just before the change, and is still running in the midst of it.
                await talk.turn(tool=True)
                waiting = house.listener.calls[-1]
            elif waiting is None:
                await talk.turn()
            await talk.hear(7)
            if len(house.providers[0].sessions) > links:
                ages.append(loop.time())
            if waiting is not None and house.providers[0].open_sessions == 1 and not due:
                pending_over += 1
                item = {"type": "function_call_output", "call_id": waiting, "output": "found"}
                session.send({"type": "conversation.item.create", "item": item})
                session.send({"type": "response.create"})
                await talk.settle()
                peer = house.providers[0].session.peer
                assert peer.told()[-2:] == ['call: look {"a":1}', "output: found"]
                peer.open_message()
                peer.speak(3)
                peer.finish()
                await talk.settle()
                waiting = None
    listener = house.listener
    assert house.fault is None
    assert pending_over == 1
    assert len(house.providers[0].sessions) == 4, "three rollovers"
    assert [round(age / 600) for age in ages] == [5, 11, 16], "each before the last has grown an hour old"
    assert set(listener.done.values()) == {"completed"}
    assert not any(is_bridging(event["response"]) for event in listener.of("response.created"))
    assert len(listener.calls) == 1
    questions = [t for t in (listener.transcripts.get(item) for item in listener.order) if t]
    assert questions == [f"question {number}" for number in range(1, talk.turns + 1)]
    known = [text for text in house.providers[0].session.peer.told() if text.startswith("user: ")]
    assert known == [f"user: {question}" for question in questions[-len(known) :]]
    assert len(known) >= 100
    assert house.providers[0].open_sessions == 0


async def test_a_link_that_never_finds_its_moment_is_replaced_before_the_cap() -> None:
    house = House("one")
    loop = asyncio.get_running_loop()
    async with house.call() as session:
        talk = Talk(house, session)
        await talk.turn(tool=True)
        call_id = house.listener.calls[-1]
        while loop.time() < CAP_S:
            await talk.hear(10)
        assert len(house.providers[0].sessions) == 2
        assert house.providers[0].open_sessions == 1
        item = {"type": "function_call_output", "call_id": call_id, "output": "at last"}
        session.send({"type": "conversation.item.create", "item": item})
        await talk.settle()
        told = house.providers[0].session.peer.told()
        assert told == ["user: question 1", 'call: look {"a":1}', "output: at last"]


async def test_what_changes_between_the_first_look_and_the_change_is_put_right() -> None:
    house = House("one")
    loop = asyncio.get_running_loop()
    async with house.call() as session:
        talk = Talk(house, session)
        await talk.turn()
        await talk.turn()
        while house.providers[0].open_sessions < 2:
            await talk.hear(5)
        old, new = house.providers[0].sessions
        first, reply = house.listener.order[:2]
        assert new.peer.told() == old.peer.told()
        old_peer = old.peer
        for name, fields in (
            ("conversation.item.delete", {"item_id": first}),
            ("conversation.item.truncate", {"item_id": reply, "content_index": 0, "audio_end_ms": 300}),
        ):
            session.send({"type": name, **fields})
            await asyncio.sleep(0.05)
        await talk.turn()
        assert old_peer.told()[-2].startswith("user: question 3")
        while house.providers[0].open_sessions > 1:
            await talk.hear(1)
        assert loop.time() < 3320
        assert new.peer.told() == ["assistant: w1one0_", *old_peer.told()[1:]]


async def test_a_next_link_that_cannot_be_opened_is_tried_again_while_the_old_one_serves() -> None:
    house = House("one")
    loop = asyncio.get_running_loop()
    async with house.call() as session:
        talk = Talk(house, session)
        await talk.turn()
        house.providers[0].fault = ModelUnavailable("full")
        while loop.time() < 3310:
            await talk.hear(5)
        assert house.providers[0].tries > 3
        assert house.fault is None
        house.providers[0].fault = None
        while loop.time() < 3330:
            await talk.hear(5)
        assert len(house.providers[0].sessions) == 2
        assert house.providers[0].open_sessions == 1
