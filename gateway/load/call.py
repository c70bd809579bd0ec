"""One call of a run: how it went, whatever carried it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp

from gateway.load.clock import Pace
from gateway.load.conversation import Conversation, Turn
from gateway.load.plan import Plan

__all__ = ["Call", "Failed", "Place", "Refused", "Talk", "asked_in_vain", "socket_over"]


class Failed(Exception):
    """There is no call, or no more of it. The text says why, and what to do."""


class Refused(Failed):
    """The server is full (429, 503): no fault, and no reason to ask again."""


class Talk(Protocol):
    """Who is at the caller's end. Times in seconds of any clock."""

    @property
    def turns(self) -> Sequence[Turn]: ...

    def frame(self, now: float) -> bytes:
        """The 20 ms that leave now, as they travel."""

    def hear(self, pcm: bytes, at: float, rate: int) -> bool:
        """`pcm` (16 bits) is audible from `at`. True when somebody speaks in it."""


class Place(Protocol):
    """What a call over WebRTC is placed with, and told of."""

    connected: float | None
    underruns: int
    gaps: int
    lost_ms: float

    @property
    def number(self) -> int: ...

    @property
    def plan(self) -> Plan: ...

    @property
    def http(self) -> aiohttp.ClientSession: ...

    @property
    def talk(self) -> Talk: ...

    @property
    def pace(self) -> Pace: ...

    @property
    def chance(self) -> random.Random: ...

    def message(self, text: str) -> None:
        """One message of the event channel."""


@dataclass(slots=True)
class Call:
    """`talk` and `pace` are set before it is placed; times are the loop's, in seconds."""

    number: int
    kind: str
    plan: Plan
    http: aiohttp.ClientSession
    talk: Conversation
    pace: Pace
    chance: random.Random
    began: float = 0.0
    connected: float | None = None
    ended: float | None = None
    failed: str = ""
    refused: bool = False
    underruns: int = 0
    gaps: int = 0
    lost_ms: float = 0.0
    rules: list[str] = field(default_factory=list)
    """Rules of the carrier's that the server broke."""

    def message(self, text: str) -> None:
        """Only what is heard is measured."""


def asked_in_vain(status: int, body: str, url: str, option: str) -> Failed:
    """What an answer other than the wanted one means."""
    told = " ".join(body.split())[:160]
    empty = not told or told.startswith(("<", f"{status}:")) or told == "Invalid response status"
    because = "" if empty else f": {told}"
    path = "/" + url.split("://", 1)[-1].partition("/")[2].partition("?")[0]
    match status:
        case 429 | 503:
            return Refused(f"{status}: the server takes no more calls{because}")
        case 401 | 403:
            return Failed(f"{status}: the server wants another key (--bearer, --header){because}")
        case 404 | 405:
            return Failed(f"{status}: nothing takes calls at {path} ({option} names another path){because}")
        case _:
            return Failed(f"{status} from {path}{because}")


def socket_over(socket: aiohttp.ClientWebSocketResponse, seconds: float) -> str:
    """How the server closed it."""
    code = socket.close_code
    return f"the server closed the socket{'' if code in (None, 1000) else f' ({code})'} after {_length(seconds)}"


def _length(seconds: float) -> str:
    """Roughly: reasons are counted, and those of many calls should be the same."""
    return (
        "less than a second"
        if seconds < 1
        else "less than ten seconds"
        if seconds < 10
        else "ten seconds or more"
    )
