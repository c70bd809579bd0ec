"""Where Parley reaches into aiortc and aioice, and why. But for this file and `bounds.py` nothing touches what is
private to them.

All of it is per connection, but for three constants set on import. `check` fails when the libraries are no longer
those that this was written against; a test calls it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import ParamSpec

import aioice
import aioice.ice
import aiortc
import aiortc.rtcsctptransport
import pylibsrtp
from aioice import Candidate
from aioice.ice import StunProtocol
from aiortc import (
    RTCDtlsTransport,
    RTCIceTransport,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCSctpTransport,
)
from aiortc.rtcdtlstransport import State
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters, RTCRtpSendParameters
from aiortc.rtcsctptransport import InboundStream
from pylibsrtp import SRTP_MAX_TRAILER_LEN as TRAILER
from pylibsrtp import Session, ffi, lib  # type: ignore[attr-defined]  # its own, handed on

from gateway.clients.addresses import is_ours
from gateway.clients.rtp import Outgoing

__all__ = [
    "MediaWire",
    "check",
    "close_cleanly",
    "offer_addresses",
    "take_audio",
    "transports",
]

Arguments = ParamSpec("Arguments")

VERSIONS = ("1.16.", "0.13.")
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
SENDERS = ("_data_channel_flush", "_transmit", "_transmit_reconfig", "_send_reconfig_param")
"""What aiortc's SCTP does in tasks that nobody waits for: on a timer, after a message, and once it is connected."""
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
        (StunProtocol, ("datagram_received",)),
        (State, ("CONNECTED",)),
        (RTCSctpTransport, ("start", "_get_inbound_stream", "_receive", *SENDERS)),
        (InboundStream, ("add_chunk", "pop_messages", "prune_chunks")),
        (aioice.ice, ("CONSENT_INTERVAL", "CONSENT_FAILURES", "get_host_addresses")),
        (aiortc.rtcsctptransport, ("USERDATA_MAX_LENGTH",)),
    ):
        for name in names:
            if not hasattr(owner, name):
                raise RuntimeError(f"{owner.__name__}.{name} is gone")
    for method, names in (
        (aioice.ice.Connection.__init__, ("_nominated", "_protocols")),
        (RTCDtlsTransport._setup_srtp, ("_rx_srtp", "_tx_srtp")),  # noqa: SLF001 - this is the place for it
        (RTCDtlsTransport.__init__, ("_state",)),
        (RTCIceTransport.__init__, ("_connection",)),
        (RTCRtpSender.__init__, ("_ssrc",)),
        (Session.__init__, ("_cdata", "_buffer", "_srtp")),
    ):
        for name in names:
            if name not in method.__code__.co_names:
                raise RuntimeError(f"{method.__qualname__} no longer sets {name}")


def transports(pc: RTCPeerConnection) -> list[RTCDtlsTransport]:
    """The DTLS transports in use: one when everything is bundled."""
    used: dict[int, RTCDtlsTransport] = {}
    for transceiver in pc.getTransceivers():
        used[id(transceiver.receiver.transport)] = transceiver.receiver.transport
    if pc.sctp is not None:
        used[id(pc.sctp.transport)] = pc.sctp.transport
    return list(used.values())


class MediaWire:
    """RTP and RTCP over one DTLS transport (`gateway.clients.rtp.Wire`), past aiortc's queue and receiving task: in, as
    the socket has it; out, by one encryption and one system call. Bundled or not, it is the audio's transport."""

    def __init__(self, transport: RTCDtlsTransport) -> None:
        self._dtls = transport
        self._ice = transport.transport.iceGatherer._connection  # noqa: SLF001 - aioice's half of it
        self._diverted: list[StunProtocol] = []
        self._length = ffi.new("int *")

    def divert(self, on_datagram: Callable[[bytes], None]) -> None:
        """From now on media goes to `on_datagram` (RFC 7983 tells it by its first byte), the rest where it went.
        Call after candidates were gathered."""
        for protocol in self._ice._protocols:  # noqa: SLF001 - the sockets
            passed = protocol.datagram_received

            def received(
                data: bytes,
                addr: tuple[str, int],
                passed: Callable[[bytes, tuple[str, int]], None] = passed,
            ) -> None:
                if data and 127 < data[0] < 192:
                    on_datagram(data)
                else:
                    passed(data, addr)

            protocol.datagram_received = received  # type: ignore[assignment,method-assign]  # that is it
            self._diverted.append(protocol)

    def release(self) -> None:
        """Divert nothing any more. Idempotent."""
        for protocol in self._diverted:
            del protocol.datagram_received  # the class has its own again
        self._diverted.clear()

    def open_rtp(self, data: bytes) -> bytes | None:
        """As `Wire` says; SRTP knows repeated packets by a window of 1024 (RFC 3711 section 3.3.2)."""
        dtls = self._dtls
        session: Session | None = dtls._rx_srtp  # noqa: SLF001 - there once the handshake is done
        if session is None or dtls._state is not State.CONNECTED:  # noqa: SLF001
            return None
        return self._pass(session, lib.srtp_unprotect, data, len(data))

    def open_rtcp(self, data: bytes) -> bytes | None:
        """As `open_rtp`."""
        session: Session | None = self._dtls._rx_srtp  # noqa: SLF001 - as above
        if session is None or self._dtls._state is not State.CONNECTED:  # noqa: SLF001
            return None
        try:
            opened: bytes = session.unprotect_rtcp(data)
        except (pylibsrtp.Error, ValueError):
            return None
        return opened

    def send_rtp(self, packet: bytes) -> None:
        """As `Wire` says."""
        session: Session | None = self._dtls._tx_srtp  # noqa: SLF001 - as above
        if session is not None:
            # Asked once more, the library's own says what is wrong.
            protected = self._pass(session, lib.srtp_protect, packet, len(packet) + TRAILER)
            self._send(protected or session.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        """As `Wire` says."""
        session: Session | None = self._dtls._tx_srtp  # noqa: SLF001 - as above
        if session is not None:
            self._send(session.protect_rtcp(packet))

    def _pass(self, session: Session, function: Callable[..., int], data: bytes, most: int) -> bytes | None:
        """What libsrtp makes of a packet, in the session's own buffer: as `Session.protect` and `unprotect`, which take
        twice as long. `most`: bytes that it may come to. None when it is refused, or longer than any packet may be."""
        buffer, length = session._buffer, self._length  # noqa: SLF001 - see above
        if most > len(buffer):
            return None
        length[0] = size = len(data)
        buffer[0:size] = data
        if function(session._srtp[0], session._cdata, length):  # noqa: SLF001 - see above
            return None
        passed: bytes = buffer[0 : length[0]]
        return passed

    def _send(self, data: bytes) -> None:
        pair = self._ice._nominated.get(1)  # noqa: SLF001 - the path that ICE found, gone when it is closed
        if pair is not None and self._dtls._state is State.CONNECTED:  # noqa: SLF001
            pair.protocol.transport.sendto(data, pair.remote_addr)


def take_audio(pc: RTCPeerConnection, on_start: Callable[[Outgoing], None]) -> MediaWire:
    """Leave aiortc the words of the audio (SDP, ICE, DTLS) and take its packets: neither its sender nor its receiver
    ever starts, which would be four tasks, a thread and a queue. `on_start` is told what the answer said of our
    stream, once there is a connection. Call between the two descriptions, before `close_cleanly`."""
    (transceiver,) = pc.getTransceivers()
    sender, receiver = transceiver.sender, transceiver.receiver

    async def send(parameters: RTCRtpSendParameters) -> None:
        extensions = {extension.uri: extension.id for extension in parameters.headerExtensions}
        on_start(
            Outgoing(
                ssrc=sender._ssrc,  # noqa: SLF001 - the one in the answer
                cname=parameters.rtcp.cname or "",
                payload_type=parameters.codecs[0].payloadType or 0,
                mid=parameters.muxId,
                mid_extension=extensions.get(MID),
            )
        )

    async def receive(parameters: RTCRtpReceiveParameters) -> None:
        """Packets come without being asked for."""

    sender.send = send  # type: ignore[method-assign]  # that is it
    receiver.receive = receive  # type: ignore[method-assign]  # that is it
    return MediaWire(receiver.transport)


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
    wait for: when both happen in the same moment, what it starts would run for ever. Nor does it wait for the tasks in
    which SCTP sends: they end without a word where the path is gone. Call between the two descriptions."""
    starters: list[tuple[object, str]] = []
    for transport in transports(pc):
        ice = transport.transport
        starters.append((ice, "start"))
        starters.append((ice.iceGatherer._connection, "query_consent"))  # noqa: SLF001 - aioice's half of it
    for transceiver in pc.getTransceivers():
        starters += [(transceiver.sender, "send"), (transceiver.receiver, "receive")]
    if pc.sctp is not None:
        starters.append((pc.sctp, "start"))
        for name in SENDERS:
            setattr(pc.sctp, name, partial(_unless_lost, getattr(pc.sctp, name)))
    for owner, name in starters:
        setattr(owner, name, partial(_unless_closed, pc, getattr(owner, name)))


async def _unless_lost(
    send: Callable[Arguments, Awaitable[None]], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> None:
    # A caller who left, or closed in the same moment, is noticed by ICE and DTLS. What was to be sent is void.
    with suppress(ConnectionError):
        await send(*args, **kwargs)


async def _unless_closed(
    pc: RTCPeerConnection,
    start: Callable[Arguments, Awaitable[None]],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> None:
    if pc.signalingState != "closed":
        await start(*args, **kwargs)
