"""What the API is given by `gateway.main`. It makes nothing of this itself."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Literal, Protocol

from aiohttp import web

from api.limits import InProcessLimiter, RateLimiter
from api.records.access import AccessKeys
from api.tokens import Tokens
from gateway.call.inputs import MachineVerdict
from gateway.call.plan import CallPlan
from gateway.clients.sideband import SidebandSocket
from gateway.clients.websocket import WebSocketLeg
from gateway.config import Settings
from gateway.errors import Ending
from gateway.metrics.counts import Counts
from gateway.metrics.snapshot import Snapshot
from gateway.ports import Event, Leg
from gateway.speech.catalogue import OPENAI
from gateway.stores.engine import Database
from gateway.stores.recordings import Recording
from gateway.supervisor import CallRequest
from personas.catalogs import Catalogs
from personas.persona import Persona
from personas.succession import Handoff
from tools.contract import Tool
from tools.runtime.door import ToolRuntime

__all__ = [
    "AnsweringLeg",
    "Attached",
    "Deps",
    "KeptRecordings",
    "LiveCall",
    "Probe",
    "ProviderState",
    "Reservations",
    "ServingLeg",
    "SidebandPeer",
    "Supervision",
    "Verdict",
    "VoiceEntry",
]

VERSION = version("parley")


class Attached(Protocol):
    """One sideband of a call (`gateway.call.sideband.Sideband`)."""

    def receive(self, message: str) -> None: ...

    def detach(self) -> None: ...


class LiveCall(Protocol):
    """A live call, as far as others than its leg may reach it (`gateway.call.run.Call`)."""

    @property
    def plan(self) -> CallPlan:
        """With the persona that speaks now."""

    @property
    def recording(self) -> Literal["off", "on", "paused"]:
        """Whether it is recorded."""

    def pause_recording(self, *, paused: bool) -> None:
        """Record silence, or go on; the caller's keys are not written down meanwhile."""

    def attach(self, send: Callable[[Event], None], on_over: Callable[[Ending], None]) -> Attached:
        """Raises Busy."""

    def machine(self, verdict: MachineVerdict) -> None: ...

    def hold(self, on: bool) -> bool:
        """Put the caller on hold, or back; whether they are then."""

    async def refer(self, to: str) -> None:
        """Put the caller through to a number or a SIP URI. Raises ExchangeRefused."""

    def pass_on(self, agent: str, handoff: Handoff) -> None:
        """Have another agent take over, once the one that speaks was heard. Raises ToolError."""

    def said(self) -> Sequence[tuple[str, str]]:
        """The conversation so far: who (`user`, `assistant`) and what."""

    def escalate(self, reason: str) -> None:
        """Give the caller to a person: put them through where that can be, or else end the agent's part."""

    @property
    def answered_by(self) -> str | None:
        """See `gateway.ports.CallSummary.answered_by`, as far as it is known now."""


class Reservations(Protocol):
    """The part of `gateway.supervisor.Supervisor` that the API uses."""

    @property
    def max_calls(self) -> int: ...

    @property
    def draining(self) -> bool: ...

    @property
    def live(self) -> int: ...

    def crowded(self, besides: int = 0) -> bool:
        """Whether the next call would be refused, where so many others were let in and have not come yet."""

    def reserve(self, session_id: str) -> str: ...

    def release(self, call_id: str) -> None: ...

    def begin(self, call_id: str, leg: Leg, request: CallRequest) -> None: ...

    def find(self, call_id: str) -> LiveCall | None: ...

    def hang_up(self, call_id: str, ending: Ending = ...) -> bool: ...


class Supervision(Reservations, Protocol):
    """The same, as a surface is given it."""

    def promise(self, lines: Callable[[], int]) -> None:
        """`lines` tells how many are kept for calls that ring."""


class KeptRecordings(Protocol):
    """Recordings of calls that are over (`gateway.recordings.keeper.Keeper`)."""

    async def read(self, recording: Recording, start: int, length: int) -> bytes:
        """Raises StoreError, FileNotFoundError."""

    async def delete(self, recording: Recording) -> None:
        """Raises StoreError."""


class AnsweringLeg(Leg, Protocol):
    """A leg that is opened by an SDP offer."""

    async def answer(self, offer: str) -> str:
        """The SDP answer. Raises LegProtocolError with a sentence for the client, LegError when the server has
        nothing to answer with."""


class ServingLeg(Leg, Protocol):
    """A leg on a WebSocket that is carried in the route's own task."""

    async def serve(self) -> None:
        """Until the socket is over."""


class SidebandPeer(Protocol):
    """A sideband's end of the wire (`gateway.clients.sideband.SidebandSocket`)."""

    def send(self, event: Event) -> None: ...

    def over(self, ending: Ending) -> None: ...

    async def serve(self, receive: Callable[[str], None]) -> None: ...


class VoiceEntry(Protocol):
    """One voice of the catalogue."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def gender(self) -> str: ...

    @property
    def provider(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a readiness probe found."""

    ok: bool
    status: str
    """One word: `ready`, `unreachable` …"""
    message: str


class ProviderState(Protocol):
    """How a provider of models fares in this process (`gateway.continuity.health` keeps it)."""

    @property
    def name(self) -> str: ...

    @property
    def up(self) -> bool: ...

    @property
    def failures(self) -> int:
        """In a row."""

    @property
    def last_failure(self) -> str | None:
        """What went wrong last, in a word; None while it is up."""

    @property
    def next_try_in_s(self) -> float:
        """How long it is left alone; 0 when a call may try it."""


Probe = Callable[[], Awaitable[Verdict]]
"""Asked on every readiness request; given 2 s."""


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything the surfaces need."""

    settings: Settings
    supervisor: Supervision
    database: Database
    catalogs: Catalogs
    tokens: Tokens
    access: AccessKeys
    recordings: KeptRecordings
    make_leg: Callable[[str], AnsweringLeg]
    """Given the call id. What it makes holds nothing before `answer`."""
    model: str
    """The realtime model that answers first, as clients may know it."""
    runtime: ToolRuntime
    """Through which every tool runs."""
    tools: Mapping[str, Tool] = field(default_factory=dict)
    """What the personas' tools are: a session's instructions depend on them."""
    make_socket_leg: Callable[[str, web.WebSocketResponse], ServingLeg] = WebSocketLeg
    make_sideband: Callable[[web.WebSocketResponse], SidebandPeer] = SidebandSocket
    voices: Sequence[VoiceEntry] = OPENAI
    probes: Mapping[str, Probe] = field(default_factory=dict)
    """Readiness beyond the database and the drain: `speech` …"""
    providers: Callable[[], Sequence[ProviderState]] = tuple
    """How each provider fares, in order of preference; none by default."""
    unspoken: Callable[[Persona, bool], str | None] = lambda _persona, _written: None
    """Why no model can hold a call of this persona, in text alone or not (`gateway.languages`); None: one can."""
    counts: Counts = field(default_factory=Counts)
    hand_over: Callable[[int, int, bytes], Awaitable[None]] | None = None
    """Gives a connection, by its file, and what was read of it to another worker (`gateway.workers`)."""
    handed: set[object] = field(default_factory=set)
    """The protocols of connections that other workers gave and whose first request is yet to come."""
    good_once: Callable[[str], Awaitable[bool]] | None = None
    """Whether a proof that is good once was shown to no worker before; from now on it was. Raises
    `gateway.workers.channel.Gone`. None for an only process."""
    others: Callable[[], Awaitable[Sequence[Snapshot]]] | None = None
    """The figures of the other workers."""
    limiter: RateLimiter = field(default_factory=InProcessLimiter)
    clock: Callable[[], float] = time.time
    started_at: float = field(init=False)
    """By this clock. Routes may be made later."""
    version: str = VERSION

    def __post_init__(self) -> None:
        object.__setattr__(self, "started_at", self.clock())

    @property
    def personas(self) -> Mapping[str, Persona]:
        """Those in force: a live view. A call keeps the persona that it began with."""
        return self.catalogs.personas
