"""What a phone call has at any carrier: streams, webhooks, and somebody who puts the phone down."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

from tests.carrier_peers.call import Call
from tests.carrier_peers.faults import Broken
from tests.carrier_peers.http import Answered, Asked, Unreachable, deliver
from tests.carrier_peers.rest import RestDouble

__all__ = ["Phone", "Whole", "living"]

CallT = TypeVar("CallT", bound=Call[Any])


class Whole(RestDouble):
    """A whole carrier: `via` (scheme and host) is where the application's public host really listens."""

    def __init__(self, via: str | None) -> None:
        super().__init__()
        self.via = via


class Phone(ABC, Generic[CallT]):
    """One phone call."""

    webhook_rule = "the carrier's webhooks"

    def __init__(self, peer: Whole) -> None:
        self.streams: list[CallT] = []
        """Every stream that was opened, the newest last."""
        self._whole = peer
        self._changed = asyncio.Event()

    @abstractmethod
    async def run(self) -> None:
        """The call, from its first webhook on."""

    @abstractmethod
    async def hang_up(self) -> None:
        """The person puts the phone down."""

    async def drained(self) -> None:
        """Until the application has been told everything."""

    async def stream(self, nth: int = 1, within_s: float = 20.0) -> CallT:
        """The `nth` media stream, once it has started. Raises TimeoutError, with what was wrong."""
        await self.until(lambda: len(self.streams) >= nth, "no stream", within_s)
        call = self.streams[nth - 1]
        await call.started()
        return call

    def opened(self, call: CallT) -> None:
        """Keep a stream."""
        self.streams.append(call)
        self.change()

    def change(self) -> None:
        """Something happened that somebody may wait for."""
        self._changed.set()

    async def until(self, true: Callable[[], bool], failing: str, within_s: float = 20.0) -> None:
        """Until something is so. Raises TimeoutError, saying what fails and what was wrong."""
        try:
            async with asyncio.timeout(within_s):
                while not true():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            faults = [str(one) for one in self._whole.faults]
            raise TimeoutError(f"{failing} within {within_s} s; faults: {faults}") from None

    async def ask(self, asked: Asked, within_s: float = 15.0) -> Answered | None:
        """Make a webhook's request. None, and a fault, when it fails."""
        try:
            answered = await deliver(asked, self._whole.via, within_s)
        except Unreachable as error:
            self._whole.blame(Broken("unreachable", str(error), self.webhook_rule), asked.url)
            return None
        if answered.status >= 300:
            self._whole.blame(Broken("webhook", f"HTTP {answered.status}", self.webhook_rule), asked.url)
            return None
        return answered


@asynccontextmanager
async def living(phone: Phone[Any], *beside: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run a call, and something `beside` it, while the body runs; then hang up, and tell what is still to be told."""
    failed: Exception | None = None
    async with asyncio.TaskGroup() as group:
        running = group.create_task(phone.run())
        others = [group.create_task(one) for one in beside]
        try:
            yield
        except Exception as error:  # noqa: BLE001 - raised below, outside of the group that would wrap it
            failed = error
        finally:
            for other in others:
                other.cancel()
            async with asyncio.timeout(30):
                await phone.hang_up()
                await phone.drained()
            running.cancel()
    if failed is not None:
        raise failed
