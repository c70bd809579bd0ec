"""A WebSocket of a provider whose messages come by callback: an event of a model needs no coroutine to be woken for it.

Only whole text messages in one frame are taken from the stream here. Whatever else comes (fragments, binary, pings, the
closing, faults) is the library's, with all that it does about it, and `recv` gives out what it made of that.
"""

from __future__ import annotations

from collections.abc import Callable
from types import GeneratorType
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.protocol import OPEN
from websockets.streams import StreamReader

__all__ = ["ModelSocket"]

TEXT = 0x81
"""First byte of a text message in one frame, with no extension (RFC 6455, section 5.2)."""
MASKED = 0x80
"""Bit of the second byte; never set by a server."""

BETWEEN_FRAMES = StreamReader.at_eof.__code__
"""Where the library's parser stands while it waits for the first byte of a frame."""


class ModelSocket(ClientConnection):
    """For `connect(create_connection=)`, without compression."""

    _take: Callable[[str], None] | None = None
    _ours = False
    """The library has had whole frames only, and given out what was in them."""
    _wanted = 0
    """Bytes without which there is no use in looking at `_tail`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tail = bytearray()
        """The beginning of a frame that is not whole yet."""

    def listen(self, take: Callable[[str], None] | None) -> None:
        """Text messages go to `take` as they come, which raises nothing; None: to `recv` again. They come in order: as
        long as something waits for `recv`, so does what comes after it. So `recv` must be waited in meanwhile."""
        self._take = take
        if take is None:
            self._hand_over(b"")

    # ── asyncio.Protocol ──

    def data_received(self, data: bytes) -> None:
        if not self._ours:
            if self._take is None or not self._free():
                super().data_received(data)
                return
            self._ours = True
        if self._tail:
            self._tail += data
            if len(self._tail) < self._wanted:
                return
            data = bytes(self._tail)
            self._tail.clear()
        self._read(data)

    def eof_received(self) -> None:
        self._hand_over(b"")
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._hand_over(b"")
        super().connection_lost(exc)

    # ── reading ──

    def _read(self, data: bytes) -> None:
        at, size = 0, len(data)
        most = self.protocol.max_size
        while self._take is not None and self.protocol.state is OPEN:
            if size - at < 2:
                self._keep(data, at, 2)
                return
            length = data[at + 1]
            if data[at] != TEXT or length >= MASKED:
                break
            start = at + 2
            if length >= 126:
                start = at + (4 if length == 126 else 10)
                if size < start:
                    self._keep(data, at, start - at)
                    return
                length = int.from_bytes(data[at + 2 : start])
            if most is not None and length > most:
                break
            end = start + length
            if size < end:
                self._keep(data, at, end - at)
                return
            try:
                text = data[start:end].decode()
            except UnicodeDecodeError:
                break
            at = end
            self._take(text)
        self._hand_over(data[at:])

    def _keep(self, data: bytes, at: int, wanted: int) -> None:
        if at < len(data):
            self._tail += data[at:]
            self._wanted = wanted

    def _hand_over(self, data: bytes) -> None:
        """All that was not taken is the library's, and so is what follows, until it is through with that."""
        kept = bytes(self._tail) + data
        self._tail.clear()
        self._ours = False
        if kept and not self.protocol.reader.eof:
            super().data_received(kept)

    def _free(self) -> bool:
        """Whether the library stands between two messages, and nothing waits for `recv`."""
        protocol = self.protocol
        return (
            self.response is not None
            and protocol.state is OPEN
            and protocol.cur_size is None
            and not self.recv_messages.frames
            and not protocol.reader.buffer
            and _place(protocol.parser) is BETWEEN_FRAMES
        )


def _place(parser: object) -> object:
    """The function that a generator stands in, however deep."""
    place = None
    while isinstance(parser, GeneratorType):
        place, parser = parser.gi_code, parser.gi_yieldfrom
    return place
