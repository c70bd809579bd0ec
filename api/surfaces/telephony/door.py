"""Carriers whose media socket comes without a webhook before it, and proves itself.

One `Door` per such carrier, in `api/surfaces/telephony/desks/<name>.py` as `DOOR`; a carrier may have a `DESK` besides.
"""

from __future__ import annotations

from typing import Protocol

from api.surfaces.telephony.desk import Asked
from gateway.config import Settings
from gateway.wire import Started

__all__ = ["Door"]


class Door(Protocol):
    """One carrier."""

    @property
    def name(self) -> str:
        """As in the path, and as `Leg.kind`."""

    def configured(self, settings: Settings) -> bool:
        """Whether there is what it proves itself with."""

    def admit(self, asked: Asked, settings: Settings) -> str:
        """Checks a handshake; `asked.url` begins with `ws`. Gives what no other honest handshake has, to be good once;
        empty where the carrier shows the same secret every time. Raises Unverified."""

    def call(self, started: Started) -> str:
        """The carrier's own name of the call; empty when it tells none."""
