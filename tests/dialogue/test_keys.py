"""Numbers that are typed: exact where ears are not, and offered when those have failed twice."""

from __future__ import annotations

import pytest

from tests.dialogue.talk import Talk, persona

pytestmark = pytest.mark.unit

OFFER = "type it on the keys"


async def test_a_card_is_typed() -> None:
    talk = Talk(persona("bank_dispute"), phone=True)
    assert "last four digits" in await talk.say("there is a charge i do not recognize")
    said = await talk.press("7305")
    assert "ending in seven three oh five" in said
    assert talk.called == [("find_card", {"last4": "7305"})]
    assert "Is that right" not in said, "what was typed is exact"


async def test_a_policy_is_typed() -> None:
    talk = Talk(persona("insurance_claim"), phone=True)
    await talk.say("i want to report a car accident")
    assert "Jordan Ellis" in await talk.press("481926#")


async def test_a_telephone_number_is_typed() -> None:
    talk = Talk(persona("dental_reception"), phone=True)
    for words in ("i would like to book a cleaning", "friday at nine thirty"):
        await talk.say(words)
    said = await talk.say("my name is susan miller")
    assert "phone number" in said
    said = await talk.press("5550100172#")
    assert "five five five, oh one oh, oh one seven two" in said


async def test_the_keys_are_offered_when_a_number_was_not_understood_twice() -> None:
    talk = Talk(persona("bank_dispute"), phone=True)
    await talk.say("there is a charge i do not recognize")
    assert OFFER not in await talk.say("seven tree ore")
    assert OFFER in await talk.say("mumble mumble")
    assert "ending in seven three oh five" in await talk.press("7305")


async def test_they_are_offered_when_a_number_was_read_back_wrong_twice() -> None:
    talk = Talk(persona("bank_dispute"), phone=True)
    await talk.say("there is a charge i do not recognize")
    said = ""
    for _ in range(2):
        said = await talk.say("one two three four", score=0.2, source="open")
        if "Is that right" in said:
            said = await talk.say("no")
    assert OFFER in said


async def test_nobody_without_keys_is_told_of_them() -> None:
    talk = Talk(persona("bank_dispute"))
    await talk.say("there is a charge i do not recognize")
    for words in ("seven tree ore", "mumble mumble", "mumble"):
        assert OFFER not in await talk.say(words)


async def test_too_few_keys_are_asked_for_again() -> None:
    talk = Talk(persona("bank_dispute"), phone=True)
    await talk.say("there is a charge i do not recognize")
    said = await talk.press("73#")
    assert "seven three" in said
    assert "four digits" in said
    assert not talk.called


@pytest.mark.parametrize("keys", ["#", "*", "*#", "1#", "0"])
async def test_keys_that_mean_nothing_are_borne(keys: str) -> None:
    talk = Talk(persona("bank_dispute"), phone=True)
    assert await talk.press(keys)
    await talk.say("there is a charge i do not recognize")
    assert await talk.press(keys)
