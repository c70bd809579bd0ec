"""Questions the persona knows the answer to."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.providers.embedded.state import State
from personas.template import fields

__all__ = ["Told", "answer_to", "urgent_answer"]

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
        likeness = 0.0 if answer.urgent else state.tongue.grammar.about_any(answer.ask, words)
        if likeness > score:
            best, score = answer, likeness
    if best is None:
        return None
    scope = state.scope()
    told = best.otherwise if fields(best.say) and not scope.knows(best.say) else scope.say(best.say)
    return Told(told, score >= _SURE, best.hands_over) if told else None


def urgent_answer(state: State, words: tuple[str, ...]) -> str:
    """What has to be said at once because somebody may be in danger; mostly empty."""
    for answer in state.dialogue.answers:
        if answer.urgent and any(_affirmed(state, pattern, words) for pattern in answer.ask):
            return answer.say
    return ""


def _affirmed(state: State, pattern: str, words: tuple[str, ...]) -> bool:
    """Whether a phrase of `pattern` is said, and not denied: `nobody is unconscious`."""
    grammar, denies = state.tongue.grammar, state.tongue.find.denies
    hits = (grammar.spot(phrase, words) for phrase in grammar.phrase_words(pattern))
    return any(hit is not None and not denies(words, hit[1], hit[2]) for hit in hits)
