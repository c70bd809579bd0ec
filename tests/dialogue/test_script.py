"""The sentences for the ears: enough of the right ones, and words that can be pronounced."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pocketsphinx
import pytest

from gateway.providers.embedded.dialogue import DialogueMind
from gateway.providers.embedded.script import MOST
from personas.library import load

pytestmark = pytest.mark.unit

PERSONAS = {name: persona for name, persona in load().items() if persona.locale == "en-US"}
OTHERS = {name: persona for name, persona in load().items() if persona.locale != "en-US"}
COMMON = (
    "yes please",
    "no thank you",
    "stop hold on a second",
    "wait a minute",
    "yes that works for me",
    "uh huh",
)
SPOKEN = {
    "dental_reception": (
        "i'd like to book an appointment for a cleaning",
        "friday at nine thirty in the morning",
        "my name is susan walker",
        "my phone number is five five five oh one seven two",
    ),
    "insurance_claim": (
        "i want to report a car accident",
        "my policy number is four eight one nine two six",
        "it happened on the twelfth of april",
        "nobody was hurt",
        "i want to report a burst pipe",
        "it happened on monday around eleven thirty",
        "my policy number is seven three nine four two eight",
        "there was a flood in the kitchen",
        "what is my deductible",
        "i'd like to check the status of my claim",
        "that is all thank you",
    ),
    "bank_dispute": (
        "there is a charge i don't recognize",
        "the last four digits are seven three zero five",
    ),
    "bank_lost_card": ("i lost my card", "somebody stole my wallet", "seven three oh five", "it was lost"),
    "clinic_reception": ("i'd like to see a doctor", "i have a fever", "friday at nine thirty"),
    "dental_billing": ("i have a question about my bill", "three months", "five five two oh one six"),
    "insurance_quote": ("i need a quote for my car", "the first of december", "my name is susan walker"),
    "invoice_desk": ("i can't pay my invoice all at once", "three one oh four four eight", "six months"),
    "legal_intake": ("i need a lawyer", "i was fired", "is this confidential"),
    "legal_status": ("what is the status of my case", "my matter number is eight six oh two one three"),
    "order_desk": ("where is my order", "i want to send something back", "the boots", "too small"),
    "pharmacy_refill": (
        "i need a refill",
        "two seven one nine oh four",
        "the metformin",
        "i will pick it up",
    ),
    "solar_sales": ("i'm interested in solar panels", "yes i own it", "later this year"),
    "tax_appointments": ("i need help with my taxes", "by video", "what do i need to bring"),
    "vet_reception": ("i need an appointment for my cat", "her shots", "friday at nine thirty"),
    "vet_refill": ("i need a refill for my dog", "four one eight eight two oh", "send it"),
}


def script(name: str) -> tuple[str, ...]:
    return DialogueMind().script(PERSONAS[name])


def grams(sentences: tuple[str, ...], order: int) -> set[tuple[str, ...]]:
    found = set()
    for sentence in sentences:
        words = ("<s>", *sentence.split(), "</s>")
        found |= {words[at : at + order] for at in range(len(words) - order + 1)}
    return found


@pytest.mark.parametrize("name", sorted(PERSONAS))
def test_a_script_is_bounded_clean_and_always_the_same(name: str) -> None:
    sentences = script(name)
    assert 300 < len(sentences) <= MOST
    assert len(set(sentences)) == len(sentences)
    assert all(sentence == " ".join(sentence.lower().split()) for sentence in sentences)
    assert sentences == script(name)


@pytest.mark.parametrize("name", sorted(SPOKEN))
def test_what_callers_say_is_in_the_script(name: str) -> None:
    pairs, words = grams(script(name), 2), grams(script(name), 1)
    for sentence in (*SPOKEN[name], *COMMON[:4]):
        wanted = grams((sentence,), 2)
        assert grams((sentence,), 1) <= words, sentence
        assert len(wanted & pairs) >= len(wanted) - 1, (sentence, wanted - pairs)


@pytest.mark.parametrize("name", sorted(PERSONAS))
def test_nearly_all_words_are_in_the_dictionary(name: str) -> None:
    model = Path(pocketsphinx.get_model_path()) / "en-us" / "cmudict-en-us.dict"
    known = {line.split()[0] for line in model.read_text(encoding="utf-8").splitlines()}
    unknown = {word for sentence in script(name) for word in sentence.split()} - known
    assert len(unknown) <= 3, unknown


@pytest.mark.parametrize("name", ["dental_reception", "insurance_claim", "bank_dispute"])
def test_every_pair_of_digits_is_there(name: str) -> None:
    digits = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    counts = Counter(
        pair
        for sentence in script(name)
        for pair in zip(sentence.split(), sentence.split()[1:], strict=False)
    )
    pairs = [counts[one, two] for one in digits for two in digits]
    assert min(pairs) > 0
    assert sum(pairs) / len(pairs) > 5


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_the_ears_are_taught_no_language_that_they_do_not_know(name: str) -> None:
    assert DialogueMind().script(OTHERS[name]) == ()
