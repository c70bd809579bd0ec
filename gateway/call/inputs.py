"""What the call core is told. Plain values, journaled in order; none holds audio.

Model events are passed as they are (`Event`), except that the core never sees `response.output_audio.delta`:
the shell plays it when its reply's gate is open, and tells the core once per item with `AudioBegan`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from gateway.errors import Ending
from personas.persona import Persona

__all__ = [
    "LEG",
    "AudioBegan",
    "AudioCame",
    "ChannelOpened",
    "ClientSent",
    "Connected",
    "DigitPressed",
    "HandOverAsked",
    "HangUpAsked",
    "HoldAsked",
    "ItemProgress",
    "Joined",
    "LegInput",
    "Lost",
    "MachineVerdict",
    "Played",
    "SidebandJoined",
    "SpeechEnded",
    "SpeechStarted",
    "SuccessorAsked",
    "ToneEnded",
    "ToneStarted",
    "ToolDecided",
    "ToolFinished",
    "TransferAnswered",
    "TransferAsked",
    "Wish",
]


LEG = 0
"""Origin of what the client at the leg sends; sidebands are 1, 2, …"""


@dataclass(frozen=True, slots=True)
class Connected:
    """Media flows between the caller and us."""


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """The client's event channel can carry events."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The local VAD hears the caller; the speech itself began `ago_ms` before now."""

    ago_ms: int


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The local VAD's hangover has passed; the last speech frame ended `ago_ms` before now."""

    ago_ms: int


@dataclass(frozen=True, slots=True)
class ClientSent:
    """One message of the event channel, or of a sideband, unparsed."""

    message: str
    origin: int = LEG
    """Who sent it: the client at the leg, or the sideband of this number."""


@dataclass(frozen=True, slots=True)
class DigitPressed:
    """The caller pressed a key of the telephone: 0-9, *, #, A-D."""

    digit: str


@dataclass(frozen=True, slots=True)
class SidebandJoined:
    """A sideband was attached to the call."""

    origin: int


@dataclass(frozen=True, slots=True)
class AudioCame:
    """The client of a client-played leg sends audio; told once in a while, for it is a sign of life."""


@dataclass(frozen=True, slots=True)
class ItemProgress:
    """How far the playout of one item is, in milliseconds of its audio: heard ≤ sent ≤ queued."""

    item_id: str
    queued_ms: int
    sent_ms: int
    heard_ms: int
    drained: bool
    """Its audio is complete and all of it was heard."""


@dataclass(frozen=True, slots=True)
class Played:
    """The playout clock's totals, told before every decision that needs them."""

    items: tuple[ItemProgress, ...]
    speech_ms: int = 0
    """How much speech (hangover excluded) the local VAD has counted since the last `SpeechStarted`."""


@dataclass(frozen=True, slots=True)
class AudioBegan:
    """The first audio of an item was queued for playing."""

    response_id: str
    item_id: str


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool ended, well or not; `output` is what the model is told."""

    tool_call_id: str
    output: str
    ok: bool
    pending: bool = False
    """A person has to approve it first; `ToolDecided` follows, unless the call ends before."""


@dataclass(frozen=True, slots=True)
class ToolDecided:
    """A person has decided about a tool that waited for it; `output` is what came of it."""

    tool_call_id: str
    name: str
    output: str
    ok: bool


@dataclass(frozen=True, slots=True)
class HangUpAsked:
    """A tool wants the call to end once the agent has been heard."""


@dataclass(frozen=True, slots=True)
class HandOverAsked:
    """A tool gave the caller to a person; the agent's part ends once it has been heard."""

    said: bool = True
    """The agent says so itself; otherwise it still has to say goodbye."""


@dataclass(frozen=True, slots=True)
class MachineVerdict:
    """Who answered a call that we placed: a person, or a machine (an answering machine, a fax). `beep`: a machine's
    greeting is over, and what is said now it records."""

    kind: Literal["human", "machine", "beep", "fax", "unknown"]
    source: str
    """The carrier's name, or `local`."""


@dataclass(frozen=True, slots=True)
class TransferAsked:
    """A tool or a server wants the caller put through once the agent has been heard."""

    target: str
    """One of the persona's targets, by name; empty when a server has named a number, which stands nowhere."""
    warm: bool
    """The agent speaks with the person first."""


@dataclass(frozen=True, slots=True)
class TransferAnswered:
    """What became of it: the carrier has put the caller through, the person takes the call; or neither, and why."""

    ok: bool
    reason: str = ""
    """A sentence for the model."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The person whom this call is with takes a caller: from now on the two talk with one another."""


@dataclass(frozen=True, slots=True)
class HoldAsked:
    """Somebody wants the caller on hold, or back."""

    on: bool


@dataclass(frozen=True, slots=True)
class SuccessorAsked:
    """A tool or a server wants another agent to take over, once this one has been heard."""

    persona: Persona
    tools: tuple[dict[str, Any], ...] = ()
    """What the server runs for it, as the model is told."""


Wish = HangUpAsked | HandOverAsked | TransferAsked | TransferAnswered | Joined | HoldAsked | SuccessorAsked
"""What is wanted of the call by others than its two peers."""


class ToneStarted:
    """Whoever answered a call that we placed makes a tone that may be a beep."""


@dataclass(frozen=True, slots=True)
class ToneEnded:
    """It was none. (One that was is a `MachineVerdict`.)"""


@dataclass(frozen=True, slots=True)
class Lost:
    """One of the two peers is gone."""

    ending: Ending


LegInput = (
    Connected
    | ChannelOpened
    | SpeechStarted
    | SpeechEnded
    | ClientSent
    | DigitPressed
    | SidebandJoined
    | AudioCame
    | Played
    | AudioBegan
    | MachineVerdict
    | ToneStarted
    | ToneEnded
    | Lost
)
