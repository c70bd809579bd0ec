"""What a peer will hear, say and suffer: the script of a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from tests.peers.faults import Event

__all__ = ["Asked", "Call", "Cut", "Heard", "Order", "Refusal", "Reply", "Script"]


class Order(Enum):
    """The two orders in which the last events of an item were seen."""

    LIVE = "section 7"
    """`conversation.item.done`, then `response.output_item.done`; rate limits after `response.created`."""
    SAMPLE = "section 15.8"
    """`response.output_item.done`, then `conversation.item.done`; rate limits after `response.done`."""


@dataclass(frozen=True, slots=True)
class Call:
    """One function call of a reply."""

    name: str
    arguments: str = "{}"
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One response of the model."""

    text: str | None = None
    """What it says, or writes where text is asked for; None: no message."""
    audio: bytes | None = None
    """PCM16 24 kHz; None: a tone of 60 ms per letter."""
    calls: tuple[Call, ...] = ()
    status: Literal["completed", "incomplete", "failed"] = "completed"
    reason: str | None = None
    """For `incomplete`: `max_output_tokens` or `content_filter`."""
    error: Mapping[str, str] | None = None
    """For `failed`: type, code, message."""
    wait_s: float = 0.0
    """Before `response.created`."""
    think_s: float = 0.0
    """Between `response.created` and the first output."""
    chunk_ms: int = 120
    speed: float | None = None
    """How many times faster than real time its audio comes; None: at once."""
    late_deltas: int = 0
    """Deltas that still come after a cancel, before `response.done` (section 16)."""
    cancel_lag_s: float = 0.0
    """How long the response stays active after a cancel."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one spoken turn says, and how its transcription goes where there is one."""

    text: str = ""
    wait_s: float = 0.0
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """An upgrade or a request that is not taken."""

    status: int
    code: str | None = None
    message: str = "refused by the script"
    kind: str = "invalid_request_error"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cut:
    """When, and how, a connection goes wrong.

    The moment is the `nth` event of a type, sent or received on one connection, or `speech_ms` milliseconds after
    the caller began to speak (counted in appended audio).
    """

    sent: str | None = None
    received: str | None = None
    nth: int = 1
    speech_ms: int | None = None
    outstanding_call: bool = False
    """Right after the `response.done` that left a function call to answer."""
    how: Literal["abort", "close", "stall", "expire"] = "abort"
    """`abort`: the connection is reset, no close frame. `close`: with `code`. `stall`: nothing is sent any more.
    `expire`: the error `session_expired`, then closed with `code`."""
    code: int = 1011
    reason: str = ""
    connection: int | None = None
    """Only on the connection of this number, from 0; None: on every one."""

    @classmethod
    def after_deltas(cls, count: int, connection: int | None = None) -> Cut:
        """Dead in the middle of a spoken reply."""
        return cls(sent="response.output_audio.delta", nth=count, connection=connection)

    @classmethod
    def while_caller_speaks(cls, after_ms: int = 400, connection: int | None = None) -> Cut:
        """Dead in the middle of the caller's sentence."""
        return cls(speech_ms=after_ms, connection=connection)

    @classmethod
    def while_call_outstanding(cls, connection: int | None = None) -> Cut:
        """Dead while a tool runs."""
        return cls(outstanding_call=True, connection=connection)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reply is wanted for."""

    connection: int
    automatic: bool
    """True: the end of a turn asked for it, not the client."""
    response: Event
    """The params of `response.create`; empty when there were none."""
    instructions: str
    """Those in force: of the params, else of the session."""
    items: tuple[Event, ...]
    """The conversation, in order."""
    tools: tuple[str, ...]
    heard: str = ""
    """What the newest spoken turn said, transcribed or not: the model hears for itself."""

    @property
    def last_text(self) -> str:
        """The words of the newest user message: written, or heard."""
        for item in reversed(self.items):
            if item.get("role") == "user":
                parts = item["content"]
                return " ".join(part.get("text") or part.get("transcript") or "" for part in parts).strip()
        return ""


@dataclass(frozen=True, slots=True)
class Script:
    """A whole one. Replies and heard texts are used up in order, over all connections of a peer."""

    replies: tuple[Reply, ...] = ()
    answer: Callable[[Asked], Reply | None] | None = None
    """Asked before `replies`; None: take the next of them."""
    spare: Reply = Reply("All right.")
    """When the replies are used up."""
    hears: tuple[Heard, ...] = ()
    spare_heard: Heard = Heard("something")
    session: Event = field(default_factory=dict)
    """Merged into the server's default session."""
    order: Order = Order.LIVE
    conversation_created: bool = True
    rate_limits: bool = True
    cuts: tuple[Cut, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    """The first upgrades, in order; later ones are taken."""
    life_s: float = 3600.0
    """Until `session_expired` (section 2)."""
    expiry_code: int = 1001
