"""A persona of another business: the brand in its texts replaced. Pure.

The brand goes where the persona's own stands, in the midst of instructions and of what is said word for word. So only
what reads as a name is taken: letters, digits, a little punctuation.
"""

from __future__ import annotations

import re
from typing import Any

from personas.dialogue import Dialogue
from personas.persona import Persona

__all__ = ["LONGEST", "is_name", "rebranded"]

LONGEST = 80
_NAME = re.compile(r"[^\W_](?:[^\W_]|[ &'’.,+/-])*")
MOST_WORDS = 6

TEXTS = (
    "description", "instructions", "greeting", "taking_over", "still_there", "farewell", "bridging", "voicemail",
    "putting_through", "transcription_prompt", "scenario_title",
)  # fmt: skip
"""Fields of a persona that may name the business."""
PHRASES = frozenset({"cues", "hear", "triggers", "yes", "no", "goodbye", "person", "phrases", "match"})
"""Lists of a dialogue by which callers are understood: what they call the business is up to them."""


def is_name(text: str) -> bool:
    """Whether it can be a name of a business, and nothing else."""
    return len(text) <= LONGEST and len(text.split()) <= MOST_WORDS and _NAME.fullmatch(text) is not None


def rebranded(persona: Persona, brand: str) -> Persona:
    """`persona` with `brand` in place of its own. As it is when it names none, or when `brand` is no name."""
    brand = " ".join(brand.split())
    if not persona.brand or not is_name(brand):
        return persona
    # The longest first: one literal may be the beginning of another.
    own = re.compile("|".join(re.escape(one) for one in sorted(persona.brand, key=len, reverse=True)))

    def told(text: str) -> str:
        return own.sub(lambda _: brand, text)

    def within(value: Any, name: str = "") -> Any:
        match value:
            case str():
                return told(value)
            case dict():
                return {key: within(each, key) for key, each in value.items()}
            case list() | tuple() if name in PHRASES:
                return value
            case list() | tuple():
                return [within(each, name) for each in value]
            case _:
                return value

    changes: dict[str, Any] = {
        name: told(value) for name in TEXTS if isinstance(value := getattr(persona, name), str)
    }
    changes["facts"] = {name: told(value) for name, value in persona.facts.items()}
    changes["filler"] = tuple(told(words) for words in persona.filler)
    changes["outbound"] = persona.outbound.model_copy(
        update={"greeting": None if persona.outbound.greeting is None else told(persona.outbound.greeting)}
    )
    changes["recording"] = persona.recording.model_copy(
        update={"announce": told(persona.recording.announce)}
    )
    changes["tones"] = {
        name: tone.model_copy(update={"instructions": told(tone.instructions)})
        for name, tone in persona.tones.items()
    }
    if persona.dialogue is not None and own.search(persona.dialogue.model_dump_json()) is not None:
        changes["dialogue"] = Dialogue.model_validate(within(persona.dialogue.model_dump()))
    changes["brand"] = (brand,)
    return persona.model_copy(update=changes)
