"""What is remembered of a call: the entries that its store is given (`gateway.ports.Store`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "CallRecord",
    "CallSummary",
    "JournalEntry",
    "ToolExecution",
    "TranscriptEntry",
    "TurnTiming",
    "UsageEntry",
]


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call as it begins. Times are Unix seconds."""

    call_id: str
    session_id: str
    tenant: str
    persona_id: str
    leg: str
    provider: str
    """The provider that is tried first; who answered is known at the end."""
    started_at: float


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One input of the call core, in order: how a recorded call is replayed. Holds no audio."""

    call_id: str
    seq: int
    at_ms: int
    """Milliseconds since the call began."""
    source: Literal["leg", "model", "tool", "tick", "call"]
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TranscriptEntry:
    """What one side said, in the order of speech start. A later revision replaces an earlier one."""

    call_id: str
    item_id: str
    revision: int
    role: Literal["user", "assistant"]
    text: str
    """What was said; for the agent what was *heard* of it."""
    start_ms: int
    """Milliseconds since the call began."""
    end_ms: int | None = None
    heard_ms: int | None = None
    """For the agent: how much of the audio the caller heard."""
    interrupted: bool = False
    unheard: str = ""
    """The rest of an interrupted reply: generated, never heard."""
    estimated: bool = False
    """`heard_ms` is reckoned from the clock: the client plays the audio itself and has not told."""
    final: bool = False


@dataclass(frozen=True, slots=True)
class ToolExecution:
    """One run of a tool, as it ended."""

    call_id: str
    tool_call_id: str
    name: str
    arguments: str
    output: str
    ok: bool
    started_ms: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class UsageEntry:
    """What a call has used so far of one model of one provider. A later revision replaces an earlier one.

    Tokens are by what they cost (`gateway.pricing.usage.Tokens`): no class is part of another."""

    call_id: str
    provider: str
    model: str
    revision: int
    text_in: int = 0
    cached_text_in: int = 0
    audio_in: int = 0
    cached_audio_in: int = 0
    image_in: int = 0
    cached_image_in: int = 0
    text_out: int = 0
    audio_out: int = 0
    seconds: float = 0.0
    """Of audio, where it is paid by time."""
    usd: float | None = None
    """What it cost; None where no price is known."""
    price_date: str | None = None
    """The day of the price table, ISO 8601."""


@dataclass(frozen=True, slots=True)
class TurnTiming:
    """Where the time of one reply went, in milliseconds. None where it could not be measured."""

    turn: int
    reply_ms: int
    """Caller's last speech frame (local VAD) → first frame of the reply handed to the leg."""
    endpointing_ms: int | None = None
    """Caller's last speech frame → the model committed the turn."""
    model_ms: int | None = None
    """`response.create` → first audio from the model."""
    playout_ms: int | None = None
    """First audio from the model → first frame handed to the leg."""


@dataclass(frozen=True, slots=True)
class CallSummary:
    """What stands in the canonical log line and in the session's metadata."""

    duration_ms: int
    turns: int
    interruptions: int
    tool_calls: int
    dropped_audio_ms: int
    timings: tuple[TurnTiming, ...] = ()
    bargein_ms: tuple[int, ...] = ()
    """Per interruption: local speech onset → playout paused."""
    input_tokens: int = 0
    output_tokens: int = 0
    provider: str = ""
    """The provider that answered; empty when none did."""
    leg: dict[str, float] = field(default_factory=dict)
    answered_by: str | None = None
    """Who answered a call that we placed, as far as it is known: `human`, `machine`, `fax` or `unknown`; None of a call
    that came in."""
    cost_usd: float | None = 0.0
    """What the models cost, as far as they told what they used; None when a price of it is unknown."""
