"""The embedded engine in the middle of somebody else's call: a history it has not made, a reply it has not begun."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.engine.lessons import Lessons
from gateway.ports import Event, ModelSession, ModelSpec
from gateway.providers.embedded.dialogue import DialogueMind
from gateway.providers.embedded.provider import EmbeddedModel
from personas import library
from personas.prompt import CARRY_ON, say_exactly, session_for
from tests.providers.speech import QuickEars, QuickVoice
from tests.realtime.strict import assert_strict
from tools import library as tools

pytestmark = pytest.mark.unit

RECEPTION = library.load()["dental_reception"]
SESSION = session_for(RECEPTION, [tools.load()[name] for name in RECEPTION.tools])


@asynccontextmanager
async def engine() -> AsyncIterator[ModelSession]:
    mind = DialogueMind()
    model = EmbeddedModel(Lessons(QuickEars(), mind.script), QuickVoice(), mind)
    async with model.open(ModelSpec("rtc_1", RECEPTION, SESSION)) as session:
        yield session


class Talk:
    """A conversation, item by item under ids of the caller's choice."""

    def __init__(self, session: ModelSession) -> None:
        self._session = session
        self._count = 0

    def put(self, **item: Any) -> str:
        self._count += 1
        item_id = f"item_{self._count:027}"
        self._session.send({"type": "conversation.item.create", "item": item | {"id": item_id}})
        return item_id

    def caller(self, text: str) -> None:
        self.put(type="message", role="user", content=[{"type": "input_text", "text": text}])

    def agent(self, text: str, **more: Any) -> str:
        return self.put(
            type="message", role="assistant", content=[{"type": "output_text", "text": text}], **more
        )

    def system(self, text: str) -> str:
        return self.put(type="message", role="system", content=[{"type": "input_text", "text": text}])

    def call(self, name: str, arguments: str) -> str:
        call_id = f"call_{self._count:027}"
        self.put(type="function_call", name=name, call_id=call_id, arguments=arguments)
        return call_id

    def output(self, call_id: str, output: str) -> None:
        self.put(type="function_call_output", call_id=call_id, output=output)

    async def reply(self, **response: Any) -> str:
        """The words of the next response. No event on the way is an error."""
        self._session.send({"type": "response.create", **({"response": response} if response else {})})
        done = (await self._until("response.done"))["response"]
        assert done["status"] == "completed"
        parts = [part for item in done["output"] for part in item.get("content", ())]
        return " ".join(part["transcript"] for part in parts)

    async def _until(self, kind: str) -> Event:
        async with asyncio.timeout(10):
            async for event in self._session:
                assert_strict(event)
                assert event["type"] != "error", event
                if event["type"] == kind:
                    return event
        raise AssertionError("the session ended")


async def planned() -> str:
    """What the engine says by itself to the caller's first wish."""
    async with engine() as session:
        talk = Talk(session)
        talk.agent(RECEPTION.greeting or "")
        talk.caller("I would like to book a cleaning.")
        return await talk.reply()


@pytest.mark.parametrize("marked", ["by the note", "by the status"])
async def test_a_reply_begun_by_another_is_not_begun_again(marked: str) -> None:
    whole = await planned()
    words = whole.split()
    half = " ".join(words[: len(words) // 2])
    async with engine() as session:
        talk = Talk(session)
        talk.agent(RECEPTION.greeting or "")
        talk.caller("I would like to book a cleaning.")
        if marked == "by the note":
            talk.agent(half)
            note = talk.system(CARRY_ON)
        else:
            talk.agent(half, status="incomplete")
            note = talk.system("You have taken over. Go on.")
        rest = await talk.reply()
        assert rest
        assert f"{half} {rest}".split() == words
        # The note is taken back, and the call goes on as if nothing had been.
        session.send({"type": "conversation.item.delete", "item_id": note})
        talk.caller("Next Tuesday in the morning, please.")
        assert await talk.reply() != whole


async def test_what_another_would_have_said_is_not_guessed() -> None:
    whole = await planned()
    async with engine() as session:
        talk = Talk(session)
        talk.agent(RECEPTION.greeting or "")
        talk.caller("I would like to book a cleaning.")
        talk.agent("What a delightful idea! Let me")
        talk.system(CARRY_ON)
        assert await talk.reply() == whole


async def test_of_settled_words_the_rest_is_said() -> None:
    async with engine() as session:
        talk = Talk(session)
        talk.agent("Thank you for")
        talk.system(CARRY_ON)
        assert (
            await talk.reply(instructions=say_exactly("Thank you for calling. Goodbye."))
            == "calling. Goodbye."
        )


async def test_a_reply_that_was_said_already_needs_no_words() -> None:
    whole = await planned()
    async with engine() as session:
        talk = Talk(session)
        talk.agent(RECEPTION.greeting or "")
        talk.caller("I would like to book a cleaning.")
        talk.agent(whole)
        talk.system(CARRY_ON)
        assert await talk.reply() == ""


async def test_a_history_made_elsewhere_is_gone_on_from() -> None:
    today = datetime.now(RECEPTION.zone).date()
    day = today + timedelta(days=(1 - today.weekday()) % 7 or 7)
    slots = [
        {"slot_id": f"s{hour}", "starts_at": f"{day}T{hour:02}:00:00", "provider": "Dr Lee"}
        for hour in (9, 10)
    ]
    async with engine() as session:
        talk = Talk(session)
        talk.agent(RECEPTION.greeting or "")
        talk.caller("I would like to book a cleaning on Tuesday.")
        found = talk.call("find_slots", json.dumps({"service": "cleaning", "on": f"{day}", "limit": 40}))
        talk.output(found, json.dumps({"service": "cleaning", "on": f"{day}", "slots": slots}))
        offered = await talk.reply()
        assert "9" in offered
        assert "10" in offered
