"""What an engine thinks with: a conversation in, a reply out. Knows no audio and no clock.

The engine's core asks for every response it begins. A mind keeps nothing of a dialogue between replies: what it
knows stands in the conversation's items, so that a session can be continued from them by another engine.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from gateway.errors import GatewayError
from gateway.realtime.response import Usage
from gateway.speech.ports import Heard
from personas.persona import Persona

__all__ = [
    "Call",
    "Done",
    "Mind",
    "MindFailed",
    "MindLost",
    "Policy",
    "Reply",
    "Request",
    "Thought",
    "ToolUse",
    "Words",
]


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
    max_output_tokens: int | None = None
    """Of words and calls; what speaking them takes is accounted for. None: no limit."""
    parallel_tool_calls: bool | None = None
    """None: nobody said."""


# ── thoughts, as they come ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Words:
    """The next piece of what to say. Pieces follow each other as they are: a space between two is part of one."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function to call once everything has been said."""

    name: str
    arguments: str
    """JSON text; a mind that is no policy may get it wrong, and whoever runs the tool says so."""


@dataclass(frozen=True, slots=True)
class Done:
    """The last thought of a reply."""

    cut: Literal["max_output_tokens", "content_filter"] | None = None
    """Why the reply is not whole; its calls are then not made. None: it is."""
    usage: Usage | None = None
    """What it cost, where the mind is told; None: the engine estimates."""


Thought = Words | Call | Done


class MindFailed(GatewayError):
    """No reply, or no more of it, this time."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        """For the client: holds nothing that was said."""


class MindLost(GatewayError):
    """No reply, and none is to be expected of the next try either."""


class Mind(Protocol):
    def think(self, request: Request) -> AsyncGenerator[Thought]:
        """The reply, thought by thought, `Done` at its end. Closing it, or cancelling who waits for it, ends the
        thinking at once. Raises MindFailed, MindLost."""


# ── a mind that needs nobody ──────────────────────────────────────────────────────────────────────────────


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


class Policy(Protocol):
    """A pure mind, whole replies at once (`gateway.engine.at_once` makes a `Mind` of it)."""

    def respond(self, request: Request) -> Reply: ...

    def script(self, persona: Persona) -> tuple[str, ...]:
        """Sentences a caller of this persona may say: what its language model is built from."""
