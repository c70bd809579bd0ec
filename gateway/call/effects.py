"""What the call core wants done. The shell obeys in order, without judging."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import Ending
from gateway.ports import Event, TranscriptEntry, TurnTiming, UsageEntry

__all__ = [
    "Charge",
    "Clear",
    "CloseGate",
    "Disregard",
    "Effect",
    "End",
    "Hold",
    "Join",
    "Note",
    "OpenGate",
    "Pause",
    "Reach",
    "Remark",
    "Resume",
    "RunTool",
    "Succeed",
    "Time",
    "ToLeg",
    "ToModel",
    "TransferFailed",
    "Write",
]


@dataclass(frozen=True, slots=True)
class ToLeg:
    """Send a server event to the client."""

    event: Event
    to: int | None = None
    """To this origin alone (`inputs.ClientSent.origin`); None is everybody: the leg and all sidebands."""


@dataclass(frozen=True, slots=True)
class ToModel:
    """Send a client event to the model."""

    event: Event


@dataclass(frozen=True, slots=True)
class OpenGate:
    """From now on play the audio of this response."""

    response_id: str


@dataclass(frozen=True, slots=True)
class CloseGate:
    """Drop whatever audio of this response still comes."""

    response_id: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop playing at once; keep what was not played."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Play on, from `back_ms` before the pause."""

    back_ms: int


@dataclass(frozen=True, slots=True)
class Clear:
    """Drop everything that was not played."""


@dataclass(frozen=True, slots=True)
class Disregard:
    """Beeps tell nothing any more: who answered is known."""


@dataclass(frozen=True, slots=True)
class RunTool:
    """Start a server-side tool."""

    tool_call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Write:
    """Store a transcript entry."""

    entry: TranscriptEntry


@dataclass(frozen=True, slots=True)
class Charge:
    """Store what the call has used so far of a model."""

    entry: UsageEntry


@dataclass(frozen=True, slots=True)
class Time:
    """Keep the timing of a reply."""

    timing: TurnTiming


@dataclass(frozen=True, slots=True)
class Note:
    """Count something for the canonical log line and the metrics."""

    what: str
    value: int = 1


@dataclass(frozen=True, slots=True)
class Remark:
    """Write a fact about the call into its journal."""

    event: Event


@dataclass(frozen=True, slots=True)
class Hold:
    """Put the caller on hold: the sound of hold in place of the agent, and silence for the model; or end that."""

    on: bool


@dataclass(frozen=True, slots=True)
class Reach:
    """Have the caller put through to this target by the carrier; or, `warm`, call it and speak with who answers."""

    target: str
    warm: bool


@dataclass(frozen=True, slots=True)
class Join:
    """Join the caller with the person who was called."""


@dataclass(frozen=True, slots=True)
class TransferFailed:
    """The tool that asked for the transfer is answered with this."""

    reason: str


@dataclass(frozen=True, slots=True)
class Succeed:
    """The agent that was asked for takes over: from now on the model is it."""

    persona_id: str


@dataclass(frozen=True, slots=True)
class End:
    """The call is over."""

    ending: Ending


Effect = (
    ToLeg
    | ToModel
    | OpenGate
    | CloseGate
    | Pause
    | Resume
    | Clear
    | Disregard
    | RunTool
    | Write
    | Charge
    | Time
    | Note
    | Remark
    | Hold
    | Reach
    | Join
    | TransferFailed
    | Succeed
    | End
)
