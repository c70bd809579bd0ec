"""The caller's end of a call whose sound is between the caller and the provider: nothing of it is here but its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.errors import HUNG_UP, Ending, LegError, LegLost
from gateway.ports import Event, LegSink, Speaker
from media.audio import PCM24

__all__ = ["SipLeg"]


class SipLeg:
    """Implements `gateway.ports.Leg` and `Telephone`. Client-played: replies are not paced here, and what was heard of
    them is known by events."""

    plays = False
    form = PCM24
    downlink_ms = 0

    def __init__(
        self, kind: str, hang_up: Callable[[], Awaitable[bool]], on_closed: Callable[[], None]
    ) -> None:
        """`hang_up` ends the call at the provider; False when it was over there. Never raises. `on_closed` is called
        once, when the leg is closed."""
        self.kind = kind
        self._hang_up = hang_up
        self._on_closed: Callable[[], None] | None = on_closed
        self._sink: LegSink | None = None
        self._over = False

    async def open(self, sink: LegSink, speaker: Speaker) -> None:
        """Raises LegLost when it was closed before, LegError when it is opened twice."""
        if self._over:
            raise LegLost("the call was over before it began")
        if self._sink is not None:
            raise LegError("a leg is opened once")
        self._sink = sink
        sink.on_connected()
        sink.on_channel_open()

    def send(self, event: Event) -> None:
        """A telephone takes no events."""

    def digit(self, digit: str) -> None:
        """The provider tells that the caller pressed a key."""
        if self._sink is not None and not self._over:
            self._sink.on_digit(digit)

    async def channel_closed(self) -> None:
        """The provider's event channel is gone, which tells nothing about the call: hanging up does. When there is
        nothing to be hung up the caller did; otherwise the call cannot go on without anybody who holds it."""
        if not await self._end() and self._sink is not None:
            self._sink.on_lost(HUNG_UP)

    def send_digits(self, digits: str) -> bool:
        """Keys have no way through the sideband."""
        return False

    def let_go(self) -> None:
        """The caller is put through to somebody else: closing the leg must not hang up."""
        self._over = True

    def stats(self) -> dict[str, float]:
        return {}

    async def close(self, ending: Ending) -> None:
        told, self._on_closed = self._on_closed, None
        try:
            await self._end()
        finally:
            if told is not None:
                told()

    async def _end(self) -> bool:
        """Once. Whether there was a call to end."""
        if self._over:
            return False
        self._over = True
        return await self._hang_up()
