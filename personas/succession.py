"""Who takes over a call from another agent: itself, told what the one before knew. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from personas.composition import contained
from personas.persona import Persona

__all__ = ["FACTS", "LINES", "Handoff", "excerpt", "succeeding"]

LINES = 12
"""Of what was said before, so many are told."""
LINE = 400
"""Characters of each."""
FACTS = 12
"""Facts that are passed on."""


@dataclass(frozen=True, slots=True)
class Handoff:
    """What one agent tells the next."""

    by: str
    """The name of the agent before."""
    summary: str
    """What the caller needs, in a sentence or two."""
    facts: tuple[str, ...] = ()
    """What was learnt, one thing each."""
    said: tuple[str, ...] = ()
    """The latest of the conversation (`excerpt`)."""


def excerpt(said: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The last lines of a conversation: who (`user`, `assistant`) and what."""
    who = {"user": "Caller", "assistant": "Agent"}
    lines = [f"{who.get(role, role)}: {contained.plain(text, LINE)}" for role, text in said if text.strip()]
    return tuple(lines[-LINES:])


def succeeding(persona: Persona, handoff: Handoff) -> Persona:
    """`persona` (composed) for the rest of a call that another agent began. What it is told is data: some of it the
    caller has said."""
    told = {"passed on by": handoff.by, "what the caller needs": handoff.summary}
    told |= {f"fact {number}": fact for number, fact in enumerate(handoff.facts[:FACTS], 1)}
    told |= {f"line {number}": line for number, line in enumerate(handoff.said, 1)}
    section = contained.section("What the agent before you passed on", "the agent before you", told)
    task = "The caller was passed to you in the middle of the call and knows it. Do not ask again for what stands here."
    instructions = "\n\n".join((persona.instructions.strip(), f"{section}\n{task}"))
    return persona.model_copy(update={"instructions": instructions})
