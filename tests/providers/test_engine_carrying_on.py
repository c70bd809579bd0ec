"""A reply that another engine began: what is left of it to say."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.carrying_on import Rest, begun_in, rest_of
from personas.prompt import CARRY_ON

pytestmark = pytest.mark.unit

REPLY = "I can book that for you. Which day suits you, Monday or Tuesday?"


def said(role: str, text: str, **more: Any) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {
        "id": "i",
        "type": "message",
        "role": role,
        "content": [{"type": kind, "text": text}],
        **more,
    }


@pytest.mark.parametrize(
    ("begun", "left"),
    [
        ("", REPLY),
        ("I can book that", "for you. Which day suits you, Monday or Tuesday?"),
        ("I can book that for you.", "Which day suits you, Monday or Tuesday?"),
        ("i can BOOK that, for you", "Which day suits you, Monday or Tuesday?"),
        ("I can book that for you. Which d", "day suits you, Monday or Tuesday?"),
        ("I can look", REPLY),
        ("Something else entirely", REPLY),
        (REPLY, ""),
        (f"{REPLY} Or Wednesday?", ""),
    ],
)
def test_only_the_rest_is_said(begun: str, left: str) -> None:
    assert rest_of(REPLY, begun) == left


def test_what_goes_on_by_itself_is_said_whole() -> None:
    assert rest_of("for you, of course.", "I can book that") == "for you, of course."


@given(st.integers(0, 60), st.lists(st.integers(0, len(REPLY)), max_size=8))
def test_it_does_not_matter_how_the_reply_comes(cut: int, places: list[int]) -> None:
    places = sorted({0, *places, len(REPLY)})
    rest = Rest(REPLY[:cut])
    pieces = [rest.feed(REPLY[begin:end]) for begin, end in pairwise(places)]
    assert "".join([*pieces, rest.end()]) == rest_of(REPLY, REPLY[:cut])


def test_a_beginning_is_known_by_what_follows_it() -> None:
    asked, begun = said("user", "A cleaning, please."), said("assistant", "I can book")
    found = begun_in([asked, begun, said("system", f"You took over. {CARRY_ON}")])
    assert found is not None
    assert (found.words, found.before) == ("I can book", (asked,))
    incomplete = begun | {"status": "incomplete"}
    assert begun_in([asked, incomplete, said("system", "Go on, please.")]) is not None


@pytest.mark.parametrize(
    "conversation",
    [
        [],
        [said("assistant", "I can book")],
        [said("assistant", "Hello."), said("system", "The caller is silent.")],
        [said("assistant", "I can"), said("user", "What?"), said("system", CARRY_ON)],
    ],
)
def test_everything_else_is_no_beginning(conversation: list[dict[str, Any]]) -> None:
    assert begun_in(conversation) is None
