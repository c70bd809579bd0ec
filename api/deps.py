"""What the API is given by `gateway.main`. It makes nothing of this itself."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Protocol

from api.limits import InProcessLimiter, RateLimiter
from api.records.access import AccessKeys
from api.tokens import Tokens
from gateway.config import Settings
from gateway.ports import Leg
from gateway.speech.voices import VOICES
from gateway.stores.engine import Database
from gateway.supervisor import CallRequest
from personas.persona import Persona

__all__ = ["AnsweringLeg", "Deps", "Probe", "Reservations", "Verdict", "VoiceEntry"]

VERSION = version("parley")


class Reservations(Protocol):
    """The part of `gateway.supervisor.Supervisor` that the API uses."""

    max_calls: int
    draining: bool

    @property
    def live(self) -> int: ...

    def reserve(self, session_id: str) -> str: ...

    def release(self, call_id: str) -> None: ...

    def begin(self, call_id: str, leg: Leg, request: CallRequest) -> None: ...


class AnsweringLeg(Leg, Protocol):
    """A leg that is opened by an SDP offer."""

    async def answer(self, offer: str) -> str:
        """The SDP answer. Raises LegProtocolError with a sentence for the client, LegError when the server has
        nothing to answer with."""


class VoiceEntry(Protocol):
    """One voice of the catalogue."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def gender(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a readiness probe found."""

    ok: bool
    status: str
    """One word: `ready`, `unreachable` …"""
    message: str


Probe = Callable[[], Awaitable[Verdict]]
"""Asked on every readiness request; given 2 s."""


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything the surfaces need."""

    settings: Settings
    supervisor: Reservations
    database: Database
    personas: Mapping[str, Persona]
    tokens: Tokens
    access: AccessKeys
    make_leg: Callable[[str], AnsweringLeg]
    """Given the call id. What it makes holds nothing before `answer`."""
    model: str
    """The realtime model that answers first, as clients may know it."""
    voices: Sequence[VoiceEntry] = VOICES
    probes: Mapping[str, Probe] = field(default_factory=dict)
    """Readiness beyond the database and the drain: `speech`, `model` …"""
    limiter: RateLimiter = field(default_factory=InProcessLimiter)
    clock: Callable[[], float] = time.time
    version: str = VERSION
