"""What a caller in distress, or one who says it in their own words, is told."""

from __future__ import annotations

import pytest

from tests.dialogue.talk import Talk, persona

pytestmark = pytest.mark.unit

DANGER = (
    "i can't breathe", "my son has trouble breathing", "there is heavy bleeding", "she is unconscious",
    "i have chest pain", "it won't stop bleeding",
)  # fmt: skip


@pytest.mark.parametrize("name", ["dental_reception", "insurance_claim"])
@pytest.mark.parametrize("words", DANGER)
async def test_danger_to_life_comes_first(name: str, words: str) -> None:
    talk = Talk(persona(name))
    await talk.answer()
    assert "hang up and call 911 right away" in await talk.say(words)


@pytest.mark.parametrize("words", DANGER)
async def test_danger_in_the_middle_of_a_task(words: str) -> None:
    talk = Talk(persona("dental_reception"))
    await talk.say("i'd like to book an appointment for a cleaning")
    assert (await talk.say(words)).endswith("call 911 right away.")
    assert "is free" in await talk.say("friday at nine thirty in the morning")


async def test_a_story_with_danger_in_it_is_still_written_down() -> None:
    talk = Talk(persona("insurance_claim"))
    for words in (
        "i want to report a car accident", "four eight one nine two six", "it was yesterday", "nobody was hurt",
    ):  # fmt: skip
        await talk.say(words)
    said = await talk.say("a truck hit me and the driver was unconscious for a minute")
    assert said.startswith("If anybody is badly hurt")
    assert "Shall I open the claim?" in said


@pytest.mark.parametrize(
    "words", ["nobody is unconscious", "there was no heavy bleeding", "i am in a hurry"]
)
async def test_danger_denied_is_none(words: str) -> None:
    talk = Talk(persona("dental_reception"))
    assert "911" not in await talk.say(words)


@pytest.mark.parametrize(
    "words", ["i need a dentist", "i want to see the dentist", "i'd like to see a dentist"]
)
async def test_wanting_the_dentist_is_wanting_a_visit(words: str) -> None:
    assert "What would you like to come in for" in await Talk(persona("dental_reception")).say(words)


@pytest.mark.parametrize("words", ["my tooth hurts", "i have a toothache"])
async def test_pain_gets_a_kind_word(words: str) -> None:
    said = await Talk(persona("dental_reception")).say(words)
    assert said.startswith("I'm sorry to hear that.")
    assert "What day and time" in said


@pytest.mark.parametrize("again", ["block my card", "please block my card now", "yes"])
async def test_asking_again_for_what_is_offered_is_a_yes(again: str) -> None:
    talk = Talk(persona("bank_dispute"))
    assert "Shall I pass you on" in await talk.say("should i block my card")
    await talk.say(again)
    assert talk.records.handovers == ["card blocking"]


async def test_the_assistant_says_what_it_can_do_without_jargon() -> None:
    talk = Talk(persona("assistant"))
    for words in ("what can you do", "who won the cup in nineteen fifty four"):
        said = await talk.say(words)
        assert "help with the weather" in said
        assert "tool" not in said
        assert "engine" not in said
