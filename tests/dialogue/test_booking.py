"""Booking a dental appointment: the straight way, mixed order, corrections, questions in between, noise."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from gateway.engine.mind import ToolUse
from gateway.providers.embedded.dialogue import DialogueMind
from tests.dialogue.talk import MemoryRecords, Talk, persona

pytestmark = pytest.mark.unit

FRIDAY = datetime(2026, 11, 20, 9, 30)  # noqa: DTZ001 - wall-clock time


@pytest.fixture
def talk() -> Talk:
    return Talk(persona("dental_reception"))


async def up_to_the_name(talk: Talk) -> str:
    await talk.say("i'd like to book an appointment for a cleaning")
    return await talk.say("friday at nine thirty in the morning")


async def up_to_the_confirmation(talk: Talk) -> str:
    await up_to_the_name(talk)
    await talk.say("my name is susan walker")
    return await talk.say("my phone number is five five five oh one seven two")


async def test_a_booking_from_start_to_end(talk: Talk) -> None:
    assert "What day and time" in await talk.say("i'd like to book an appointment for a cleaning")
    said = await talk.say("friday at nine thirty in the morning")
    assert talk.called == [("find_slots", {"service": "cleaning", "on": "2026-11-20", "limit": 40})]
    assert "Friday, November 20th at 9:30 AM is free" in said
    assert "first and last name" in said
    said = await talk.say("my name is susan walker")
    assert "Thank you, Susan Walker" in said
    assert "phone number" in said
    said = await talk.say("my phone number is five five five oh one seven two")
    for part in (
        "cleaning",
        "Friday, November 20th at 9:30 AM",
        "Susan Walker",
        "five five five, oh one seven two",
    ):
        assert part in said
    assert said.endswith("Shall I book it?")
    assert not talk.records.booked
    said = await talk.say("yes that works for me")
    booked = talk.records.booked[0]
    assert (booked["name"], booked["phone"], booked["starts_at"]) == ("Susan Walker", "5550172", FRIDAY)
    assert "K, seven, Q, two" in said
    assert "anything else" in said
    said = await talk.say("no thank you")
    assert "Goodbye" in said
    assert talk.control.acts == ["hang_up"]
    assert len(talk.records.booked) == 1


async def test_everything_in_one_breath(talk: Talk) -> None:
    said = await talk.say(
        "hi my name is susan walker i'd like to book a cleaning on friday at nine thirty "
        "my phone number is five five five oh one seven two"
    )
    assert said.endswith("Shall I book it?")
    await talk.say("yes please")
    assert talk.records.booked[0]["starts_at"] == FRIDAY


async def test_a_service_alone_begins_the_task(talk: Talk) -> None:
    assert "get you an emergency visit" in await talk.say("my tooth hurts")


async def test_a_taken_time_is_answered_with_the_nearest(talk: Talk) -> None:
    await talk.say("i need a filling")
    said = await talk.say("monday at ten")
    assert "that time is taken" in said
    assert "9:30 AM" in said
    assert "10:30 AM" in said
    assert "10:30 AM is free" in await talk.say("ten thirty please")


async def test_one_of_the_offered_times_by_its_place(talk: Talk) -> None:
    await talk.say("book an appointment for a checkup")
    said = await talk.say("as soon as possible")
    assert "Wednesday, November 18th" in said
    assert talk.called[-1] == ("find_slots", {"service": "checkup", "limit": 40})
    assert "11 AM is free" in await talk.say("the second one")


async def test_a_day_without_times_is_answered_with_the_next(talk: Talk) -> None:
    await talk.say("a cleaning please")
    said = await talk.say("on sunday")
    assert "nothing free that day" in said
    assert "Monday, November 23rd at 8 AM" in said


async def test_a_day_gone_by_is_objected_to(talk: Talk) -> None:
    await talk.say("a cleaning please")
    said = await talk.say("2026-11-02 at nine")
    assert "still to come" in said
    assert not talk.called


async def test_changing_the_day_while_asked_for_the_name(talk: Talk) -> None:
    await up_to_the_name(talk)
    said = await talk.say("actually make it saturday")
    assert talk.called[-1][1]["on"] == "2026-11-21"
    assert "Saturday, November 21st at 9:30 AM is free" in said
    assert "name" in said


async def test_no_at_the_confirmation_asks_which_part(talk: Talk) -> None:
    await up_to_the_confirmation(talk)
    said = await talk.say("no")
    assert "What should I change?" in said
    assert "Which day would suit you?" in await talk.say("the time")
    said = await talk.say("monday at nine thirty")
    assert "Monday, November 23rd at 9:30 AM" in said
    assert "Susan Walker" in said
    assert said.endswith("Shall I book it?")


@pytest.mark.parametrize(
    ("correction", "part"),
    [
        ("no make it monday", "Monday, November 23rd at 9:30 AM"),
        ("no the name is susan miller", "Susan Miller"),
        ("no my number is five five five oh one seven three", "five five five, oh one seven three"),
        ("it should be a checkup not a cleaning", "a checkup"),
        ("no i said ten thirty", "Friday, November 20th at 10:30 AM"),
    ],
)
async def test_a_correction_at_the_confirmation_changes_only_that(
    talk: Talk, correction: str, part: str
) -> None:
    await up_to_the_confirmation(talk)
    said = await talk.say(correction)
    assert part in said
    assert said.endswith("Shall I book it?")
    assert not talk.records.booked


async def test_a_question_in_the_middle_is_answered_and_the_caller_brought_back(talk: Talk) -> None:
    await up_to_the_name(talk)
    said = await talk.say("what insurance do you take")
    assert "Brightwell" in said
    assert said.endswith("May I have your first and last name, please?")
    assert "Thank you, Susan Walker" in await talk.say("susan walker")


async def test_a_question_does_not_fill_slots(talk: Talk) -> None:
    assert "$95" in await talk.say("how much is a cleaning")
    assert "Saturday from 9 AM to noon" in await talk.say("are you open on saturday")
    assert not talk.called
    assert "What would you like to come in for" in await talk.say("i'd like to make an appointment")


@pytest.mark.parametrize("words", ["stop hold on a second", "wait a minute", "hang on"])
async def test_hold_on_is_obeyed_and_nothing_is_lost(talk: Talk, words: str) -> None:
    await up_to_the_name(talk)
    assert await talk.say(words) == "Sure, take your time."
    assert "first and last name" in await talk.say("okay go on")
    assert "Thank you, Susan Walker" in await talk.say("my name is susan walker")


async def test_repeat_that(talk: Talk) -> None:
    said = await up_to_the_confirmation(talk)
    assert await talk.say("sorry could you repeat that") == said


async def test_a_backchannel_does_not_confirm_nor_confuse(talk: Talk) -> None:
    await talk.say("i need an appointment for a cleaning")
    assert "What day and time" in await talk.say("uh huh")


async def test_yes_to_are_you_still_there_books_nothing(talk: Talk) -> None:
    await up_to_the_confirmation(talk)
    content = [{"type": "output_audio", "transcript": talk.who.still_there}]
    talk.items.append({"type": "message", "role": "assistant", "content": content})
    assert "Shall I book it?" in await talk.say("yes")
    assert not talk.records.booked
    await talk.say("yes")
    assert talk.records.booked


async def test_a_phone_number_in_two_pieces(talk: Talk) -> None:
    await up_to_the_name(talk)
    await talk.say("susan walker")
    said = await talk.say("five five five oh")
    assert "seven or ten digits" in said
    assert "five five five, oh one seven two" in await talk.say("one seven two")


async def test_pieces_said_before_we_answered_are_one(talk: Talk) -> None:
    await up_to_the_name(talk)
    await talk.say("susan walker")
    talk.hear("my number is five five five")
    assert "five five five, oh one seven two" in await talk.say("oh one seven two")


async def test_a_first_name_alone_asks_for_the_last(talk: Talk) -> None:
    await up_to_the_name(talk)
    assert "last name" in await talk.say("susan")
    assert "Thank you, Susan Walker" in await talk.say("walker")


async def test_what_was_hardly_heard_is_confirmed(talk: Talk) -> None:
    await up_to_the_name(talk)
    said = await talk.say("my name is susan walker", score=0.3, source="open")
    assert said.endswith("I heard Susan Walker. Is that right?")
    assert "once more" in await talk.say("no")
    assert "I heard Susan Miller" in await talk.say("my name is susan miller", score=0.3, source="open")
    assert "phone number" in await talk.say("yes")


async def test_garbage_is_never_taken_for_a_value(talk: Talk) -> None:
    await up_to_the_name(talk)
    said = await talk.say("blah garble nose thing", score=0.1, source="open")
    assert "I need your first and last name" in said
    await talk.say("susan walker")
    await talk.say("five five five oh one seven two")
    said = await talk.say("yes", score=0.1, source="open")
    assert not talk.records.booked
    assert "yes or no" in said


async def test_noise_offers_a_person_in_the_end(talk: Talk) -> None:
    await talk.say("book an appointment")
    said = [await talk.say("", score=0.0, source="none") for _ in range(3)]
    assert "I need the reason for your visit" in said[0]
    assert said[0] != said[1]
    assert "Shall I pass you on to a person?" in said[2]
    assert "pass you on" in await talk.say("yes")
    assert talk.control.acts == ["hand_over"]


async def test_a_person_please(talk: Talk) -> None:
    await up_to_the_name(talk)
    assert "pass you on" in await talk.say("can i talk to a real person please")
    assert talk.records.handovers == ["front desk"]


async def test_never_mind(talk: Talk) -> None:
    await up_to_the_name(talk)
    assert "leave that" in await talk.say("actually never mind")
    assert "Goodbye" in await talk.say("no that's all")


async def test_a_second_booking_keeps_the_name(talk: Talk) -> None:
    await up_to_the_confirmation(talk)
    await talk.say("yes")
    await talk.say("yes i need another appointment for a checkup")
    said = await talk.say("monday at nine thirty")
    assert "Susan Walker" in said
    assert said.endswith("Shall I book it?")
    await talk.say("yes")
    assert [each["service"] for each in talk.records.booked] == ["cleaning", "checkup"]


async def test_a_time_that_was_just_taken_is_offered_anew(talk: Talk) -> None:
    await up_to_the_confirmation(talk)
    talk.records.taken.add(FRIDAY)
    said = await talk.say("yes")
    assert "just been taken" in said
    assert "10:30 AM" in said
    assert "Shall I book it?" in await talk.say("ten thirty")
    assert "confirmation code" in await talk.say("yes")


async def test_moving_an_appointment_is_passed_on(talk: Talk) -> None:
    assert "front desk" in await talk.say("i need to cancel my appointment")
    await talk.say("yes please")
    assert talk.control.acts == ["hand_over"]


async def test_a_running_tool_is_not_called_again(talk: Talk) -> None:
    await up_to_the_confirmation(talk)
    talk.hear("yes")
    call = {"type": "function_call", "call_id": "c9", "name": "book_appointment"}
    booking = {
        "service": "cleaning",
        "starts_at": "2026-11-20T09:30:00",
        "name": "Susan Walker",
        "phone": "5550172",
    }
    talk.items.append({**call, "arguments": json.dumps(booking)})
    said = await talk.say("hello are you there")
    assert "book_appointment" not in [name for name, _ in talk.called]
    assert said


async def test_without_the_tools_nothing_is_promised() -> None:
    talk = Talk(persona("dental_reception"), tools=[])
    await talk.say("book a cleaning")
    said = await talk.say("friday at nine thirty")
    assert "couldn't look that day up" in said
    assert not talk.called


async def test_the_greeting_and_a_nudge(talk: Talk) -> None:
    assert await talk.answer() == talk.who.greeting
    assert await talk.answer()


async def test_the_same_items_give_the_same_reply(talk: Talk) -> None:
    await up_to_the_confirmation(talk)
    other = Talk(talk.who, MemoryRecords(), items=list(talk.items))
    other.hear("yes")
    reply = DialogueMind().respond(other.request())
    assert [type(use) for use in reply.tool_uses] == [ToolUse]
    assert reply.tool_uses[0].name == "book_appointment"


async def test_earlier_and_later_times(talk: Talk) -> None:
    await talk.say("a cleaning please")
    first = await talk.say("do you have anything on monday afternoon")
    assert "noon" in first
    later = await talk.say("do you have anything later")
    assert "2 PM" in later
    assert "noon" not in later
    assert "12:30 PM" in await talk.say("something earlier please")
    assert "1:30 PM is free" in await talk.say("one thirty")


async def test_a_time_without_a_task_begins_the_booking(talk: Talk) -> None:
    assert "What would you like to come in for" in await talk.say(
        "do you have anything on saturday morning"
    )
    said = await talk.say("a filling")
    assert "Saturday, November 21st" in said


async def test_another_time_while_asked_for_the_name(talk: Talk) -> None:
    await up_to_the_name(talk)
    said = await talk.say("ten thirty on monday would be better")
    assert "Monday, November 23rd at 10:30 AM is free" in said


async def test_a_misheard_name_is_corrected_at_the_end(talk: Talk) -> None:
    await up_to_the_confirmation(talk)
    assert "for Susan Miller" in await talk.say("no it's susan miller")


async def test_yes_and_then_no_thank_you_ends_the_call() -> None:
    talk = Talk(persona("dental_reception"))
    for words in (
        "i'd like to book an appointment for a cleaning",
        "friday at nine thirty in the morning",
        "my name is susan walker",
        "five five five oh one seven two",
        "yes that works for me",
        "yes please",
    ):
        await talk.say(words)
    assert "Goodbye" in await talk.say("no thank you")


async def test_another_day_is_not_answered_with_later_times_of_the_day_before() -> None:
    talk = Talk(persona("dental_reception"))
    await talk.say("book a cleaning")
    assert "November 20th" in await talk.say("friday morning")
    said = await talk.say("something later on monday instead")
    assert "November 23rd" in said
    assert "November 20th" not in said
