"""What a client types or injects costs a bounded amount of work."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gateway.providers.embedded.dialogue import DialogueMind
from gateway.providers.embedded.english.grammar import spot_any
from gateway.providers.embedded.english.numbers import digit_runs
from gateway.providers.embedded.turns import MOST_TURNS, MOST_WORDS, TURN_WORDS, CallerTurn, turns_of
from gateway.speech.ports import Heard
from tests.dialogue.talk import Talk, persona

pytestmark = pytest.mark.unit

PERSONAS = ("assistant", "bank_dispute", "dental_reception", "insurance_claim")
LONG = (
    "four eight one nine ", "double ", "next week monday ", "the may ", "and four ", "9:30 ", "a-b-c-d-", "5-", "1a",
    "not ", "forty two dollars ", "é",
)  # fmt: skip


def message(role: str, text: str) -> dict[str, Any]:
    kind = "input_text" if role == "user" else "output_text"
    return {"id": "i", "type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def seconds(name: str, items: list[dict[str, Any]]) -> float:
    talk = Talk(persona(name), items=items)
    request = talk.request()
    begun = time.process_time()
    reply = DialogueMind().respond(request)
    assert reply.say or reply.tool_uses
    return time.process_time() - begun


@pytest.mark.parametrize("name", PERSONAS)
@pytest.mark.parametrize("text", LONG)
def test_a_long_text_is_answered_at_once(name: str, text: str) -> None:
    seconds(name, [message("user", "hello")])  # the persona's own phrases are read once per process
    assert seconds(name, [message("user", (text * 20_000)[:20_000])]) < 0.25


@pytest.mark.parametrize("name", PERSONAS)
def test_a_long_conversation_is_parsed_once(name: str) -> None:
    said = "well number {} it was friday at nine thirty and my name is susan walker and a car hit the wall"
    items = [
        item
        for n in range(MOST_TURNS)
        for item in (message("user", said.format(n)), message("assistant", "Ok."))
    ]
    items.append(message("user", "what was that about the wall"))
    seconds(name, items)
    parsed = spot_any.cache_info().misses
    assert seconds(name, items) < 0.3
    assert spot_any.cache_info().misses == parsed


def test_only_the_first_words_of_an_item_and_a_turn_are_understood() -> None:
    (turn,) = turns_of([message("user", "one two " * 500)] * 50, {})
    assert isinstance(turn, CallerTurn)
    assert len(turn.text.split()) == TURN_WORDS
    (turn,) = turns_of([message("user", "x" * 50_000)], {})
    assert isinstance(turn, CallerTurn)
    assert len(turn.text) < 2000


def test_what_follows_a_turn_that_is_full_costs_nothing() -> None:
    doubted = {"last": Heard("", 1.0, "none")}
    items = [message("user", "I need an appointment " * 10)] * 20_000
    begun = time.process_time()
    (turn,) = turns_of([*items, {**items[0], "id": "last"}], doubted)
    assert time.process_time() - begun < 0.5
    assert isinstance(turn, CallerTurn)
    assert len(turn.text.split()) == TURN_WORDS
    assert turn.doubtful


def test_only_the_latest_turns_count() -> None:
    items = [
        each for n in range(900) for each in (message("user", f"word {n}"), message("assistant", "Ok."))
    ]
    turns = [turn for turn in turns_of(items, {}) if isinstance(turn, CallerTurn)]
    assert len(turns) == MOST_TURNS
    assert turns[-1].text == "word 899"
    items = [
        each for _ in range(200) for each in (message("user", "la " * 100), message("assistant", "Ok."))
    ]
    turns = [turn for turn in turns_of(items, {}) if isinstance(turn, CallerTurn)]
    assert sum(len(turn.text.split()) for turn in turns) <= MOST_WORDS


def test_digits_are_read_in_one_pass() -> None:
    begun = time.process_time()
    (run,) = digit_runs(("four", "eight") * 50_000)
    assert digit_runs(("double",) * 50_000) == ()
    assert time.process_time() - begun < 1.0
    assert len(run.digits) == 100_000
