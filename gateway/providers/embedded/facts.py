"""What instructions written for a language model still tell a rule engine: who it is, rules, and facts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gateway.providers.embedded.english.grammar import is_question
from gateway.providers.embedded.english.words import STOP, alike, listed, tokens

__all__ = ["fact_for", "greeting_in", "one_sentence", "quoted_order", "role_in", "rule_for", "sentences_of"]

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'“(])|\n+")
_ORDERS = listed(
    "always never do don't be use call ask answer say speak respond reply keep give make if when whenever avoid "
    "please remember ensure follow stay start begin end wait read offer greet tell help try only act pretend mention"
)
_QUOTED = re.compile(
    r"^\W*(?:please |just |now )*(?:say|respond with|reply with|answer with|repeat|read out|greet (?:\w+ ){1,3}with|"
    r"speak)(?: exactly| only| the following| this)*\s*:?\s*[\"“'](?P<text>.+)[\"”']\W*$",
    re.IGNORECASE | re.DOTALL,
)
_GREET = re.compile(
    r"\b(?:greet|welcome|open|begin|start)\b[^.\"“]{0,60}?(?:with|by saying|saying)?\s*:?\s*"
    r"[\"“](?P<text>[^\"”]+)[\"”]",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"\b(?:you are|you're|act as|your name is|you will be)\s+(?P<role>[^.\n!?]{2,160})", re.IGNORECASE
)
_RULE = re.compile(
    r"\b(?:if|when|whenever)\s+(?:the\s+)?(?:user|caller|customer|they|someone|somebody|anyone)\s*"
    r"(?:says?|asks?|mentions?|wants?)\s*(?:about|for|to know|whether)?\s*"
    r"[\"“']?(?P<about>[^,\"”]+?)[\"”']?,?\s*(?:then\s+)?(?:you\s+)?"
    r"(?:say|answer|respond|reply|tell (?:them|him|her))(?:\s+(?:with|that|them))?\s*(?::\s*|(?=[\"“']))"
    r"[\"“']?(?P<say>[^\"”\n]+?)[\"”']?\s*(?:[.!](?=\s|$)|$)",
    re.IGNORECASE | re.MULTILINE,
)
_ONE = re.compile(r"\b(?:one|a single|1)\s+(?:short\s+|brief\s+)?sentence\b", re.IGNORECASE)


def sentences_of(text: str) -> list[str]:
    """The sentences and lines of a text, without list marks and headings."""
    lines = (line.strip(" \t-*•") for line in _SENTENCE.split(text[:60_000]))
    return [line for line in lines if line and not line.startswith("#")]


def quoted_order(instructions: str | None) -> str | None:
    """The words, when the instructions are nothing but `Say "…"`."""
    found = _QUOTED.match(instructions or "")
    return found["text"].strip() if found else None


def greeting_in(instructions: str) -> str | None:
    """The words to open with, when the instructions quote them."""
    found = _GREET.search(instructions)
    return found["text"].strip() if found else None


def role_in(instructions: str) -> str | None:
    """Who the instructions say it is: `a travel agent named Kim`, `Robin`."""
    found = _ROLE.search(instructions)
    return (
        re.split(r",? (?:who|that|and you|which|your)\b|;", found["role"], maxsplit=1)[0].strip()
        if found
        else None
    )


def rule_for(instructions: str, words: tuple[str, ...]) -> str | None:
    """What a rule like `if the user says X, answer Y` has for these words."""
    for rule in _RULE.finditer(instructions[:60_000]):
        about = [word for word in tokens(rule["about"]) if word not in STOP] or list(tokens(rule["about"]))
        if about and all(any(alike(word, other) >= 0.8 for other in words) for word in about):
            return rule["say"].strip()
    return None


def one_sentence(instructions: str) -> bool:
    """Whether answers may only have one sentence."""
    return _ONE.search(instructions) is not None


def fact_for(facts: Iterable[str], words: tuple[str, ...], least: float = 0.55) -> str | None:
    """The sentence that says most about what was asked; orders to the assistant are none."""
    asked = [word for word in words if word not in STOP]
    if not asked:
        return None
    every = [(fact, tokens(fact)) for fact in facts]
    common = {word: sum(word in theirs for _, theirs in every) for word in asked}
    best, score = None, least
    for fact, theirs in every:
        if not theirs or theirs[0] in _ORDERS or is_question(theirs, fact):
            continue
        weight = {word: 1.0 / (1 + common[word]) ** 0.5 for word in asked}
        hit = sum(weight[word] * max((alike(word, other) for other in theirs), default=0) for word in asked)
        likeness = hit / sum(weight.values())
        if likeness > score:
            best, score = fact, likeness
    return best
