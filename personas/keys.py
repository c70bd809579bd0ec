"""Keys of the caller's telephone: how an entry ends, and the words in which a model is told of it. Pure."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["PRESSED", "Entering", "on_the_phone", "pressed", "telephone_notes", "typed"]

PRESSED = "The caller pressed"
"""How the message of an entry begins."""
_TYPED = re.compile(rf"{PRESSED} ((?:[0-9*#A-D] ?)+)(?: ?\(.*\))?", re.DOTALL)
_NOTES = """
# Telephone
- The caller is on the telephone. A number that you did not understand twice, ask them to type on the keys{end}.
- A message "{pressed} 1 2 3" tells which keys they pressed; it is exact, so do not read it back to check it.
""".strip()
_MARK = _NOTES.splitlines()[1].partition(".")[0]


class Entering(BaseModel):
    """How callers type numbers."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    terminator: str = Field(
        "#", pattern=r"^[0-9*#A-D]?$", description="The key that ends an entry; empty: none does."
    )
    timeout_s: float = Field(
        2.0, ge=0.5, le=15, description="After so long without another key the entry is complete."
    )
    max_length: int = Field(32, ge=1, le=64, description="Keys of one entry; the next one begins another.")
    length: int = Field(
        0,
        ge=0,
        le=64,
        description="Keys that an entry has: with the last of them it is complete. 0: any number.",
    )
    meaning: str = Field(
        "", max_length=200, description="What is typed, for the model: `the policy number`."
    )

    @property
    def most(self) -> int:
        """Keys after which nothing is waited for."""
        return min(self.length or self.max_length, self.max_length)


def pressed(keys: str, meaning: str = "") -> str:
    """The message that tells a model of an entry."""
    return f"{PRESSED} {' '.join(keys)}" + (f" ({meaning})" if meaning else "")


def typed(text: str) -> str | None:
    """The keys of a message made by `pressed`; None of any other text."""
    found = _TYPED.fullmatch(text.strip())
    return found[1].replace(" ", "") if found else None


def telephone_notes(entering: Entering) -> str:
    """What a model is told of a caller who has keys."""
    end = f", and to press {_named(entering.terminator)} at the end" if entering.terminator else ""
    return _NOTES.format(end=end, pressed=PRESSED)


def on_the_phone(instructions: str) -> bool:
    """Whether they tell of a caller who has keys (`telephone_notes`)."""
    return _MARK in instructions


def _named(key: str) -> str:
    return {"#": "pound", "*": "star"}.get(key, key)
