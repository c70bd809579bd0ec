"""What went over a wire, in order, with the means to wait for more of it."""

from __future__ import annotations

import asyncio

from tests.peers.faults import Event

__all__ = ["Log"]


class Log(list[Event]):
    """Events of one direction, over all connections of a peer."""

    def __init__(self) -> None:
        super().__init__()
        self._more = asyncio.Event()

    def add(self, event: Event) -> None:
        self.append(event)
        self._more.set()
        self._more = asyncio.Event()

    def of(self, kind: str) -> list[Event]:
        """Those of one type."""
        return [event for event in self if event["type"] == kind]

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self]

    async def until(self, kind: str, nth: int = 1, within_s: float = 20.0) -> Event:
        """The `nth` event of a type since the beginning. Raises TimeoutError, naming what came instead."""
        try:
            async with asyncio.timeout(within_s):
                while len(found := self.of(kind)) < nth:
                    await self._more.wait()
        except TimeoutError:
            raise TimeoutError(
                f"no {kind} number {nth} within {within_s} s; there were {self.kinds}"
            ) from None
        return found[nth - 1]
