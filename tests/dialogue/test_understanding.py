"""Words, numbers, days, times and names as recognised speech has them."""

from __future__ import annotations

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.embedded.english.dates import Moment, find_moment, say_date, say_time
from gateway.providers.embedded.english.grammar import find_act, polarity
from gateway.providers.embedded.english.names import find_name
from gateway.providers.embedded.english.numbers import amounts, digit_runs, say_digits, spell
from gateway.providers.embedded.english.words import alike, best, listed, tokens
from gateway.providers.embedded.grammar import Act
from tests.dialogue.talk import Talk, persona

pytestmark = pytest.mark.unit

TIME_WORDS = sorted(listed("nine thirty friday the of april oh in morning to next am twelfth a ago 9:30"))
TODAY = date(2026, 11, 18)  # a Wednesday


def moment(text: str, *, past: bool = False, expected: bool = True) -> Moment:
    return find_moment(tokens(text), TODAY, past=past, expected=expected)


@pytest.mark.parametrize(
    ("text", "day", "at"),
    [
        ("friday at nine thirty in the morning", date(2026, 11, 20), time(9, 30)),
        ("friday at nine thirty in the mining", date(2026, 11, 20), time(9, 30)),
        ("fry day at ten", date(2026, 11, 20), time(10)),
        ("next friday at 9:30am", date(2026, 11, 27), time(9, 30)),
        ("tomorrow at half past two", date(2026, 11, 19), time(14, 30)),
        ("the day after tomorrow", date(2026, 11, 20), None),
        ("saturday at eleven", date(2026, 11, 21), time(11)),
        ("quarter to four on tuesday", date(2026, 11, 24), time(15, 45)),
        ("december third at two p m", date(2026, 12, 3), time(14)),
        ("december 3rd at 2 p.m.", date(2026, 12, 3), time(14)),
        ("the twelfth of april", date(2027, 4, 12), None),
        ("on thursday at noon", date(2026, 11, 19), time(12)),
        ("2026-11-20 at 09:30", date(2026, 11, 20), time(9, 30)),
        ("what about the thirtieth", date(2026, 11, 30), None),
        ("nine o'clock", None, time(9)),
        ("ten forty five", None, time(10, 45)),
        ("nine oh five", None, time(9, 5)),
        ("in two weeks", date(2026, 12, 2), None),
        ("may i come on monday", date(2026, 11, 23), None),
        ("wednesday", date(2026, 11, 25), None),
        ("today at five", date(2026, 11, 18), time(17)),
    ],
)
def test_days_and_times_to_come(text: str, day: date | None, at: time | None) -> None:
    found = moment(text)
    assert (found.day, found.at) == (day, at)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("it happened on the twelfth of april", date(2026, 4, 12)),
        ("april twelfth twenty twenty five", date(2025, 4, 12)),
        ("last night", date(2026, 11, 17)),
        ("two days ago", date(2026, 11, 16)),
        ("it happened on monday around eleven thirty", date(2026, 11, 16)),
        ("yesterday", date(2026, 11, 17)),
        ("november eighteenth", date(2026, 11, 18)),
        ("november nineteenth", date(2025, 11, 19)),
    ],
)
def test_days_gone_by(text: str, day: date) -> None:
    assert moment(text, past=True, expected=False).day == day


@pytest.mark.parametrize(
    "text", ["my name is susan walker", "five five five oh one seven two", "the first one", "yes", ""]
)
def test_what_is_no_time(text: str) -> None:
    assert moment(text, expected=False) == Moment()


def test_parts_of_the_day_and_soonest() -> None:
    assert moment("tuesday afternoon").part == "afternoon"
    assert moment("as soon as possible").soonest
    assert moment("in the parking lot").part is None


@given(st.dates(date(2024, 1, 1), date(2028, 12, 31)))
def test_a_day_that_is_spoken_is_understood(day: date) -> None:
    assert find_moment(tokens(say_date(day).split(", ", 1)[1] + f" {day.year}"), TODAY).day == day


@given(st.times().map(lambda at: at.replace(second=0, microsecond=0)))
def test_a_time_that_is_spoken_is_understood(at: time) -> None:
    assert moment(f"at {say_time(at)}").at == at


@given(st.lists(st.sampled_from(TIME_WORDS), max_size=9))
def test_no_words_break_the_reading_of_time(words: list[str]) -> None:
    for past in (True, False):
        find_moment(tuple(words), TODAY, past=past, expected=True)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("my phone number is five five five oh one seven two", ["5550172"]),
        ("four eight one nine two six", ["481926"]),
        ("forty eight nineteen twenty six", ["481926"]),
        ("double five triple two", ["55222"]),
        ("five five five dash oh one seven two", ["5550172"]),
        ("555-0172", ["5550172"]),
        ("the last four digits are seven three zero five", ["4", "7305"]),
        ("eight hundred five five five", ["800555"]),
        ("nothing here", []),
    ],
)
def test_digits(text: str, digits: list[str]) -> None:
    assert [run.digits for run in digit_runs(tokens(text))] == digits


def test_misheard_digits_are_read_where_digits_are_expected() -> None:
    assert digit_runs(tokens("seven tree to for"), lenient=True)[0].digits == "7324"
    assert digit_runs(tokens("seven tree"))[0].digits == "7"


@given(st.text(alphabet="0123456789", min_size=1, max_size=16))
def test_digits_that_are_read_back_are_understood(digits: str) -> None:
    assert "".join(run.digits for run in digit_runs(tokens(say_digits(digits)))) == digits


def test_amounts_and_codes() -> None:
    assert amounts(tokens("forty two fifty"))[0] == 42.5
    assert amounts(tokens("the $42.50 one"))[0] == 42.5
    assert amounts(tokens("three hundred and twenty dollars")) == (320.0,)
    assert amounts(tokens("forty two dollars and seventeen cents"))[0] == 42.17
    assert spell("K7-Q2") == "K, seven, Q, two"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("my name is susan walker", "Susan Walker"),
        ("susan walker", "Susan Walker"),
        ("it's sue walker s u e", "Sue Walker"),
        ("my name is walker spelled w a l k e r", "Walker"),
        ("o'brien patrick", "O'Brien Patrick"),
        ("this is jordan mcdonald speaking", "Jordan McDonald"),
        ("yes it's bob smith", "Bob Smith"),
        ("my name is siobhan krzyzewski and i live on tchoupitoulas street", "Siobhan Krzyzewski"),
        ("My name is Bill, B I double L", "Bill"),
    ],
)
def test_names(text: str, name: str) -> None:
    found = find_name(text, expected=True)
    assert found is not None
    assert found.text == name


@pytest.mark.parametrize(
    "text", ["i'd like to know your hours", "friday at nine", "five five five", "what", "", "that is all"]
)
def test_what_is_no_name(text: str) -> None:
    assert find_name(text, expected=True) is None


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("stop hold on a second", Act.HOLD),
        ("wait a minute", Act.HOLD),
        ("one moment please", Act.HOLD),
        ("uh huh", Act.BACKCHANNEL),
        ("sorry could you repeat that please", Act.REPEAT),
        ("can i talk to a person please", Act.PERSON),
        ("okay bye bye", Act.GOODBYE),
        ("that is all thank you", Act.GOODBYE),
        ("never mind", Act.CANCEL),
        ("what can you do", Act.HELP),
        ("wait make it saturday", None),
        ("i'd like to book an appointment", None),
    ],
)
def test_acts(text: str, act: Act | None) -> None:
    assert find_act(tokens(text)) is act


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("yes please", True), ("yes that works for me", True), ("yeah", True), ("no thank you", False), ("know", False),
        ("that's not right", False), ("no problem", True), ("i'd like a cleaning", None), ("uh-huh", True),
    ],
)  # fmt: skip
def test_yes_and_no(text: str, answer: bool | None) -> None:
    assert polarity(tokens(text), expected=True) is answer


def test_words_that_sound_alike() -> None:
    assert alike("leaning", "cleaning") > 0.8
    assert alike("cleaned", "cleaning") == 0.95
    assert alike("cat", "car") == 0
    assert best("satuday", ("saturday", "sunday")) == "saturday"
    assert best("zebra", ("saturday", "sunday")) is None


@given(st.text(max_size=60))
def test_any_text_is_tokens(text: str) -> None:
    words = tokens(text)
    find_act(words)
    polarity(words, expected=True)
    find_name(text, expected=True)
    digit_runs(words, lenient=True)
    amounts(words)


async def test_a_number_and_a_zip_code_in_one_sentence() -> None:
    talk = Talk(persona("pharmacy_refill"))
    await talk.say("i need a refill")
    await talk.say("it is two seven one nine oh four and my zip code is nine seven two oh one")
    name, arguments = talk.called[-1]
    assert (name, arguments["number"], arguments["zip_code"]) == ("find_prescriptions", "271904", "97201")


async def test_a_number_that_is_long_enough_is_no_zip_code() -> None:
    talk = Talk(persona("pharmacy_refill"))
    await talk.say("i need a refill")
    assert "ZIP code" in await talk.say("two seven one nine oh four")
    assert not talk.called


async def test_digits_of_a_number_choose_nothing() -> None:
    talk = Talk(persona("invoice_desk"))
    await talk.say("i need a payment plan")
    await talk.say("three one oh four four eight")
    assert "three, six, or twelve" in await talk.say("three oh three oh nine")


async def test_a_pets_name_and_its_owners_are_two() -> None:
    talk = Talk(persona("vet_reception"))
    await talk.say("my dog needs a checkup")
    assert "day and time" in await talk.say("his name is rex")
    assert "your own first and last name" in await talk.say("friday at nine thirty")
    await talk.say("my name is susan walker")
    await talk.say("five five five oh one seven two")
    said = await talk.say("actually my name is susan miller")
    assert "your dog Rex" in said
    assert "for Susan Miller" in said
    said = await talk.say("no his name is max")
    assert "your dog Max" in said
    assert "for Susan Miller" in said


@pytest.mark.parametrize(("words", "next_question"), [("nobody", "deadline"), ("um", "on the other side")])
async def test_a_text_of_one_word_where_that_is_enough(words: str, next_question: str) -> None:
    talk = Talk(persona("legal_intake"))
    await talk.say("i need a lawyer for my divorce")
    assert next_question in await talk.say(words)
