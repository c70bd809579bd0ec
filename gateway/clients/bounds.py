"""What a peer can make the data channels hold: bounds inside aiortc's SCTP, which has none (see `internals.py`)."""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable, Iterator
from typing import Any

from aiortc import RTCSctpTransport
from aiortc.rtcsctptransport import SCTP_DATA_FIRST_FRAG, SCTP_DATA_LAST_FRAG, InboundStream

__all__ = ["MAX_MESSAGE", "Fault", "bound_messages"]

MAX_MESSAGE = 256 * 1024
"""Bytes; what our answer announces as a=max-message-size."""
MAX_FRAGMENTS = 4096
"""Fragments of unfinished messages per stream: a message of 4.5 MiB ends the connection."""
MAX_STREAMS = 16
"""Data streams a peer may send on; one more ends the connection."""


class Fault(enum.Enum):
    """What can be wrong with what arrives on the data channels."""

    TOO_LARGE = "too-large"
    MALFORMED = "malformed"
    FLOOD = "flood"


def bound_messages(sctp: RTCSctpTransport, on_fault: Callable[[Fault], None]) -> None:
    """Bound what a peer can make the data channels hold, and keep one bad message from ending the connection
    with a traceback. Faults are told at once; after `Fault.FLOOD` the connection closes itself."""
    streams: dict[int, InboundStream] = sctp._inbound_streams  # noqa: SLF001 - aiortc keeps any amount
    receive = sctp._receive  # noqa: SLF001 - the last place before the message is decoded

    def bounded_stream(stream_id: int) -> InboundStream:
        stream = streams.get(stream_id)
        if stream is None:
            if len(streams) >= MAX_STREAMS:
                on_fault(Fault.FLOOD)
                raise ConnectionError("too many data streams")
            stream = streams[stream_id] = _BoundedStream(on_fault)
        return stream

    async def checked(stream_id: int, protocol: int, data: bytes) -> None:
        if len(data) > MAX_MESSAGE:
            on_fault(Fault.TOO_LARGE)
            return
        try:
            await receive(stream_id, protocol, data)
        except (
            ValueError,
            AssertionError,
            struct.error,
        ):  # bad UTF-8, a channel opened twice, a cut header
            on_fault(Fault.MALFORMED)

    sctp._get_inbound_stream = bounded_stream  # type: ignore[method-assign]  # noqa: SLF001 - see above
    sctp._receive = checked  # type: ignore[assignment,method-assign]  # noqa: SLF001 - see above


class _BoundedStream(InboundStream):
    """Reassembly that keeps no more than one largest message: of a longer one the rest is thrown away, so that
    it comes out longer than `MAX_MESSAGE` by less than a fragment."""

    def __init__(self, on_fault: Callable[[Fault], None]) -> None:
        super().__init__()
        self._on_fault = on_fault
        self._bytes = 0
        self._ends = 0

    def add_chunk(self, chunk: Any) -> None:
        if len(self.reassembly) >= MAX_FRAGMENTS:
            self._on_fault(Fault.FLOOD)
            raise ConnectionError("too many fragments of unfinished messages")
        if self._bytes > MAX_MESSAGE and not chunk.flags & SCTP_DATA_FIRST_FRAG:
            chunk.user_data = b""
        super().add_chunk(chunk)
        self._bytes += len(chunk.user_data)
        self._ends += bool(chunk.flags & SCTP_DATA_LAST_FRAG)

    def pop_messages(self) -> Iterator[tuple[int, int, bytes]]:
        """aiortc looks through all fragments whenever one comes; without a last one there is nothing to find."""
        if self._ends:
            for message in super().pop_messages():
                self._count()
                yield message

    def prune_chunks(self, tsn: int) -> int:
        size: int = super().prune_chunks(tsn)
        self._count()
        return size

    def _count(self) -> None:
        self._bytes = sum(len(chunk.user_data) for chunk in self.reassembly)
        self._ends = sum(1 for chunk in self.reassembly if chunk.flags & SCTP_DATA_LAST_FRAG)
