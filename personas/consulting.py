"""Who speaks with the person that a caller is to be put through to: the caller's agent, with another task. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from personas.dialogue import Dialogue, Step, Task
from personas.languages import language_of
from personas.manners import manners_of
from personas.persona import Limits, Outbound, Persona, SessionPolicy

__all__ = ["LINES", "consulting"]

LINES = 12
"""Of what was said before, so many are told."""


@dataclass(frozen=True, slots=True)
class _Words:
    """What is said to that person, and what they may say to it; phrases in the small language of `personas.phrases`."""

    question: str
    greeting: str
    farewell: str
    gone: str
    declined: str
    """For the caller."""
    take: tuple[str, ...]
    decline: tuple[str, ...]


_ENGLISH = _Words(
    question="Shall I put them through? Say yes or press one. To decline, say no or press two.",
    greeting="Hello, this is {name}. I have a caller on hold for {target}. {reason} {question}",
    farewell="All right, I'll tell them. Goodbye.",
    gone="They are gone already.",
    declined="They cannot take the call now.",
    take=(
        "(yes|yeah|yep|sure|okay|ok|certainly|of course|please|go ahead|all right)",
        "[yes] [please] (put|connect|send) (them|him|her|the caller) [right] (through|over)",
        "[yes] i (will|can) (take|speak to|talk to) (them|him|her|it|the caller)",
    ),
    decline=(
        "(no|nope|not now|no thanks|no thank you|not today)",
        "[no] i (am|have) (busy|in a meeting|no time)",
        "[no] i (cannot|can not|can't|do not want to) (take|speak to|talk to) (them|him|her|it|the caller) [now]",
        "[please] (take a message|call back later|tell them to call back)",
    ),
)
_OTHERS = {
    "es": _Words(
        question="¿Le paso la llamada? Diga sí o marque uno. Si no puede, diga no o marque dos.",
        greeting="Hola, le habla {name}. Tengo una llamada en espera para {target}. {reason} {question}",
        farewell="De acuerdo, yo le aviso. Hasta luego.",
        gone="Ya colgó.",
        declined="En este momento no puede tomar la llamada.",
        take=(
            "(sí|claro|por supuesto|adelante|ok|está bien|de acuerdo)",
            "[sí] [por favor] (pásemela|pásemelo|páseme|comuníqueme|comuníquelo) [la llamada]",
            "[sí] [yo] (la|lo|le) (tomo|atiendo|contesto)",
        ),
        decline=(
            "(no|ahora no|no gracias|hoy no)",
            "[no] (estoy|ando) (ocupado|ocupada|en una junta)",
            "[no] no (puedo|quiero) (tomar|atender|contestar) [la llamada] [ahora]",
            "(tome el recado|que llame más tarde|que llame después)",
        ),
    ),
    "ur": _Words(
        question="کیا کال ملا دی جائے؟ ہاں کہیں یا ایک دبائیں۔ انکار کے لیے نہیں کہیں یا دو دبائیں۔",
        greeting="السلام علیکم، یہ {name} ہے۔ {target} کے لیے ایک کال ہولڈ پر ہے۔ {reason} {question}",
        farewell="ٹھیک ہے، انہیں بتا دیا جائے گا۔ خدا حافظ۔",
        gone="وہ کال کاٹ چکے ہیں۔",
        declined="وہ اس وقت کال نہیں لے سکتے۔",
        take=(
            "(ہاں|جی|جی ہاں|ضرور|ٹھیک ہے|بالکل)",
            "[جی] [ہاں] (کال|بات) (ملا دیں|ملا دیجیے|کروا دیں|کروا دیجیے)",
        ),
        decline=(
            "(نہیں|جی نہیں|ابھی نہیں)",
            "[میں] (مصروف ہوں|میٹنگ میں ہوں)",
            "(پیغام لے لیں|بعد میں کال کریں|بعد میں فون کریں)",
        ),
    ),
}


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
    language = language_of(persona.locale)
    words = _OTHERS.get(language, _ENGLISH)
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
            "greeting": words.greeting.format(
                name=persona.display_name, target=target, reason=_sentence(reason), question=words.question
            ),
            "outbound": Outbound(),
            "voicemail": None,
            "still_there": words.question,
            "farewell": words.farewell,
            "tools": ("take_caller", "decline_caller"),
            "transfers": {},
            "limits": Limits(silence_s=8.0, length_s=120.0, budget_usd=persona.limits.budget_usd),
            "dialogue": _dialogue(words, language),
            "hear": (),
        }
    )


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", "۔", "؟")) else f"{text}."


def _dialogue(words: _Words, language: str) -> Dialogue:
    """For the embedded engine: two things that can be said."""
    take = Task(
        id="take",
        title="take the caller",
        triggers=words.take,
        slots=(),
        steps=(Step(call="take_caller", failed=words.gone),),
    )
    decline = Task(
        id="decline",
        title="decline the caller",
        triggers=words.decline,
        slots=(),
        steps=(Step(call="decline_caller", arguments={"reason": words.declined}, failed=words.gone),),
    )
    manners = manners_of(language)
    told: dict[str, object] = (
        {} if manners is None else {**manners.dialogue, "hand_over": manners.hand_over}
    )
    question = words.question
    told |= {"language": language, "help": question, "what_for": question, "anything_else": question}
    return Dialogue.model_validate({**told, "tasks": (take, decline)})
