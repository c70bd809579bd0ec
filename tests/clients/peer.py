"""A caller: a real WebRTC peer on loopback, with a voice, ears and a data channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.jitterbuffer import JitterBuffer
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from gateway.clients.internals import close_cleanly, offer_addresses
from gateway.clients.webrtc import LegSettings, WebRtcLeg
from gateway.errors import HUNG_UP, Ending
from gateway.ports import Speaker
from media.resample import Resampler

__all__ = ["LOOPBACK", "Caller", "Mouth", "Quiet", "Sink", "call", "leg_of"]

LOOPBACK = ("127.0.0.1",)


class Mouth(MediaStreamTrack):
    """Says `pcm` (24 kHz) once, then is silent, at real time."""

    kind = "audio"

    def __init__(self, pcm: bytes = b"") -> None:
        super().__init__()
        self._samples = np.frombuffer(Resampler(24000, 48000).process(pcm), dtype="<i2")
        self._start: float | None = None
        self._count = 0
        self.free = asyncio.Event()
        """While cleared, no packet is made at all."""
        self.free.set()

    async def recv(self) -> av.AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        if self._start is None:
            self._start = loop.time()
        await asyncio.sleep(self._start + self._count * 0.02 - loop.time())
        await self.free.wait()
        piece = self._samples[self._count * 960 :][:960]
        samples = np.zeros((1, 960), dtype="<i2")
        samples[0, : len(piece)] = piece
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.time_base = 48000, Fraction(1, 48000)
        frame.pts = self._count * 960
        self._count += 1
        return frame


class Caller:
    """One peer. What it hears is in `heard`: (time of arrival, PCM 48 kHz stereo) per frame."""

    def __init__(self, pcm: bytes = b"", *, channel: str | None = "oai-events") -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.mouth = Mouth(pcm)
        self.heard: list[tuple[float, bytes]] = []
        self.places: list[float] = []
        """Where each of these is in the sender's stream, in seconds: nothing is sent of silence."""
        self.messages: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.listening: asyncio.Task[None] | None = None
        self.channel: Any = None
        self.channel_open = asyncio.Event()
        if channel is not None:
            self.channel = self.pc.createDataChannel(channel)
            self.channel.on("message", self.messages.put_nowait)
            self.channel.on("open", self.channel_open.set)

    async def offer(self, *, mouth: bool = True) -> str:
        if mouth:
            self.pc.addTrack(self.mouth)
        else:
            self.pc.addTransceiver("audio", "recvonly")
        offer = await self.pc.createOffer()
        close_cleanly(self.pc)
        offer_addresses(self.pc, LOOPBACK)
        await self.pc.setLocalDescription(offer)
        return str(self.pc.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        (receiver,) = self.pc.getReceivers()
        # aiortc's own holds 80 ms back, and 280 ms for good after one lost packet.
        receiver._RTCRtpReceiver__jitter_buffer = JitterBuffer(capacity=2)  # type: ignore[attr-defined]
        self.listening = asyncio.create_task(self._listen(receiver.track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, av.AudioFrame)
            self.heard.append((loop.time(), frame.to_ndarray().tobytes()))
            self.places.append((frame.pts or 0) / 48000)

    async def close(self) -> None:
        await self.pc.close()
        if self.listening is not None:
            self.listening.cancel()
            await asyncio.wait({self.listening})


class Sink:
    """Writes down what the leg tells, and lets a test wait for it."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.channel_open = asyncio.Event()
        self.events: asyncio.Queue[str] = asyncio.Queue()
        self.audio: list[tuple[float, bytes]] = []
        self.lost = asyncio.Event()
        self.endings: list[Ending] = []

    def on_connected(self) -> None:
        assert not self.connected.is_set()
        self.connected.set()

    def on_channel_open(self) -> None:
        assert not self.channel_open.is_set()
        self.channel_open.set()

    def on_audio(self, pcm: bytes) -> None:
        assert len(pcm) == 960
        assert not self.endings
        self.audio.append((asyncio.get_running_loop().time(), pcm))

    def on_event(self, message: str) -> None:
        assert not self.endings
        self.events.put_nowait(message)

    def on_digit(self, digit: str) -> None: ...

    def on_lost(self, ending: Ending) -> None:
        self.endings.append(ending)
        self.lost.set()


class Quiet:
    """A speaker with nothing to say."""

    def pull(self, now: float) -> bytes | None:
        return None


def leg_of(*, setup_s: float = 15.0) -> WebRtcLeg:
    return WebRtcLeg("rtc_test", LegSettings(ice_addresses=LOOPBACK, setup_s=setup_s))


@asynccontextmanager
async def call(
    pcm: bytes = b"",
    *,
    speaker: Speaker | None = None,
    mouth: bool = True,
    channel: str | None = "oai-events",
) -> AsyncIterator[tuple[Caller, WebRtcLeg, Sink]]:
    """A caller and a leg that are connected."""
    caller, leg, sink = Caller(pcm, channel=channel), leg_of(), Sink()
    try:
        answer = await leg.answer(await caller.offer(mouth=mouth))
        await leg.open(sink, speaker or Quiet())
        await caller.accept(answer)
        async with asyncio.timeout(20):
            await sink.connected.wait()
            if channel is not None:
                await sink.channel_open.wait()
                await caller.channel_open.wait()
        yield caller, leg, sink
    finally:
        await caller.close()
        await leg.close(HUNG_UP)
