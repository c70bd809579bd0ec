"""One socket of a carrier with the stream on it: from the first message to the last."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from gateway.carriage.links import Link
from gateway.errors import (
    INTERNAL_ERROR,
    NEVER_CONNECTED,
    PROTOCOL,
    Ending,
    LegError,
    LegLost,
    LegProtocolError,
)
from gateway.log import where
from gateway.wire import Audio, Message, Started, Stopped, Stream, StreamEvent, StreamFault

__all__ = ["Line", "Taker"]

logger = logging.getLogger(__name__)

START_S = 10.0
"""How long a carrier may take from opening the socket to describing its stream."""
FLOOD = 1000
"""Messages in a second that are too many: twenty times what a carrier sends, and after a stall it sends what waited."""


EARLY = 64
"""Events kept that come before the call has begun; later ones are dropped."""


class Taker(Protocol):
    """Who is told what comes over a line (`gateway.carriage.leg.CarrierLeg`)."""

    def on_wire(self, event: StreamEvent) -> None:
        """Raises StreamFault for what no carrier sends."""

    def on_line_over(self, line: Line, ending: Ending | None) -> None:
        """Nothing more comes. `ending`: why the call is over too; None when the socket was closed or broke without a
        word."""


class Line:
    """The route makes it of a socket, awaits `answer`, gives it to a leg, and stays in `serve`."""

    def __init__(self, carrier: str, stream: Stream, link: Link) -> None:
        self.carrier = carrier
        """The carrier's name."""
        self.stream = stream
        self.started: Started | None = None
        self.over = False
        self._link = link
        self._taker: Taker | None = None
        self._early: list[StreamEvent] = []
        """What came before there was a taker."""
        self._ending: Ending | None = None
        self._second = 0.0
        self._messages = 0

    # ── the route ─────────────────────────────────────────────────────────────────────────────────────────

    async def answer(self, within_s: float = START_S) -> Started:
        """Read until the carrier has described its stream. Raises LegProtocolError for garbage, LegLost when the
        carrier leaves or says nothing."""
        try:
            async with asyncio.timeout(within_s):
                while self.started is None and not self.over:
                    await self._next()
        except TimeoutError:
            pass
        if self.started is not None:
            return self.started
        self.over = True
        error: LegError
        if self._ending is PROTOCOL:
            error = LegProtocolError("the carrier's stream began with garbage")
        else:
            error = LegLost("the carrier opened a socket and began no stream")
            error.ending = self._ending or NEVER_CONNECTED
        await self._link.close()
        raise error

    async def serve(self) -> None:
        """Bring what comes to the taker, until the socket is over."""
        try:
            while not self.over:
                # In callbacks from here on, as soon as nothing waits that came before.
                self._link.listen(self._receive)
                await self._next()
        finally:
            self.over = True
            if self._taker is not None:
                self._taker.on_line_over(self, self._ending)

    # ── the leg ───────────────────────────────────────────────────────────────────────────────────────────

    def take(self, taker: Taker) -> None:
        """From now on it is told."""
        self._taker = taker
        early, self._early = self._early, []
        self._hand(early)

    def send(self, messages: Sequence[Message]) -> None:
        """At once, in order; nothing when the line is over."""
        if messages and not self.over:
            self._link.send(messages)

    async def close(self) -> None:
        self.over = True
        await self._link.close()

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────

    async def _next(self) -> None:
        message = await self._link.read()
        if message is None:
            self.over = True
        else:
            self._receive(message)

    def _receive(self, message: Message) -> None:
        if self.over:
            return
        try:
            self._messages += 1
            if self._messages > FLOOD:
                self._count()
            events, answers = self.stream.receive(message)
            if answers:
                self._link.send(answers)
            self._hand(events)
        except StreamFault as fault:
            logger.warning("the stream of %s: %s", self.carrier, fault)
            self._end(PROTOCOL)
        except Exception as error:  # noqa: BLE001 - a fault of ours; it ends this call and no other
            logger.error("the stream of %s broke: %s", self.carrier, where(error))
            self._end(INTERNAL_ERROR)

    def _hand(self, events: Sequence[StreamEvent]) -> None:
        taker = self._taker
        if taker is not None and self.started is not None:
            for event in events:
                taker.on_wire(event)
            return
        for event in events:
            if isinstance(event, Started) and self.started is None:
                self.started = event
            elif self.started is None and not isinstance(event, Stopped):
                pass  # nothing has a meaning before the start
            elif taker is None:
                # Audio of before the call is nothing that anybody would wait for.
                if not isinstance(event, Audio) and len(self._early) < EARLY:
                    self._early.append(event)
            else:
                taker.on_wire(event)

    def _end(self, ending: Ending) -> None:
        self._ending = ending
        self.over = True
        self._link.leave()

    def _count(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._second < 1.0:
            raise StreamFault("a flood of messages")
        self._second, self._messages = now, 1
