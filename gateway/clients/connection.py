"""One WebRTC connection as aiortc makes it, from an offer to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from aiortc import RTCConfiguration, RTCDataChannel, RTCIceServer, RTCPeerConnection, RTCRtpSender
from aiortc import RTCSessionDescription as Description
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.rtcdtlstransport import RTCDtlsTransport

from gateway.clients.bounds import Fault, bound_messages
from gateway.clients.internals import (
    MediaWire,
    close_cleanly,
    offer_addresses,
    take_audio,
    transports,
)
from gateway.clients.packets import Packet
from gateway.clients.rtp import RtpSession
from gateway.clients.sdp import Offer, mend_answer
from gateway.errors import HUNG_UP, LEFT, Ending, LegError, LegProtocolError
from gateway.log import where

__all__ = ["Connection", "LegSettings"]

logger = logging.getLogger(__name__)

CLOSE_S = 4.0


@dataclass(frozen=True, slots=True)
class LegSettings:
    """What every WebRTC leg of this process shares."""

    ice_addresses: tuple[str, ...] = ()
    """Host candidates to offer, loopback allowed; every interface but loopback when empty. An address that this
    machine does not have is offered as the public side of a 1:1 NAT."""
    ice_servers: tuple[str, ...] = ()
    """`stun:` URLs; only the first is used."""
    setup_s: float = 15.0
    """How long the caller may take to connect after the answer."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Whom the connection tells what happens to it."""

    connected: Callable[[], None]
    over: Callable[[Ending | None], None]
    """None: it failed or closed without a peer that said so."""
    channel: Callable[[RTCDataChannel], None]
    fault: Callable[[Fault], None]
    packet: Callable[[Packet], None]
    """One of the caller's packets, in the order in which they come."""
    loss: Callable[[float], None]
    """The share of our packets that the caller lately lost, 0 to 1."""


class Connection:
    """Answers one offer with one audio section and one data channel. `release` may hang up at any time after
    `answer` came back, but not during it: sockets half gathered would stay open."""

    def __init__(self, settings: LegSettings, watch: Watch) -> None:
        servers = [RTCIceServer(urls=url.partition("?")[0]) for url in settings.ice_servers]
        self._settings = settings
        self._watch = watch
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._wire: MediaWire | None = None
        self.rtp: RtpSession | None = None
        """The audio, once answered."""

    async def answer(self, offer: Offer) -> str:
        """The complete answer, with candidates.

        Raises LegProtocolError when aiortc cannot answer, LegError when there is no address to offer.
        """
        pc, watch = self._pc, self._watch
        pc.on("connectionstatechange", self._state_changed)
        pc.on("datachannel", watch.channel)
        transceiver = pc.addTransceiver("audio", "sendrecv")
        audio = RTCRtpSender.getCapabilities("audio").codecs
        transceiver.setCodecPreferences(
            [codec for codec in audio if codec.mimeType.lower() == "audio/opus"]
        )
        try:
            await pc.setRemoteDescription(Description(sdp=offer.sdp, type="offer"))
        except (ValueError, InternalError, InvalidAccessError, InvalidStateError, OperationError) as error:
            raise LegProtocolError(f"the offer cannot be answered: {error}") from error
        wire = self._wire = take_audio(pc, lambda out: rtp.start(out))
        rtp = self.rtp = RtpSession(wire, offer.opus, watch.packet, watch.loss)
        close_cleanly(pc)
        published = offer_addresses(pc, self._settings.ice_addresses)
        if pc.sctp is not None:
            bound_messages(pc.sctp, watch.fault)
        for transport in transports(pc):
            transport.on("statechange", lambda transport=transport: self._transport_changed(transport))
        await pc.setLocalDescription(await pc.createAnswer())
        wire.divert(rtp.datagram)
        answer = pc.localDescription.sdp
        if "a=candidate:" not in answer:
            raise LegError("no address could be offered; check PARLEY_ICE_ADDRESSES")
        return mend_answer(answer, offer, published)

    async def release(self) -> None:
        """Close everything, within 4 s as a rule; what takes longer goes on by itself. Raises nothing but
        CancelledError."""
        try:
            if self.rtp is not None:
                self.rtp.goodbye()
        except Exception as fault:  # noqa: BLE001 - nothing may keep the call from ending
            logger.error("no goodbye to the caller: %s", where(fault))
        # Not cancelled when it is late: aiortc does not begin again, and the sockets that are left would stay open.
        closing = asyncio.ensure_future(self._pc.close())  # noqa: TID251 - waited for here, or it ends by itself
        closing.add_done_callback(self._closed)
        _, late = await asyncio.wait({closing}, timeout=CLOSE_S)
        if late:
            logger.error("the connection did not close in time")
        if self._wire is not None:
            self._wire.release()
        self._pc.remove_all_listeners()

    def _closed(self, closing: asyncio.Future[None]) -> None:
        if not closing.cancelled() and (fault := closing.exception()) is not None:
            logger.error("closing the connection failed: %s", where(fault))

    def _state_changed(self) -> None:
        state = self._pc.connectionState
        if state == "connected":
            self._watch.connected()
        elif state in ("failed", "closed"):
            self._watch.over(None)

    def _transport_changed(self, transport: RTCDtlsTransport) -> None:
        """DTLS closes at once when the peer says so (close_notify), and when consent to send expired; in that
        case the ICE connection is closed already and has no candidates any more."""
        if transport.state == "closed":
            alive = transport.transport.iceGatherer.getLocalCandidates()
            self._watch.over(HUNG_UP if alive else LEFT)
