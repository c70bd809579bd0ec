"""Every place where Parley reaches into aiortc and aioice, and why. Nothing else touches their private names.

All of it is per connection, but for three constants set on import. `check` fails when the libraries are no longer
those that this was written against; a test calls it.
"""

from __future__ import annotations

import asyncio
import enum
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import aioice
import aioice.ice
import aiortc
import aiortc.rtcsctptransport
from aioice import Candidate
from aiortc import RTCDtlsTransport, RTCIceTransport, RTCPeerConnection, RTCRtpReceiver, RTCSctpTransport
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtcsctptransport import SCTP_DATA_FIRST_FRAG, SCTP_DATA_LAST_FRAG, InboundStream
from aiortc.rtp import RtpPacket
from aiortc.utils import uint16_add, uint16_gt

__all__ = [
    "MAX_MESSAGE",
    "Fault",
    "bound_messages",
    "check",
    "end_decoder",
    "lower_latency",
    "offer_addresses",
    "transports",
]

VERSIONS = ("1.16.", "0.13.")
JITTER_BUFFER = "_RTCRtpReceiver__jitter_buffer"
MAX_MESSAGE = 256 * 1024
"""Bytes; what our answer announces as a=max-message-size."""
MAX_FRAGMENTS = 4096
"""Fragments of unfinished messages per stream: a message of 4.5 MiB ends the connection."""
MAX_STREAMS = 16
"""Data streams a peer may send on; one more ends the connection."""
DECODER_S = 1.0
"""How long a decoder may take to finish what it has."""
MAX_JUMP = 100
"""Packets; as in aiortc, a jump back beyond this is a new beginning."""
GATHERING_S = 2
"""How long a STUN server may take. (aioice: 5 s.)"""

# An abrupt leave is noticed after three missed consent checks of 2 s (RFC 7675 asks for at most 30 s; aioice: 30 s).
aioice.ice.CONSENT_INTERVAL = 2
aioice.ice.CONSENT_FAILURES = 3
# Larger chunks are lost, and the channel stalls for good, on paths with an MTU of 1280 (VPNs, some mobile networks).
aiortc.rtcsctptransport.USERDATA_MAX_LENGTH = 1100


class Fault(enum.Enum):
    """What can be wrong with what arrives on the data channels."""

    TOO_LARGE = "too-large"
    MALFORMED = "malformed"
    FLOOD = "flood"


def check() -> None:
    """Raises RuntimeError when aiortc or aioice changed, so that this file is read again before it is trusted."""
    versions = (aiortc.__version__, aioice.__version__)
    if not all(have.startswith(want) for have, want in zip(versions, VERSIONS, strict=True)):
        raise RuntimeError(
            f"gateway/clients/internals.py was written for aiortc/aioice {VERSIONS}, not {versions}"
        )
    for owner, names in (
        (aioice.ice.Connection, ("get_component_candidates",)),
        (RTCSctpTransport, ("_get_inbound_stream", "_receive")),
        (InboundStream, ("add_chunk", "pop_messages", "prune_chunks")),
        (aioice.ice, ("CONSENT_INTERVAL", "CONSENT_FAILURES", "get_host_addresses")),
        (aiortc.rtcsctptransport, ("USERDATA_MAX_LENGTH",)),
    ):
        for name in names:
            if not hasattr(owner, name):
                raise RuntimeError(f"{owner.__name__}.{name} is gone")


def lower_latency(receiver: RTCRtpReceiver) -> None:
    """Replace the jitter buffer of an audio receiver. aiortc's holds 80 ms back, and 280 ms for good after one
    lost packet. Call before media flows."""
    _private(receiver, "jitter_buffer")
    setattr(receiver, JITTER_BUFFER, _Reorder(receiver))


async def end_decoder(receiver: RTCRtpReceiver) -> None:
    """End the decoder's thread before the receiver is stopped, which would wait for it with the loop blocked."""
    thread = _private(receiver, "decoder_thread")
    if thread is None:
        return
    _private(receiver, "decoder_queue").put(None)
    deadline = time.monotonic() + DECODER_S
    while thread.is_alive() and time.monotonic() < deadline:  # noqa: ASYNC110 - a thread's end cannot be awaited
        await asyncio.sleep(0.005)


def _private(receiver: RTCRtpReceiver, name: str) -> Any:
    """Raises AttributeError when aiortc renamed it."""
    return getattr(receiver, f"_RTCRtpReceiver__{name}")


class _Reorder(JitterBuffer):
    """Passes Opus packets on at once, each being a frame by itself. A packet out of order is kept until the
    missing one comes or another later one does; then everything is passed on, so that no delay remains. What
    evens out the arrival is `gateway.clients.timeline`."""

    def __init__(self, receiver: RTCRtpReceiver) -> None:
        super().__init__(capacity=2)
        self._codecs = _private(receiver, "codecs")
        self._queue = _private(receiver, "decoder_queue")
        self._mapper = _private(receiver, "timestamp_mapper")
        self._next: int | None = None
        self._kept: RtpPacket | None = None

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """aiortc decodes the one frame that is returned; those before it are handed to its decoder here."""
        ready = self._ready(packet)
        if not ready:
            return False, None
        self._next = uint16_add(ready[-1].sequence_number, 1)
        for earlier in ready[:-1]:
            codec = self._codecs.get(earlier.payload_type)
            if codec is not None:
                self._queue.put((codec, JitterFrame(_data(earlier), self._mapper.map(earlier.timestamp))))
        return False, JitterFrame(_data(ready[-1]), ready[-1].timestamp)

    def _ready(self, packet: RtpPacket) -> list[RtpPacket]:
        kept, number = self._kept, packet.sequence_number
        ahead = 0 if self._next is None else uint16_add(number, -self._next)
        if ahead >= 0x8000:
            if ahead > 0x10000 - MAX_JUMP:
                return []  # too late, or twice
            kept, ahead = None, 0  # the sender began anew
        if ahead == 0:
            follows = kept is not None and kept.sequence_number == uint16_add(number, 1)
            self._kept = None if follows else kept
            return [packet, kept] if follows and kept is not None else [packet]
        if kept is None:
            self._kept = packet
            return []
        if kept.sequence_number == number:
            return []
        self._kept = None
        return [packet, kept] if uint16_gt(kept.sequence_number, number) else [kept, packet]


def _data(packet: RtpPacket) -> bytes:
    data: bytes = packet._data  # type: ignore[attr-defined]  # noqa: SLF001 - where aiortc leaves the payload
    return data


def transports(pc: RTCPeerConnection) -> list[RTCDtlsTransport]:
    """The DTLS transports in use: one when everything is bundled."""
    used: dict[int, RTCDtlsTransport] = {}
    for transceiver in pc.getTransceivers():
        used[id(transceiver.receiver.transport)] = transceiver.receiver.transport
    if pc.sctp is not None:
        used[id(pc.sctp.transport)] = pc.sctp.transport
    return list(used.values())


def offer_addresses(pc: RTCPeerConnection, addresses: Sequence[str]) -> dict[str, str]:
    """Gather host candidates on `addresses` alone, loopback allowed, instead of on every interface but loopback;
    with no addresses, on every interface. Call between the two descriptions.

    An address that is not this machine's own is the public side of a 1:1 NAT: then every interface is gathered,
    and the result maps the local addresses to it, for `sdp.mend_answer`.
    """
    own = [address for address in addresses if _is_ours(address)]
    foreign = [address for address in addresses if address not in own]
    published: dict[str, str] = {}
    bound = list(own)
    if foreign or not addresses:
        for local in aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True):
            outside = next((a for a in foreign if (":" in a) == (":" in local)), None)
            if outside is not None:
                published[local] = outside
            if (outside is not None or not addresses) and local not in bound:
                bound.append(local)
    for transport in transports(pc):
        _gather_on(transport.transport, bound)
    return published


def _is_ours(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _gather_on(transport: RTCIceTransport, chosen: list[str]) -> None:
    connection = transport.iceGatherer._connection  # noqa: SLF001 - aiortc offers no way to choose addresses
    gather = connection.get_component_candidates

    async def gather_chosen(component: int, addresses: list[str]) -> list[Candidate]:
        return await gather(component=component, addresses=chosen, timeout=GATHERING_S)

    connection.get_component_candidates = gather_chosen  # type: ignore[assignment,method-assign]  # that is it


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
