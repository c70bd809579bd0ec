"""Where Parley reaches into aiortc and aioice, and why. But for this file and `bounds.py` nothing touches what is
private to them.

All of it is per connection, but for three constants set on import. `check` fails when the libraries are no longer
those that this was written against; a test calls it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, ParamSpec

import aioice
import aioice.ice
import aiortc
import aiortc.rtcsctptransport
from aioice import Candidate
from aiortc import (
    RTCDtlsTransport,
    RTCIceTransport,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCSctpTransport,
)
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtcsctptransport import InboundStream
from aiortc.rtp import RtpPacket
from aiortc.utils import uint16_add, uint16_gt

from gateway.clients.addresses import is_ours

__all__ = [
    "check",
    "close_cleanly",
    "end_decoder",
    "lower_latency",
    "offer_addresses",
    "transports",
]

Arguments = ParamSpec("Arguments")

VERSIONS = ("1.16.", "0.13.")
JITTER_BUFFER = "_RTCRtpReceiver__jitter_buffer"
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


def check() -> None:
    """Raises RuntimeError when aiortc or aioice changed, so that this file is read again before it is trusted."""
    versions = (aiortc.__version__, aioice.__version__)
    if not all(have.startswith(want) for have, want in zip(versions, VERSIONS, strict=True)):
        raise RuntimeError(
            f"gateway/clients/internals.py was written for aiortc/aioice {VERSIONS}, not {versions}"
        )
    for owner, names in (
        (aioice.ice.Connection, ("get_component_candidates", "query_consent")),
        (RTCIceTransport, ("start",)),
        (RTCRtpSender, ("send",)),
        (RTCRtpReceiver, ("receive",)),
        (RTCSctpTransport, ("start", "_get_inbound_stream", "_receive")),
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
    evens out the arrival is `media.timeline`."""

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
    own = [address for address in addresses if is_ours(address)]
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


def _gather_on(transport: RTCIceTransport, chosen: list[str]) -> None:
    connection = transport.iceGatherer._connection  # noqa: SLF001 - aiortc offers no way to choose addresses
    gather = connection.get_component_candidates

    async def gather_chosen(component: int, addresses: list[str]) -> list[Candidate]:
        return await gather(component=component, addresses=chosen, timeout=GATHERING_S)

    connection.get_component_candidates = gather_chosen  # type: ignore[assignment,method-assign]  # that is it


def close_cleanly(pc: RTCPeerConnection) -> None:
    """Let nothing start once the connection is closed. aiortc connects in a task of its own that `close` does not
    wait for: when both happen in the same moment, what it starts would run for ever. Call between the two
    descriptions."""
    starters: list[tuple[object, str]] = []
    for transport in transports(pc):
        ice = transport.transport
        starters.append((ice, "start"))
        starters.append((ice.iceGatherer._connection, "query_consent"))  # noqa: SLF001 - aioice's half of it
    for transceiver in pc.getTransceivers():
        starters += [(transceiver.sender, "send"), (transceiver.receiver, "receive")]
    if pc.sctp is not None:
        starters.append((pc.sctp, "start"))
    for owner, name in starters:
        setattr(owner, name, partial(_unless_closed, pc, getattr(owner, name)))


async def _unless_closed(
    pc: RTCPeerConnection,
    start: Callable[Arguments, Awaitable[None]],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> None:
    if pc.signalingState != "closed":
        await start(*args, **kwargs)
