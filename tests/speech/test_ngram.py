"""The language model of a script: a proper probability distribution, in the ARPA format."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.speech.ngram import END, START, arpa

pytestmark = pytest.mark.unit

WORDS = ("yes", "no", "book", "a", "cleaning")
sentence = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(tuple)
corpus = st.lists(st.tuples(sentence, st.integers(1, 5)), min_size=1, max_size=12)

Table = dict[tuple[str, ...], tuple[float, float]]


def read(model: str) -> Table:
    """Every n-gram with its probability and its back-off weight."""
    table: Table = {}
    for line in model.splitlines():
        fields = line.split()
        if len(fields) >= 2 and fields[0].lstrip("-").replace(".", "").isdigit():
            weighted = len(fields) > 2 and fields[-1].lstrip("-").replace(".", "").isdigit()
            gram = tuple(fields[1:-1] if weighted else fields[1:])
            table[gram] = (10 ** float(fields[0]), 10 ** float(fields[-1]) if weighted else 1.0)
    return table


def chance(table: Table, history: tuple[str, ...], word: str) -> float:
    """As a decoder reads it: the longest n-gram there is, else the back-off."""
    if (*history, word) in table:
        return table[(*history, word)][0]
    weight = table[history][1] if history in table else 1.0
    return weight * chance(table, history[1:], word)


@given(corpus)
def test_whatever_was_said_the_next_word_is_certain_to_come(
    lines: list[tuple[tuple[str, ...], int]],
) -> None:
    table = read(arpa(lines))
    words = {word for said, _ in lines for word in said} | {END}
    histories: set[tuple[str, ...]] = {(START,), *((word,) for word in words - {END})}
    histories |= {pair for said, _ in lines for pair in pairwise((START, *said))}
    for history in histories:
        total = sum(chance(table, history, word) for word in words)
        assert total == pytest.approx(1.0, abs=0.01)


@given(corpus)
def test_the_header_counts_what_follows(lines: list[tuple[tuple[str, ...], int]]) -> None:
    model = arpa(lines)
    table = read(model)
    for order in (1, 2, 3):
        assert f"ngram {order}={sum(len(gram) == order for gram in table)}" in model.splitlines()
    assert model.endswith("\\end\\\n")


def test_what_was_said_is_likelier_than_what_was_not() -> None:
    table = read(arpa([(("book", "a", "cleaning"), 1), (("yes",), 1)]))
    assert chance(table, ("book", "a"), "cleaning") > 4 * chance(table, ("book", "a"), "yes")


def test_a_sentence_counts_as_often_as_told() -> None:
    table = read(arpa([(("yes",), 9), (("no",), 1)]))
    assert chance(table, (START,), "yes") > 5 * chance(table, (START,), "no")


def test_the_same_sentences_give_the_same_bytes() -> None:
    lines = [(("book", "a", "cleaning"), 2), (("no",), 1)]
    assert arpa(lines) == arpa(list(reversed(lines)))


def test_no_words_are_no_model() -> None:
    with pytest.raises(ValueError, match="at least one word"):
        arpa([((), 1)])
