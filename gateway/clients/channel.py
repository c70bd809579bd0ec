"""The event channel: a data channel that carries one JSON event per message, bounded both ways."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import orjson
from aiortc import RTCDataChannel

from gateway.clients.bounds import MAX_MESSAGE, Fault
from gateway.ports import Event
from gateway.realtime.ids import new_id

__all__ = ["MAX_UNSENT", "EventChannel"]

logger = logging.getLogger(__name__)

MAX_UNSENT = 1024 * 1024
"""Bytes waiting at which the peer counts as no longer reading."""
RATE = 200.0
"""Messages a second a client may go on sending; an event stream with audio in it has 50."""
BURST = 400.0
WORK_S = 0.00125
"""Of the loop's time: a message counts once for itself and once for each of these. A client gets a quarter of it."""
FLOOD = 4000
"""Messages dropped for the rate after which the client is at fault: about 20 s at twice the rate."""

WORDS = {
    "too_large": f"A message has at most {MAX_MESSAGE // 1024} KiB; this one was dropped.",
    "binary": "Messages are JSON text; a binary one was dropped.",
    "malformed": "A message was not valid UTF-8 text; it was dropped.",
    "rate_limit_exceeded": f"At most {RATE:.0f} messages a second; some were dropped.",
}


class EventChannel:
    """One per leg, over the first data channel that the client opens, whatever its label. Messages that cannot
    be taken are dropped and answered with an `error` event, at most one per second; a flood ends the call."""

    def __init__(
        self,
        channel: RTCDataChannel,
        max_message: int,
        on_message: Callable[[str], None],
        on_flood: Callable[[], None],
    ) -> None:
        self._channel = channel
        self._largest = min(MAX_MESSAGE, max_message or MAX_MESSAGE)
        self._on_message = on_message
        self._on_flood = on_flood
        self._clock = asyncio.get_running_loop().time
        self._allowance = BURST
        self._counted_at = self._clock()
        self._told_at = float("-inf")
        self._dropped = 0
        channel.on("message", self._receive)

    @property
    def unsent(self) -> int:
        """Bytes that wait to be sent."""
        return self._channel.bufferedAmount

    def send(self, event: Event) -> None:
        """Send one event, whole. One that the peer could not take (256 KiB, or less if its offer says so) is
        dropped and its type logged: splitting would break the protocol, one message being one event."""
        if self._channel.readyState != "open":
            return
        data = orjson.dumps(event)
        if len(data) > self._largest:
            logger.warning(
                "dropped a %s event of %d bytes: the client takes %d",
                event["type"],
                len(data),
                self._largest,
            )
            return
        self._channel.send(data.decode())

    def fault(self, fault: Fault) -> None:
        """A message that did not get as far as `_receive`."""
        match fault:
            case Fault.TOO_LARGE:
                self._refuse("too_large")
            case Fault.MALFORMED:
                self._refuse("malformed")
            case Fault.FLOOD:
                self._on_flood()

    def _receive(self, message: str | bytes) -> None:
        now = self._clock()
        self._allowance = min(BURST, self._allowance + (now - self._counted_at) * RATE)
        self._counted_at = now
        if self._allowance < 1:
            self._dropped += 1
            if self._dropped > FLOOD:
                self._on_flood()
            else:
                self._refuse("rate_limit_exceeded")
            return
        self._allowance -= 1
        if isinstance(message, bytes):
            self._refuse("binary")
        else:
            began = time.thread_time()
            self._on_message(message)
            self._allowance -= (time.thread_time() - began) / WORK_S

    def _refuse(self, code: str) -> None:
        now = self._clock()
        if now - self._told_at < 1:
            return
        self._told_at = now
        error = {
            "type": "invalid_request_error",
            "code": code,
            "message": WORDS[code],
            "param": None,
            "event_id": None,
        }
        self.send({"type": "error", "event_id": new_id("event"), "error": error})
