"""What a desk has whose carrier takes no commands, and asks for nothing but calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.surfaces.telephony.desk import Asked, Calling, Command, Document, Incoming, Notice, Unreadable
from gateway.config import Settings

__all__ = ["Bare"]


class Bare:
    """Each carrier has its own of what it can do besides."""

    reattaches = False
    silent = False

    def proof(self, asked: Asked) -> str:
        return ""

    def greeting(self, asked: Asked) -> Document | None:
        return None

    def verify_socket(self, asked: Asked, settings: Settings, token: str) -> None:
        """The token in the path is the proof."""

    def notices(self, asked: Asked) -> Sequence[Notice]:
        return []

    def stopped(self, asked: Asked) -> Incoming | None:
        return None

    def closing_ends(self, handle: str) -> bool:
        """The flow, dialplan or application goes on then, as whoever wrote it wants."""
        return True

    def dial(
        self, to: str, place: Calling, settings: Settings, *, machine_detection: bool = False
    ) -> Command | None:
        return None

    def placed(self, answer: dict[str, Any]) -> str:
        raise Unreadable("This carrier places no calls.")

    def handle(self, answer: dict[str, Any]) -> str:
        return ""

    def hang_up_call(self, call: str, settings: Settings) -> Command | None:
        return None

    def transfer(self, call: str, to: str, settings: Settings, *, caller_id: str = "") -> Command | None:
        return None

    def onward(self, asked: Asked) -> Document | None:
        return None

    def press(self, call: str, digits: str, settings: Settings) -> Command | None:
        return None
