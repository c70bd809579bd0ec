"""Keys of a telephone: gathered, told to the model as a turn, and as strong as speech."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.call.effects import Clear
from gateway.call.inputs import DigitPressed
from gateway.call.journal import plain, restored
from gateway.call.keys import Keys
from personas.keys import Entering, pressed, typed
from tests.call.harness import Bench, persona

pytestmark = pytest.mark.unit

USUAL = Entering()
PAUSE_S = USUAL.timeout_s


def begun(**changes: Any) -> Bench:
    bench = Bench(who=persona(**changes))
    bench.connect()
    bench.reply("Hello there.", 1000)
    bench.run(2.0)
    return bench


def press(bench: Bench, keys: str, every_s: float = 0.3) -> None:
    for key in keys:
        bench.run(every_s)
        bench.leg(DigitPressed(key))


def entries(bench: Bench) -> list[str]:
    return [
        event["item"]["content"][0]["text"]
        for event in bench.model_sent
        if event["type"] == "conversation.item.create"
    ]


@given(
    presses=st.lists(
        st.tuples(st.sampled_from("0123456789*#ABCD"), st.sampled_from([0.0, 0.2, PAUSE_S])), max_size=100
    )
)
def test_every_key_is_in_one_entry_in_order(presses: list[tuple[str, float]]) -> None:
    keys, now = Keys(USUAL), 0.0
    told = []
    for digit, after_s in presses:
        now += after_s
        told += [keys.due(now), keys.pressed(digit, now)]
    told.append(keys.due(now + 2 * PAUSE_S))
    assert not keys.gathering
    items = [item for item in told if item is not None]
    texts = [item["content"][0]["text"].removeprefix("The caller pressed ").split() for item in items]
    assert [key for text in texts for key in text] == [digit for digit, _ in presses]
    assert all(1 <= len(text) <= USUAL.max_length for text in texts)
    assert all("#" not in text[:-1] for text in texts)
    assert len({item["id"] for item in items}) == len(items)


def test_the_hash_ends_an_entry_and_the_model_is_asked() -> None:
    bench = begun()
    asked = len(bench.asked)
    press(bench, "123")
    assert entries(bench) == []
    press(bench, "#")
    assert entries(bench) == ["The caller pressed 1 2 3 #"]
    assert len(bench.asked) == asked + 1


def test_a_pause_ends_an_entry() -> None:
    bench = begun()
    asked = len(bench.asked)
    press(bench, "42")
    bench.run(1.9)
    assert entries(bench) == []
    bench.run(0.2)
    assert entries(bench) == ["The caller pressed 4 2"]
    assert len(bench.asked) == asked + 1


@pytest.mark.parametrize("turns", ["gateway", "provider"])
def test_a_key_interrupts_at_once_whoever_takes_the_turns(turns: str) -> None:
    bench = begun(turns=turns)
    press(bench, "1#")
    bench.reply("one two three four five six", 4000, done=False)
    bench.run(1.0)
    before = bench.clears
    assert any(isinstance(effect, Clear) for effect in bench.leg(DigitPressed("9")))
    assert bench.clears == before + 1
    assert bench.cancelled == ["resp_2"]
    assert bench.truncated == {"item_2": pytest.approx(1000, abs=100)}
    assert bench.entries["item_2"].interrupted
    bench.finish_reply("resp_2", "cancelled")
    press(bench, "#")
    assert entries(bench) == ["The caller pressed 1 #", "The caller pressed 9 #"]
    bench.reply("right", 500)
    bench.run(0.1)
    assert bench.entries["item_3"].role == "assistant"


def test_a_key_while_a_reply_is_awaited_gives_that_reply_up_and_gets_one_answer() -> None:
    bench = begun()
    press(bench, "1#")
    asked = len(bench.asked)
    press(bench, "2#")
    assert len(bench.asked) == asked, "the old one is not over yet"
    bench.begin_reply("resp_x")
    assert "resp_x" not in bench.gates
    bench.finish_reply("resp_x", "cancelled")
    assert len(bench.asked) == asked + 1


def test_the_hash_behind_a_complete_entry_leaves_the_agent_speaking() -> None:
    bench = begun(keys=Entering(length=4))
    press(bench, "7305")
    bench.reply("Let me look.", 1000, done=False)
    bench.run(0.3)
    before = bench.clears
    press(bench, "#", every_s=0.1)
    assert (bench.clears, bench.cancelled) == (before, [])
    assert entries(bench) == ["The caller pressed 7 3 0 5"]
    press(bench, "#")
    assert bench.clears == before + 1, "a second one means something"


def test_the_hash_behind_a_complete_entry_leaves_the_reply_on_its_way() -> None:
    bench = begun(keys=Entering(length=4))
    press(bench, "7305")
    asked = len(bench.asked)
    press(bench, "#", every_s=0.1)
    bench.reply("Let me look.", 1000)
    bench.run(0.5)
    assert len(bench.asked) == asked
    assert bench.entries["item_2"].role == "assistant"


def test_no_reply_begins_while_keys_are_being_pressed() -> None:
    bench = begun()
    press(bench, "1")
    bench.turn("u1", "my number is")
    asked = len(bench.asked)
    press(bench, "23", every_s=1.5)
    assert len(bench.asked) == asked
    press(bench, "#")
    assert len(bench.asked) == asked + 1


def test_the_transcript_has_what_was_pressed() -> None:
    bench = begun()
    press(bench, "5#")
    item = next(e["item"] for e in bench.model_sent if e["type"] == "conversation.item.create")
    bench.model("conversation.item.added", item=item, previous_item_id=None)
    entry = bench.entries[item["id"]]
    assert (entry.role, entry.text, entry.final) == ("user", "The caller pressed 5 #", True)


def test_a_key_is_a_sign_of_life() -> None:
    bench = begun()
    bench.run(19.0)
    press(bench, "1")
    asked = len(bench.asked)
    bench.run(1.5)
    assert len(bench.asked) == asked


def test_a_key_is_journaled_as_it_was() -> None:
    assert restored(plain(DigitPressed("*"))) == DigitPressed("*")


def entered(entering: Entering, presses: str, every_s: float = 0.3) -> list[str]:
    """What is told of keys pressed one after the other, a space being two seconds without one."""
    keys, now, told = Keys(entering), 100.0, []
    for press in presses:
        now += 2.0 if press == " " else every_s
        told += [keys.due(now), None if press == " " else keys.pressed(press, now)]
    told.append(keys.due(now + entering.timeout_s))
    return [item["content"][0]["text"] for item in told if item is not None]


@pytest.mark.parametrize(
    ("entering", "presses", "wanted"),
    [
        (Entering(), "12#34#", ["1 2 #", "3 4 #"]),
        (Entering(terminator="*"), "1#2*", ["1 # 2 *"]),
        (Entering(terminator=""), "1#2", ["1 # 2"]),
        (Entering(timeout_s=5), "1 2", ["1 2"]),
        (Entering(timeout_s=1), "1 2", ["1", "2"]),
        (Entering(max_length=3), "1234", ["1 2 3", "4"]),
        (Entering(length=4), "7305", ["7 3 0 5"]),
        (Entering(length=4), "7305#", ["7 3 0 5"]),
        (Entering(length=4), "7305##", ["7 3 0 5", "#"]),
        (Entering(length=4), "73#", ["7 3 #"]),
        (Entering(length=4), "7305 #", ["7 3 0 5", "#"]),
        (Entering(meaning="the code"), "1#", ["1 # (the code)"]),
    ],
)
def test_how_an_entry_ends(entering: Entering, presses: str, wanted: list[str]) -> None:
    assert entered(entering, presses) == [f"The caller pressed {keys}" for keys in wanted]


def test_an_entry_of_known_length_ends_at_once() -> None:
    keys = Keys(Entering(length=4))
    assert [keys.pressed(key, 10.0) is not None for key in "7305"] == [False, False, False, True]


@given(
    st.text("0123456789*#ABCD", min_size=1, max_size=64),
    st.sampled_from(["", "the code", "four (4) digits"]),
)
def test_what_is_told_is_read_again(keys: str, meaning: str) -> None:
    assert typed(pressed(keys, meaning)) == keys


@pytest.mark.parametrize(
    "text", ["", "The caller pressed", "1 2", "The caller pressed the button", "So: The caller pressed 1"]
)
def test_nothing_else_is_taken_for_keys(text: str) -> None:
    assert typed(text) is None
