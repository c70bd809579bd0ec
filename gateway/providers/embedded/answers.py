"""Questions the persona knows the answer to."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.providers.embedded.grammar import about, phrase_words
from gateway.providers.embedded.state import State
from personas.template import fields

__all__ = ["Told", "answer_to"]

_ENOUGH = 0.62
_SURE = 0.85


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, ready to be said."""

    text: str
    sure: bool
    """So clear that it counts even when it did not sound like a question."""
    hands_over: bool


def answer_to(state: State, words: tuple[str, ...]) -> Told | None:
    """The answer whose question `words` are most about, if any is close enough."""
    best, score = None, _ENOUGH
    for answer in state.dialogue.answers:
        for phrase in (each for pattern in answer.ask for each in phrase_words(pattern)):
            likeness = about(phrase, words)
            if likeness > score:
                best, score = answer, likeness
    if best is None:
        return None
    scope = state.scope()
    told = best.otherwise if fields(best.say) and not scope.knows(best.say) else scope.say(best.say)
    return Told(told, score >= _SURE, best.hands_over) if told else None
