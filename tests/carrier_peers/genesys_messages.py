"""The messages of AudioHook's server side, and how many of them may come (reference 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, TypeAdapter

from tests.carrier_peers.strict import Strict

__all__ = ["PARAMETERS", "RULE", "SAID", "VERSION", "Bucket", "Event", "Opened", "Parameters"]

RULE = "telephony 7"
VERSION = "2"

Parameters = dict[str, Any]


class _Said(Strict):
    version: Literal["2"]
    id: str
    type: str
    seq: int = Field(ge=1)
    clientseq: int = Field(ge=0)
    parameters: Parameters


class _Media(Strict):
    type: Literal["audio"]
    format: Literal["PCMU"]
    channels: list[Literal["external", "internal"]]
    rate: Literal[8000]


class Opened(Strict):
    media: list[_Media] = Field(max_length=1)
    startPaused: bool = False
    discardTo: str | None = None
    supportedLanguages: list[str] | None = None


class _Closed(Strict):
    outputVariables: dict[str, str | int | float | bool] | None = None


class _Disconnect(_Closed):
    reason: Literal["completed", "unauthorized", "error"]
    info: str | None = None


class _Entity(Strict):
    type: Literal["barge_in", "bot_turn_response", "transcript"]
    data: Parameters


class Event(Strict):
    entities: list[_Entity]


class _Nothing(Strict):
    pass


class _Info(Strict):
    info: str | None = None


SAID = TypeAdapter(_Said)
PARAMETERS: dict[str, TypeAdapter[Any]] = {
    "opened": TypeAdapter(Opened),
    "pong": TypeAdapter(_Nothing),
    "closed": TypeAdapter(_Closed),
    "disconnect": TypeAdapter(_Disconnect),
    "event": TypeAdapter(Event),
    "pause": TypeAdapter(_Nothing),
    "resume": TypeAdapter(_Nothing),
    "reconnect": TypeAdapter(_Info),
    "updated": TypeAdapter(_Nothing),
}


@dataclass(slots=True)
class Bucket:
    """Tokens that come back at a rate; the reference knows that there is a limit, not which (U)."""

    per_s: float = 5.0
    burst: float = 25.0
    level: float = 25.0
    at: float = 0.0

    def take(self, now: float) -> bool:
        """False when none is left."""
        self.level = min(self.burst, self.level + (now - self.at) * self.per_s)
        self.at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True
