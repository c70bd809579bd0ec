"""Where a text is cut for early first words."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.speech.clauses import Clause, ClauseCutter, Phrasing, clauses

pytestmark = pytest.mark.unit

word = st.from_regex(r"[a-z']{1,14}[.,;!?]?", fullmatch=True)
text = st.lists(word, max_size=120).map(" ".join)
odd = st.text(alphabet="ab ,.;!?\"') \n", max_size=400)
LENGTHS = Phrasing()


@given(text)
def test_nothing_is_lost_and_nothing_is_too_long(said: str) -> None:
    cut = clauses(said)
    assert " ".join(clause.text for clause in cut).split() == said.split()
    for number, clause in enumerate(cut):
        assert len(clause.text) <= (LENGTHS.longest if number else LENGTHS.first * 2)
        assert clause.pause_ms >= 0


def test_sentences_are_spoken_one_by_one_with_a_pause_between() -> None:
    cut = clauses("Sure. I can do that! Which day?")
    assert [clause.text for clause in cut] == ["Sure.", "I can do that!", "Which day?"]
    assert all(clause.pause_ms > 200 for clause in cut[:-1])
    assert cut[-1].pause_ms == 0


def test_a_long_first_sentence_is_cut_at_its_comma() -> None:
    cut = clauses("Thank you for calling Bright Smile, this is Marin, how can I help you on this fine day?")
    assert cut[0].text == "Thank you for calling Bright Smile,"


@given(text | odd, st.lists(st.integers(0, 400), max_size=30), st.sampled_from([LENGTHS, Phrasing(8, 20)]))
def test_where_it_is_cut_does_not_depend_on_how_it_comes(
    said: str, places: list[int], phrasing: Phrasing
) -> None:
    places = sorted({0, *(place for place in places if place < len(said)), len(said)})
    cutter = ClauseCutter(phrasing)
    cut: list[Clause] = []
    for begin, end in itertools.pairwise(places):
        cut += cutter.feed(said[begin:end])
    cut += cutter.end()
    assert [clause.text for clause in cut] == [clause.text for clause in clauses(said, phrasing)]


def test_the_first_words_do_not_wait_for_the_last() -> None:
    cutter = ClauseCutter()
    assert cutter.feed("Sure.") == ()
    assert [clause.text for clause in cutter.feed(" I can")] == ["Sure."]
    assert cutter.feed(" do that for you, and then we will see what") == ()
    assert [clause.text for clause in cutter.end()] == ["I can do that for you, and then we will see what"]


def test_a_voice_with_pauses_of_its_own_is_given_none() -> None:
    assert all(clause.pause_ms == 0 for clause in clauses("One. Two, three.", Phrasing(pauses=False)))


def test_a_quotation_keeps_its_marks() -> None:
    assert [clause.text for clause in clauses('He said "no." Then he left.')] == [
        'He said "no."',
        "Then he left.",
    ]


def test_nothing_to_say() -> None:
    assert clauses("") == ()
    assert clauses(" \n ") == ()


def test_a_word_longer_than_a_clause_is_cut_somewhere() -> None:
    cut = clauses("a" * 400)
    assert "".join(clause.text for clause in cut) == "a" * 400
