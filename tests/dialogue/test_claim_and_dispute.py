"""The insurance and the bank persona."""

from __future__ import annotations

import pytest

from tests.dialogue.talk import Talk, persona

pytestmark = pytest.mark.unit


@pytest.fixture
def claim() -> Talk:
    return Talk(persona("insurance_claim"))


@pytest.fixture
def bank() -> Talk:
    return Talk(persona("bank_dispute"))


async def up_to_the_story(talk: Talk) -> None:
    await talk.say("i want to report a car accident")
    await talk.say("my policy number is four eight one nine two six")
    await talk.say("it happened on the twelfth of april")
    await talk.say("nobody was hurt")


async def test_a_claim_from_start_to_end(claim: Talk) -> None:
    assert "policy number" in await claim.say("i want to report a car accident")
    said = await claim.say("my policy number is four eight one nine two six")
    assert "four eight one, nine two six, the auto policy of Jordan Ellis" in said
    assert "When did it happen?" in said
    said = await claim.say("it happened on the twelfth of april")
    assert "Sunday, April 12th" in said
    assert "Was anybody hurt?" in said
    assert "what happened" in await claim.say("nobody was hurt")
    said = await claim.say("somebody backed into my car in the parking lot last night")
    for part in (
        "a collision",
        "Sunday, April 12th",
        "four eight one, nine two six",
        "hurt: no",
        "backed into my car",
    ):
        assert part in said
    assert not claim.records.claims
    said = await claim.say("yes please")
    assert claim.called[-1] == (
        "open_claim",
        {
            "policy_number": "481926",
            "loss_type": "collision",
            "occurred_on": "2026-04-12",
            "injured": False,
            "description": "somebody backed into my car in the parking lot last night",
        },
    )
    assert "six, two, one, eight, eight, four" in said
    assert "$500" in await claim.say("what is my deductible")
    assert "Goodbye" in await claim.say("that is all thank you")


async def test_the_recorded_minute_in_its_order(claim: Talk) -> None:
    for words in ("i want to report a burst pipe", "it happened on monday around eleven thirty"):
        assert "policy number" in await claim.say(words)
    assert "can't find a policy" in await claim.say("my policy number is seven three nine four two eight")
    assert "Was anybody hurt?" in await claim.say("four eight one nine two six")
    assert "what happened" in await claim.say("nobody was hurt")
    said = await claim.say(
        "there was a flood in the kitchen the damage is about three hundred and twenty dollars"
    )
    assert "water damage on Monday, November 16th" in said
    await claim.say("yes")
    assert "can't see existing claims" in await claim.say("i'd like to check the status of my claim")


async def test_a_story_first_fills_what_it_tells(claim: Talk) -> None:
    said = await claim.say(
        "somebody backed into my car in the parking lot last night and then drove off without leaving a note"
    )
    assert "policy number" in said
    said = await claim.say("four eight one nine two six")
    assert "Was anybody hurt?" in said


async def test_a_lapsed_policy_ends_the_task(claim: Talk) -> None:
    await claim.say("i need to file a claim")
    said = await claim.say("five five oh one seven two")
    assert "lapsed" in said
    assert "anything else" in said


async def test_a_short_number_is_asked_for_again(claim: Talk) -> None:
    await claim.say("i need to file a claim")
    said = await claim.say("four eight one")
    assert "I heard four eight one" in said
    assert "six digits" in said
    assert not claim.called


@pytest.mark.parametrize(
    ("words", "hurt"),
    [("yes my wife was hurt", True), ("no", False), ("everybody is fine", False), ("he is in the hospital", True),
     ("no one was injured", False), ("i was injured", True)],
)  # fmt: skip
async def test_whether_anybody_was_hurt(claim: Talk, words: str, hurt: bool) -> None:
    await claim.say("i was in an accident yesterday")
    await claim.say("four eight one nine two six")
    await claim.say(words)
    said = await claim.say("the other driver ran a red light")
    assert f"hurt: {'yes' if hurt else 'no'}" in said


async def test_the_date_can_be_changed_at_the_end(claim: Talk) -> None:
    await up_to_the_story(claim)
    await claim.say("the other driver ran a red light")
    assert "On which day" in await claim.say("no the date is wrong")
    said = await claim.say("it was yesterday")
    assert "Tuesday, November 17th" in said
    assert said.endswith("Shall I open the claim?")


async def test_a_story_may_hold_any_words(claim: Talk) -> None:
    await up_to_the_story(claim)
    said = await claim.say("we were on our way home on friday at nine when a deer stopped on the road")
    assert "Sunday, April 12th" in said
    assert "a deer stopped" in said


async def test_a_dispute_from_start_to_end(bank: Talk) -> None:
    assert "last four digits" in await bank.say("there is a charge i don't recognize")
    said = await bank.say("the last four digits are seven three zero five")
    assert "$42.17 at Blue Harbor Market on November 14th" in said
    said = await bank.say("the gaslight one")
    assert "$389 at Gaslight Electronics" in said
    assert "you don't recognize it" in said
    said = await bank.say("yes that's right")
    assert bank.called[-1] == (
        "open_dispute",
        {"last4": "7305", "charge_id": "ch_3", "reason": "unrecognized"},
    )
    assert "D, X, four, four, seven, one" in said
    assert "Goodbye" in await bank.say("no thank you")


@pytest.mark.parametrize(
    ("words", "charge"),
    [
        ("the first one", "ch_1"),
        ("the last one please", "ch_3"),
        ("fifteen ninety nine", "ch_2"),
        ("three hundred eighty nine dollars", "ch_3"),
        ("the one on november twelfth", "ch_2"),
        ("blue hardware market", "ch_1"),
    ],
)
async def test_a_charge_is_named_in_many_ways(bank: Talk, words: str, charge: str) -> None:
    await bank.say("i was charged twice")
    await bank.say("seven three oh five")
    await bank.say(words)
    await bank.say("yes")
    assert bank.called[-1] == (
        "open_dispute",
        {"last4": "7305", "charge_id": charge, "reason": "duplicate"},
    )


async def test_another_charge_at_the_confirmation(bank: Talk) -> None:
    await bank.say("i was charged twice")
    await bank.say("seven three oh five")
    await bank.say("the first one")
    assert "Streamline Video" in await bank.say("no the second one")


async def test_the_reason_is_asked_for(bank: Talk) -> None:
    await bank.say("i'd like to dispute a charge")
    await bank.say("seven three oh five")
    assert "What is wrong with it" in await bank.say("the second one")
    assert "it never arrived" in await bank.say("it never came")


async def test_an_unknown_card(bank: Talk) -> None:
    await bank.say("i'd like to dispute a charge")
    assert "can't find a card ending in one two three four" in await bank.say("one two three four")
    assert "Everyday debit" in await bank.say("seven three oh five")


async def test_a_whole_card_number_is_not_wanted(bank: Talk) -> None:
    await bank.say("i'd like to dispute a charge")
    said = await bank.say("four one one one two two two two three three three three seven three oh five")
    assert "not the whole number" in said
    assert not bank.called


async def test_a_lost_card_is_passed_on(bank: Talk) -> None:
    await bank.say("i lost my card")
    await bank.say("yes")
    assert bank.records.handovers == ["card blocking"]
