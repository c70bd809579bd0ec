"""A browser's place: ICE, DTLS and SRTP of aiortc, packets that were encoded once, and RTP looked at as it arrives,
below any jitter buffer: a figure is what reached the caller and not what a browser would add."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import aioice.ice
import av
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from gateway.load.call import Failed, Place, asked_in_vain
from media.libopus import Decoder, OpusError

__all__ = ["Arrivals", "hold", "on_loopback", "use_loopback"]

RATE = 24000
SETUP_S = 15.0
BUFFER_S = 0.06
"""What is later than this against the soonest packet of the reply comes too late for a usual jitter buffer."""
NEW_REPLY_S = 0.25
LONGEST_GAP = 50


def use_loopback() -> None:
    """Have this process's ICE offer loopback, which aioice leaves out by itself, and nothing else."""
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


@contextmanager
def on_loopback() -> Iterator[None]:
    """The same within the block only, in a process that has other uses for aioice."""
    before = aioice.ice.get_host_addresses
    use_loopback()
    try:
        yield
    finally:
        aioice.ice.get_host_addresses = before


@dataclass(slots=True)
class Arrivals:
    """Which packets of a reply come too late to be played. Times in seconds, timestamps at 48 kHz (RFC 7587)."""

    soonest: float = 0.0
    last: int | None = None
    """Timestamp of the last loud packet."""
    late: bool = False

    def speech(self, now: float, timestamp: int) -> bool:
        """A loud packet came. True where the player has run dry."""
        transit = now - timestamp / 48000
        # A pause of the agent's is one in RTP time too. One of the packets alone is a stall, however long.
        if (
            self.last is None
            or (timestamp - self.last & 0xFFFFFFFF) > NEW_REPLY_S * 48000
            or abs(transit - self.soonest) > 10
        ):
            self.soonest, self.late = transit, False
        self.soonest, self.last = min(self.soonest, transit), timestamp
        was, self.late = self.late, transit - self.soonest > BUFFER_S
        return self.late and not was


async def hold(call: Place) -> str:
    """The call until it is cancelled, or how the server ended it. Raises Failed."""
    peer: Any = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    ended = asyncio.Event()
    connected = asyncio.Event()
    loop = asyncio.get_running_loop()

    def changed() -> None:
        if peer.connectionState == "connected":
            call.connected = call.connected or loop.time()
            connected.set()
        elif peer.connectionState in ("failed", "closed"):
            ended.set()
            connected.set()

    try:
        peer.addTrack(_Mouth(call))
        channel = peer.createDataChannel("oai-events")
        channel.on("close", ended.set)
        channel.on("message", call.message)
        # The one place below the jitter buffer.
        peer.getReceivers()[0]._handle_rtp_packet = _Ears(call).packet  # noqa: SLF001
        if call.plan.loss_percent:
            transport = peer.getSenders()[0].transport
            transport._send_rtp = _lossy(call, transport._send_rtp)  # noqa: SLF001
        peer.on("connectionstatechange", changed)
        await peer.setLocalDescription(await peer.createOffer())
        answer = await _offer(call, peer.localDescription.sdp)
        try:
            await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        except Exception as error:  # noqa: BLE001 - whatever aiortc raises, the answer is at fault
            raise Failed(
                f"the answer is no SDP that fits the offer: {type(error).__name__}: {error}"
            ) from None
        try:
            async with asyncio.timeout(SETUP_S):
                await connected.wait()
        except TimeoutError:
            raise Failed(f"no media path within {SETUP_S:.0f} s: UDP does not get through") from None
        await ended.wait()
        return "the server hung up"
    finally:
        # aiortc joins its decoder's thread, and would on the loop. Here it never had anything to decode.
        for receiver in peer.getReceivers():
            await asyncio.to_thread(receiver._RTCRtpReceiver__stop_decoder)  # noqa: SLF001
        await peer.close()


async def _offer(call: Place, sdp: str) -> str:
    plan = call.plan
    url = plan.address("webrtc", "/v1/realtime/calls")
    asked: dict[str, Any] = {"data": sdp, "headers": {"Content-Type": "application/sdp", **plan.headers}}
    if plan.offer == "json":
        more = {name: value.replace("{n}", str(call.number)) for name, value in plan.fields.items()}
        asked = {"json": {"sdp": sdp, "type": "offer", **more}, "headers": dict(plan.headers)}
    async with call.http.post(url, **asked) as response:
        body = await response.text(errors="replace")
        if response.status not in (200, 201):
            raise asked_in_vain(response.status, body, url, "--webrtc-path")
        if plan.offer == "json":
            try:
                body = str((await response.json(content_type=None))["sdp"])
            except (ValueError, KeyError, TypeError):
                raise Failed("the answer is no JSON with sdp (--offer raw sends plain SDP)") from None
    if not body.lstrip().startswith("v=0"):
        raise Failed("the answer is no SDP (--offer json sends {sdp, type})")
    return body


def _lossy(call: Place, send: Callable[[bytes], Awaitable[None]]) -> Callable[[bytes], Awaitable[None]]:
    """Loses packets after they were numbered, as a network does; RTCP (RFC 5761, section 4) is spared."""
    share = call.plan.loss_percent / 100

    async def sent(data: bytes) -> None:
        if 192 <= data[1] <= 223 or call.chance.random() >= share:
            await send(data)

    return sent


class _Ears:
    def __init__(self, call: Place) -> None:
        self._call = call
        self._decoder = Decoder(RATE)
        self._next: int | None = None
        self._arrivals = Arrivals()
        self._loop = asyncio.get_running_loop()
        self._loud = False
        self._reply: float | None = None

    async def packet(self, packet: Any, arrival_time_ms: int) -> None:
        now = self._loop.time()
        if self._next is not None:
            missing = (packet.sequence_number - self._next) & 0xFFFF
            if missing > 0x8000:
                return  # late or twice
            if 0 < missing < LONGEST_GAP and self._loud:
                self._call.gaps += 1
                self._call.lost_ms += 20.0 * missing
        self._next = (packet.sequence_number + 1) & 0xFFFF
        if not packet.payload:
            return
        try:
            pcm = self._decoder.decode(packet.payload)
        except OpusError:
            self._call.gaps += 1
            return
        self._loud = self._call.talk.hear(pcm, now, RATE)
        turns = self._call.talk.turns
        reply = turns[-1].reply_at if turns else None
        if reply != self._reply:
            # There are servers whose timestamps stand still between two replies.
            self._reply, self._arrivals = reply, Arrivals()
        if self._loud and self._arrivals.speech(now, packet.timestamp):
            self._call.underruns += 1


class _Mouth(MediaStreamTrack):
    """Sends packets on time, not one encoder call among them."""

    kind = "audio"

    def __init__(self, call: Place) -> None:
        super().__init__()
        self._call = call
        self._frame = 0

    async def recv(self) -> av.Packet[Any]:
        now = await self._call.pace.next()
        packet = av.Packet(self._call.talk.frame(now))
        packet.pts, packet.time_base = self._frame * 960, Fraction(1, 48000)
        self._frame += 1
        return packet
