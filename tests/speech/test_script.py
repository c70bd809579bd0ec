"""From sentences to what a decoder loads; words nobody wrote down get a pronunciation, or are left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.speech.common import BACKCHANNELS, COMMON, FREQUENT, INTERRUPTIONS
from gateway.speech.lexicon import Lexicon
from gateway.speech.script import grammar, written
from gateway.speech.spelling import speller

pytestmark = pytest.mark.unit

DICTIONARY = "book B UH K\na AH\na(2) EY\ncleaning K L IY N IH NG\n"


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    path = tmp_path / "small.dict"
    others = {word for line in COMMON for word in line.split()} - {"a"}
    path.write_text(DICTIONARY + "".join(f"{word} AH\n" for word in sorted(others)))
    return path


def test_every_pronunciation_of_a_word_is_kept(dictionary: Path) -> None:
    lexicon = Lexicon(dictionary)
    assert lexicon.phones("a") == ("AH", "EY")
    assert lexicon.dictionary(["a", "book", "a"]) == "a AH\na(2) EY\nbook B UH K\n"


def test_an_unknown_word_is_spelled_by_rule(dictionary: Path) -> None:
    lexicon = Lexicon(dictionary, {"walker": "W AO K ER"}.get)
    assert lexicon.phones("walker") == ("W AO K ER",)
    assert lexicon.phones("xyzzy") == ()


def test_a_sentence_nobody_can_say_is_left_out(dictionary: Path) -> None:
    with_it = grammar(("book a cleaning", "book xyzzy"), Lexicon(dictionary))
    assert with_it == grammar(("book a cleaning",), Lexicon(dictionary))
    assert "xyzzy" not in with_it.model


def test_what_all_callers_say_is_in_every_script(dictionary: Path) -> None:
    made = grammar(("book a cleaning",), Lexicon(dictionary))
    for line in ("hold on a second", "wait a minute", "yes please", "excuse me"):
        for word in line.split():
            assert f" {word} " in made.model
    assert set(COMMON) >= FREQUENT
    assert {"uh huh", "mm hmm", "okay"} <= set(BACKCHANNELS)
    assert {"stop", "wait"} <= set(INTERRUPTIONS)


def test_a_backchannel_is_one_word_to_the_decoder_and_two_on_paper(dictionary: Path) -> None:
    assert "uh_huh AH HH AH" in grammar(("book a cleaning",), Lexicon(dictionary)).dictionary
    assert written("uh_huh book a cleaning") == "uh huh book a cleaning"


def test_rules_give_phones_of_the_decoder() -> None:
    spell = speller()
    assert spell is not None
    assert spell("cleanings") == "K L IY N IH NG Z"
    guess = spell("siobhan")
    assert guess is not None
    assert guess.split()[0] == "SH"
    assert spell("42") is None
    assert spell("") is None
