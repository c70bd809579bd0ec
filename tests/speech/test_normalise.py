"""Written text as a person would read it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.speech.normalise import LONGEST, clean, spoken
from gateway.speech.numerals import cardinal, codes, ordinal, phone, year

pytestmark = pytest.mark.unit

READ = {
    "The charge is $320.50.": "The charge is three hundred twenty dollars and fifty cents.",
    "$1": "one dollar",
    "$0.99": "ninety nine cents",
    "$1,250": "one thousand two hundred fifty dollars",
    "$1.5 million": "one point five million dollars",
    "£2.01": "two pounds and one penny",
    "at 9:30 AM.": "at nine thirty ay em.",
    "9:05 a.m. on Friday": "nine oh five ay em on Friday",
    "2 PM": "two pee em",
    "9:00": "nine o'clock",
    "14:05": "fourteen oh five",
    "Call 5550172": "Call five five five, oh one seven two",
    "555-0172": "five five five, oh one seven two",
    "(312) 555-0172": "three one two, five five five, oh one seven two",
    "+1 312 555 0172": "one, three one two, five five five, oh one seven two",
    "policy 481926": "policy four eight one, nine two six",
    "card ending in 7305": "card ending in seven three zero five",
    "2450 people": "two thousand four hundred fifty people",
    "in 2026": "in twenty twenty six",
    "code K7Q2": "code kay, seven, cue, two",
    "claim CLM-48213": "claim see ell em, four eight two, one three",
    "2026-11-20": "November twentieth, twenty twenty six",
    "11/20/2026": "November twentieth, twenty twenty six",
    "Nov. 3rd": "November third",
    "April 12": "April twelfth",
    "the 21st": "the twenty first",
    "72°F, 20% off": "seventy two degrees F, twenty percent off",
    "-5": "minus five",
    "9-5": "nine to five",
    "3.25": "three point two five",
    "a 3-bedroom house": "a three bedroom house",
    "Dr. Smith & Mr. Jones": "Doctor Smith and Mister Jones",
    "an ATM": "an ay tee em",
    "really… “yes” — no": 'really. "yes", no',
    "naïve café": "naive cafe",
    "**bold**": "bold",
    "mail.example.com": "mail dot example dot com",
    "99/99/2026": "ninety nine ninety nine twenty twenty six",
}


@pytest.mark.parametrize("text", READ)
def test_read_as_a_person_would(text: str) -> None:
    assert spoken(text) == READ[text]


@given(st.text(max_size=300))
def test_whatever_is_written_a_synthesiser_can_take_it(text: str) -> None:
    said = spoken(text)
    assert re.fullmatch(r"[ -~]*", said)
    assert not re.search(r"[\d*_<>{}\[\]|\\~`#^]", said)
    assert "  " not in said


@given(st.text(min_size=LONGEST, max_size=LONGEST * 5))
def test_an_utterance_has_a_longest_length(text: str) -> None:
    assert len(clean(text)) <= LONGEST


def test_a_long_text_is_cut_between_words() -> None:
    cut = clean("word " * 1000)
    assert cut.endswith("word")
    assert len(cut) <= LONGEST


@given(st.integers(0, 10**15))
def test_every_number_has_words(value: int) -> None:
    assert re.fullmatch(r"[a-z ]+", cardinal(value))
    assert re.fullmatch(r"[a-z ]+", ordinal(value))


@given(st.from_regex(r"[0-9]{1,16}", fullmatch=True))
def test_every_digit_of_a_phone_number_is_said(text: str) -> None:
    assert len(phone(text).replace(",", "").split()) == len(text)


@given(st.from_regex(r"[A-Z0-9]{1,12}", fullmatch=True))
def test_every_character_of_a_code_is_said(text: str) -> None:
    assert len(codes(text).replace(",", " ").split()) == len(text)


def test_numbers() -> None:
    assert cardinal(0) == "zero"
    assert cardinal(-12) == "minus twelve"
    assert cardinal(1_000_001) == "one million one"
    assert [ordinal(n) for n in (1, 8, 12, 20, 30, 101)] == [
        "first", "eighth", "twelfth", "twentieth", "thirtieth", "one hundred first",
    ]  # fmt: skip
    assert [year(n) for n in (1900, 1905, 1999, 2000, 2007, 2026)] == [
        "nineteen hundred", "nineteen oh five", "nineteen ninety nine", "two thousand", "two thousand seven",
        "twenty twenty six",
    ]  # fmt: skip
