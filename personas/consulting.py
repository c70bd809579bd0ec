"""Who speaks with the person that a caller is to be put through to: the caller's agent, with another task. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from personas.dialogue import Dialogue, Step, Task
from personas.persona import Limits, Outbound, Persona, SessionPolicy

__all__ = ["LINES", "consulting"]

LINES = 12
"""Of what was said before, so many are told."""

QUESTION = "Shall I put them through? Say yes or press one. To decline, say no or press two."

_INSTRUCTIONS = """
# Your task now
You are on another telephone, with somebody at {target}. Your caller is on hold and hears nothing of this.
Why you call: {reason}
You have said that already, and asked whether you may put the caller through. Answer what they ask about the caller
from the notes below, in a sentence; invent nothing.
- As soon as they agree, call take_caller. Say nothing after it: they talk with the caller then.
- When they decline, are the wrong person, or you hear a voicemail greeting or an announcement, call decline_caller with
  the reason in one sentence, for the caller.

# What was said with the caller
{said}
""".strip()


def consulting(persona: Persona, target: str, reason: str, said: Sequence[tuple[str, str]]) -> Persona:
    """`reason`: what the caller needs, one sentence. `said`: the conversation so far, who (`user`, `assistant`) and
    what."""
    who = {"user": "Caller", "assistant": "You"}
    lines = [f"{who.get(role, role)}: {text.strip()[:400]}" for role, text in said if text.strip()]
    notes = "\n".join(lines[-LINES:]) or "Nothing yet."
    return persona.model_copy(
        update={
            "policy": SessionPolicy.LOCKED,
            "instructions": "\n\n".join(
                [
                    f"You are {persona.display_name}, {persona.professional_role}.",
                    _INSTRUCTIONS.format(target=target, reason=reason.strip(), said=notes),
                ]
            ),
            "greeting": f"Hello, this is {persona.display_name}. I have a caller on hold for {target}. "
            f"{_sentence(reason)} {QUESTION}",
            "outbound": Outbound(),
            "voicemail": None,
            "still_there": QUESTION,
            "farewell": "All right, I'll tell them. Goodbye.",
            "tools": ("take_caller", "decline_caller"),
            "transfers": {},
            "limits": Limits(silence_s=8.0, length_s=120.0, budget_usd=persona.limits.budget_usd),
            "dialogue": _dialogue(),
            "hear": (),
        }
    )


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _dialogue() -> Dialogue:
    """For the embedded engine: two things that can be said."""
    take = Task(
        id="take",
        title="take the caller",
        triggers=(
            "(yes|yeah|yep|sure|okay|ok|certainly|of course|please|go ahead|all right)",
            "[yes] [please] (put|connect|send) (them|him|her|the caller) [right] (through|over)",
            "[yes] i (will|can) (take|speak to|talk to) (them|him|her|it|the caller)",
        ),
        slots=(),
        steps=(Step(call="take_caller", failed="They are gone already."),),
    )
    decline = Task(
        id="decline",
        title="decline the caller",
        triggers=(
            "(no|nope|not now|no thanks|no thank you|not today)",
            "[no] i (am|have) (busy|in a meeting|no time)",
            "[no] i (cannot|can not|can't|do not want to) (take|speak to|talk to) (them|him|her|it|the caller) [now]",
            "[please] (take a message|call back later|tell them to call back)",
        ),
        slots=(),
        steps=(
            Step(
                call="decline_caller",
                arguments={"reason": "They cannot take the call now."},
                failed="They are gone already.",
            ),
        ),
    )
    return Dialogue(tasks=(take, decline), help=QUESTION, what_for=QUESTION, anything_else=QUESTION)
