"""What a person has to approve, held by the embedded mind: it says so, goes on, and tells what came of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from personas.prompt import decided_note
from tests.dialogue.talk import Talk, persona

pytestmark = pytest.mark.unit

BOOKED = {
    "booking_id": "b1",
    "confirmation_code": "K7Q2",
    "service": "cleaning",
    "starts_at": "2026-11-20T09:30:00",
    "provider": "Dr. Rivera",
}


class Waiting(Talk):
    """Every booking waits for a person."""

    asked = ""

    async def run(self, name: str, arguments: dict[str, Any]) -> None:
        await super().run(name, arguments)
        if name == "book_appointment":
            self.records.booked.clear()
            self.asked = self.items[-1]["call_id"]
            self.items[-1]["output"] = json.dumps({"status": "pending_approval", "message": "Tell them."})

    async def decided(self, output: dict[str, Any]) -> str:
        text = decided_note(self.asked, "book_appointment", json.dumps(output))
        content = [{"type": "input_text", "text": text}]
        self.items.append({"id": "note", "type": "message", "role": "system", "content": content})
        return await self.answer()


async def up_to_the_wait() -> Waiting:
    talk = Waiting(persona("dental_reception"))
    for words in (
        "i'd like to book an appointment for a cleaning",
        "friday at nine thirty in the morning",
        "my name is susan walker",
        "my phone number is five five five oh one seven two",
    ):
        await talk.say(words)
    said = await talk.say("yes that works for me")
    assert "has to approve that first" in said
    assert "K, seven" not in said
    return talk


async def test_it_goes_on_when_the_answer_comes() -> None:
    talk = await up_to_the_wait()
    calls = len(talk.called)
    assert await talk.say("okay")
    assert len(talk.called) == calls, "nothing is asked for twice"
    said = await talk.decided(BOOKED)
    assert "K, seven, Q, two" in said
    assert "anything else" in said
    assert len(talk.called) == calls
    assert "Goodbye" in await talk.say("no thank you")


async def test_it_says_when_nobody_approves() -> None:
    talk = await up_to_the_wait()
    said = await talk.decided({"error": "A person was asked and does not approve it."})
    assert said
    assert "K, seven" not in said
    assert not talk.records.booked


async def test_without_a_dialogue_it_is_told_as_well() -> None:
    talk = Talk(persona("assistant"))
    call = {"type": "function_call", "call_id": "c", "name": "weather", "arguments": '{"city": "Oslo"}'}
    talk.hear("what is the weather in oslo")
    pending = {"type": "function_call_output", "call_id": "c", "output": '{"status": "pending_approval"}'}
    talk.items += [{"id": "fc", **call}, {"id": "fo", **pending}]
    assert "approve" in await talk.answer()
    text = decided_note("c", "weather", '{"sky": "blue"}')
    content = [{"type": "input_text", "text": text}]
    talk.items.append({"id": "n", "type": "message", "role": "system", "content": content})
    assert "blue" in await talk.answer()
