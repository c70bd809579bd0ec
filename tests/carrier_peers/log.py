"""What went over a socket, in order, with the means to wait for more of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.carrier_peers.faults import Frame

__all__ = ["Log", "Passed"]


@dataclass(frozen=True, slots=True)
class Passed:
    """One message that passed."""

    at: float
    """Seconds of the loop's clock."""
    kind: str
    frame: Frame

    @property
    def json(self) -> dict[str, Any]:
        """Of a text message. Raises ValueError for what is no JSON object."""
        value = json.loads(self.frame)
        if not isinstance(value, dict):
            raise ValueError(f"no object: {self.frame!r}")  # noqa: TRY004 - one exception for both
        return value


class Log(list[Passed]):
    """Messages of one direction."""

    def __init__(self, kind: Callable[[Frame], str]) -> None:
        super().__init__()
        self._kind = kind
        self._more = asyncio.Event()

    def add(self, frame: Frame, now: float) -> None:
        self.append(Passed(now, self._kind(frame), frame))
        self._more.set()
        self._more = asyncio.Event()

    def of(self, kind: str) -> list[Passed]:
        """Those of one type."""
        return [one for one in self if one.kind == kind]

    @property
    def kinds(self) -> list[str]:
        return [one.kind for one in self]

    async def until(self, kind: str, nth: int = 1, within_s: float = 20.0) -> Passed:
        """The `nth` message of a type since the beginning. Raises TimeoutError, naming what came instead."""
        try:
            async with asyncio.timeout(within_s):
                while len(found := self.of(kind)) < nth:
                    await self._more.wait()
        except TimeoutError:
            came = ", ".join(dict.fromkeys(self.kinds)) or "nothing"
            raise TimeoutError(f"no {kind} number {nth} within {within_s} s; there was {came}") from None
        return found[nth - 1]
