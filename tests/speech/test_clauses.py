"""Where a text is cut for early first words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.speech.clauses import FIRST, LONGEST, clauses

pytestmark = pytest.mark.unit

word = st.from_regex(r"[a-z']{1,14}[.,;!?]?", fullmatch=True)
text = st.lists(word, max_size=120).map(" ".join)


@given(text)
def test_nothing_is_lost_and_nothing_is_too_long(said: str) -> None:
    cut = clauses(said)
    assert " ".join(clause.text for clause in cut).split() == said.split()
    for number, clause in enumerate(cut):
        assert len(clause.text) <= (LONGEST if number else FIRST * 2)
        assert clause.pause_ms >= 0


def test_sentences_are_spoken_one_by_one_with_a_pause_between() -> None:
    cut = clauses("Sure. I can do that! Which day?")
    assert [clause.text for clause in cut] == ["Sure.", "I can do that!", "Which day?"]
    assert all(clause.pause_ms > 200 for clause in cut[:-1])
    assert cut[-1].pause_ms == 0


def test_a_long_first_sentence_is_cut_at_its_comma() -> None:
    cut = clauses("Thank you for calling Bright Smile, this is Marin, how can I help you on this fine day?")
    assert cut[0].text == "Thank you for calling Bright Smile,"


def test_nothing_to_say() -> None:
    assert clauses("") == ()
    assert clauses(" \n ") == ()


def test_a_word_longer_than_a_clause_is_cut_somewhere() -> None:
    cut = clauses("a" * 400)
    assert "".join(clause.text for clause in cut) == "a" * 400
