from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.spoken import Spoken
from media.audio import PCM24

pytestmark = pytest.mark.unit


def said(*clauses: tuple[str, int]) -> Spoken:
    spoken = Spoken()
    for text, ms in clauses:
        spoken.begin(text)
        spoken.audio(PCM24.to_bytes(ms))
    spoken.end()
    return spoken


def test_whole() -> None:
    spoken = said(("Hello there.", 1000), ("How are you?", 500))
    assert (spoken.audio_ms, spoken.made_ms, spoken.transcript) == (1500, 1500, "Hello there. How are you?")


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, ""),
        (499, ""),
        (500, "Hello"),
        (1000, "Hello there."),
        (1200, "Hello there. How"),
        (1499, "Hello there. How are"),
        (1500, "Hello there. How are you?"),
    ],
)
def test_until(ms: int, words: str) -> None:
    spoken = said(("Hello there.", 1000), ("How are you?", 500))
    spoken.truncate(ms)
    assert (spoken.transcript, spoken.audio_ms, spoken.made_ms) == (words, ms, 1500)


@pytest.mark.parametrize(("ms", "words"), [(0, ""), (600, "Hello there. How"), (700, "Hello there. How")])
def test_a_clause_that_broke_off_was_not_said_whole(ms: int, words: str) -> None:
    spoken = said(("Hello there.", 300))
    spoken.begin("How are you?")
    spoken.audio(PCM24.to_bytes(400))
    assert spoken.until(ms) == words


def test_what_comes_after_a_truncation_was_made_but_is_not_held() -> None:
    spoken = said(("Hello there.", 1000))
    spoken.truncate(600)
    spoken.begin("More.")
    spoken.audio(PCM24.to_bytes(400))
    assert (spoken.transcript, spoken.audio_ms, spoken.made_ms) == ("Hello", 600, 1400)


CLAUSES = st.lists(
    st.tuples(st.sampled_from(["one", "two words", "and three words"]), st.integers(0, 900)), max_size=4
)


@given(CLAUSES, st.integers(0, 4000), st.integers(0, 4000))
def test_more_time_is_never_fewer_words(clauses: list[tuple[str, int]], first: int, second: int) -> None:
    spoken = said(*clauses)
    early, late = sorted((first, second))
    assert spoken.until(late).startswith(spoken.until(early))
    assert spoken.until(spoken.made_ms) == spoken.transcript
