"""What the embedded engine thinks with: conversation in, reply out. Pure; knows no audio and no clock.

The engine's server core calls `respond` for every `response.create` it accepts. A mind keeps nothing between
calls: the state of the dialogue is derived from the conversation items, so that a session can be continued from
its items by another engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from gateway.speech.ports import Heard
from personas.persona import Persona

__all__ = ["Mind", "Reply", "Request", "ToolUse"]


@dataclass(frozen=True, slots=True)
class Request:
    """One response to make."""

    conversation: tuple[dict[str, Any], ...]
    """GA conversation items, oldest first. User speech is an `input_audio` part with its `transcript`."""
    instructions: str
    """In force for this response: the session's, or those of `response.create`."""
    tools: tuple[dict[str, Any], ...]
    """GA `function` tools in force (flat: name, description, parameters)."""
    tool_choice: Any
    """`auto`, `none`, `required`, or `{type: function, name}`."""
    now: datetime
    """Aware; in the persona's timezone."""
    persona: Persona | None = None
    heard: Mapping[str, Heard] = field(default_factory=dict)
    """By item id: how sure the ears were."""
    response_instructions: str | None = None
    """Those of `response.create` alone, e.g. `Say exactly …` (`personas.prompt.say_exactly`)."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A function call to make: arguments valid under the tool's schema."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say, then what to call. Both may be empty, but not both at once."""

    say: str = ""
    tool_uses: tuple[ToolUse, ...] = ()


class Mind(Protocol):
    def respond(self, request: Request) -> Reply: ...

    def script(self, persona: Persona) -> tuple[str, ...]:
        """Sentences a caller of this persona may say: what its language model is built from."""
