"""What a client may change of the session that its persona decided. Pure.

The table stands in docs/personas.md too. Of an update the allowed leaves apply, the others keep their value and
`session.updated` shows what is in force; an `error` is for invalid values only.
"""

from __future__ import annotations

from typing import Any

from personas.composition.speaking import transcribable
from personas.persona import Persona, SessionPolicy

__all__ = [
    "GUARDED_LEAVES",
    "LOCKED_LEAVES",
    "TRANSCRIPTION",
    "kept_in_language",
    "may_change",
    "may_create_item",
    "may_delete_items",
    "response_keys",
]

LOCKED_LEAVES = frozenset({"tracing", "include", "output_modalities"})
"""What observes the conversation and does not change it; and whether the client hears or reads it."""

GUARDED_LEAVES = LOCKED_LEAVES | {
    "audio.input.noise_reduction",
    "audio.input.transcription",
    "audio.input.turn_detection",
    "audio.output.speed",
    "audio.output.voice",
    "max_output_tokens",
}
"""How the conversation sounds, not what is said in it."""


def may_change(policy: SessionPolicy, leaf: str) -> bool:
    """Whether `session.update` may change this dotted leaf."""
    match policy:
        case SessionPolicy.OPEN:
            return True
        case SessionPolicy.GUARDED:
            return leaf in GUARDED_LEAVES
        case SessionPolicy.LOCKED:
            return leaf in LOCKED_LEAVES


TRANSCRIPTION = "audio.input.transcription"


def kept_in_language(persona: Persona, session: dict[str, Any]) -> bool:
    """Whether a session that a client changed leaves a locked persona in its languages: transcribed in another one, it
    would be spoken to in that, and answer in it. One that names no language gets the persona's."""
    heard = session["audio"]["input"].get("transcription")
    if heard is None or not persona.languages.locked:
        return True
    if not heard.get("language"):
        heard["language"] = persona.languages.primary
    return transcribable(persona.languages, heard["language"])


def may_create_item(policy: SessionPolicy, item_type: str, role: str | None) -> bool:
    """Whether the client may put this item into the conversation: in a guarded or locked session only what a
    caller could have said, or the result of the client's own tool."""
    if policy is SessionPolicy.OPEN:
        return True
    return item_type == "function_call_output" or (item_type == "message" and role == "user")


def may_delete_items(policy: SessionPolicy) -> bool:
    return policy is SessionPolicy.OPEN


def response_keys(policy: SessionPolicy) -> frozenset[str] | None:
    """The keys of `response.create.response` that count; None is all."""
    return None if policy is SessionPolicy.OPEN else frozenset({"metadata", "max_output_tokens"})
