"""Callers: aiortc peers that say the script's packets and time what comes back.

Sending costs next to nothing (the packets were encoded once). Received RTP is looked at as it arrives, before the
jitter buffer, so a figure here is what reached the caller, not what a browser would add.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import aiohttp
import aioice.ice
import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from scripts.bench.script import FRAME_S, SILENCE_MS, THINK_MS, Script

__all__ = ["Caller", "Heard", "use_loopback"]


def use_loopback() -> None:
    """Have this process's ICE offer loopback, which aioice leaves out by itself, and nothing else."""
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


LOUD = 600
"""Mean magnitude of a packet that is not silence; the mock's tone has about 5000."""
SETTLED_MS = SILENCE_MS + THINK_MS - 60
"""Audio sooner after the caller's last word than this belongs to an older reply."""


@dataclass(slots=True)
class Heard:
    """One turn of the caller, and what it got. Times are CLOCK_MONOTONIC seconds."""

    began: float
    interrupts: bool
    over_reply: bool
    """Whether the agent was audible when the turn began."""
    ended: float | None = None
    old_until: float | None = None
    """Last audible packet of the reply that was interrupted."""
    reply_at: float | None = None
    reply_ms: float = 0.0

    @property
    def overhead_ms(self) -> float | None:
        """Last word → first audible packet, without the silence and the thinking that are the mock's own."""
        if self.ended is None or self.reply_at is None:
            return None
        return (self.reply_at - self.ended) * 1000 - SILENCE_MS - THINK_MS

    @property
    def bargein_ms(self) -> float | None:
        """First sample of the interruption → last audible packet of the old reply."""
        if not (self.interrupts and self.over_reply) or self.old_until is None:
            return None
        return (self.old_until - self.began) * 1000


@dataclass(slots=True)
class Caller:
    """One call, `offset` frames into the script's silence before its first word."""

    script: Script
    offset: int
    turns: list[Heard] = field(default_factory=list)
    answer_ms: float = 0.0
    connected_ms: float | None = None
    late_ms: float = 0.0
    """How much later than due the latest packet left: the measuring machine's own fault."""
    last_loud: float = 0.0
    peer: Any = None
    decoder: Any = field(default_factory=lambda: av.CodecContext.create("libopus", "r"))

    async def call(self, http: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> None:
        """Offer, and take the answer. Raises RuntimeError when there is none."""
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peer.addTrack(_Mouth(self))
        self.peer.createDataChannel("oai-events")
        # The one place below the jitter buffer.
        self.peer.getReceivers()[0]._handle_rtp_packet = self.on_rtp  # noqa: SLF001
        began = time.monotonic()

        def changed() -> None:
            if self.peer.connectionState == "connected" and self.connected_ms is None:
                self.connected_ms = (time.monotonic() - began) * 1000

        self.peer.on("connectionstatechange", changed)
        await self.peer.setLocalDescription(await self.peer.createOffer())
        sent = time.monotonic()
        headers = {"Content-Type": "application/sdp", **headers}
        async with http.post(url, data=self.peer.localDescription.sdp, headers=headers) as response:
            answer = await response.text()
            if response.status != 201:
                raise RuntimeError(f"the server answered {response.status}: {answer[:200]}")
        self.answer_ms = (time.monotonic() - sent) * 1000
        await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    @property
    def alive(self) -> bool:
        return self.peer is not None and self.peer.connectionState == "connected"

    async def hang_up(self) -> None:
        if self.peer is not None:
            await self.peer.close()

    def say(self, frame: int, now: float) -> bytes:
        """The packet that leaves at `now`; notes where turns begin and end."""
        if frame < self.offset:
            return self.script.packets[0]
        place = (frame - self.offset) % len(self.script.packets)
        for turn in self.script.turns:
            if place == turn.first:
                self.turns.append(Heard(now, turn.interrupts, now - self.last_loud < 0.1))
            elif place == turn.last and self.turns:
                self.turns[-1].ended = now
        return self.script.packets[place]

    async def on_rtp(self, packet: Any, arrival_time_ms: int) -> None:
        now = time.monotonic()
        for frame in self.decoder.decode(av.Packet(packet.payload)):
            samples = frame.to_ndarray()
            scale = 32768 if samples.dtype.kind == "f" else 1
            if float(np.abs(samples[:, ::8].astype(np.float32)).mean()) * scale > LOUD:
                self._audible(now, frame.samples / frame.sample_rate * 1000)

    def _audible(self, now: float, length_ms: float) -> None:
        self.last_loud = now
        if not self.turns:
            return
        turn = self.turns[-1]
        if turn.ended is not None and now > turn.ended + SETTLED_MS / 1000:
            turn.reply_at = turn.reply_at or now
            turn.reply_ms += length_ms
        else:
            turn.old_until = now


class _Mouth(MediaStreamTrack):
    """Sends the script's packets on time, not one encoder call among them."""

    kind = "audio"

    def __init__(self, caller: Caller, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.caller, self.clock = caller, clock
        self.frame = 0
        self.began: float | None = None

    async def recv(self) -> av.Packet[Any]:
        if self.began is None:
            self.began = self.clock()
        due = self.began + self.frame * FRAME_S
        await asyncio.sleep(max(0.0, due - self.clock()))
        now = self.clock()
        self.caller.late_ms = max(self.caller.late_ms, (now - due) * 1000)
        packet = av.Packet(self.caller.say(self.frame, now))
        packet.pts, packet.time_base = self.frame * 960, Fraction(1, 48000)
        self.frame += 1
        return packet
