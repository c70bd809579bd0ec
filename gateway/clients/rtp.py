"""The narrow audio seam of the WebRTC leg: RTP in → PCM 24 kHz, PCM 24 kHz → RTP out.

Nothing above knows that aiortc's tracks stand behind it: `Hearing` gives a frame every 20 ms of real time whatever
the network does, and `Voice` asks the speaker for one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
from aiortc import RTCPeerConnection
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.stream import Stream

from gateway.clients.opus import OpusEncoder
from gateway.ports import Speaker
from media.audio import FRAME_MS, PCM24
from media.halve import Halver
from media.timeline import Timeline

__all__ = ["Hearing", "Voice", "figures"]

logger = logging.getLogger(__name__)

RTP_RATE = 48_000
"""The clock of Opus over RTP, whatever is encoded (RFC 7587 section 4.1)."""
RTP_CLOCK = Fraction(1, RTP_RATE)
FRAME_S = FRAME_MS / 1000
LATENESS = 500
BEHIND = 10
"""Frames that are sent in a burst when the loop was held up; time beyond is skipped."""


class Hearing:
    """The caller's audio. Decoded frames are 48 kHz stereo; they are told as 24 kHz mono."""

    def __init__(self, on_audio: Callable[[bytes], None]) -> None:
        self._on_audio = on_audio
        self._halver = Halver()
        self._timeline = Timeline()
        self.heard_at: float | None = None
        """When the last packet's audio arrived, in the loop's time."""

    @property
    def lost(self) -> dict[str, float]:
        """`concealed_ms`: made up where nothing arrived in time; `dropped_ms`: thrown away since it came too late."""
        return {"concealed_ms": self._timeline.concealed_ms, "dropped_ms": self._timeline.dropped_ms}

    def begin(self, now: float) -> None:
        """From now on frames are given; what was heard before is lost."""
        self._timeline.begin(now)

    async def listen(self, track: MediaStreamTrack) -> None:
        """Take every frame of the track until it ends: what nobody takes would pile up."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            self.heard_at = loop.time()
            if isinstance(frame, av.AudioFrame):
                pcm = self._halver.process(np.frombuffer(bytes(frame.planes[0]), "<i2", 2 * frame.samples))
                at = (frame.pts or 0) * PCM24.rate // RTP_RATE
                self._give(self._timeline.arrive(pcm, at, self.heard_at))

    def tick(self, now: float) -> None:
        """Give what is due when nothing arrived. Call it every 20 ms."""
        self._give(self._timeline.tick(now))

    def _give(self, frames: list[bytes]) -> None:
        for frame in frames:
            self._on_audio(frame)


class Voice(MediaStreamTrack):
    """The agent's audio: a track whose `recv` gives one Opus packet every 20 ms of the loop's clock, silence when
    the speaker has nothing. Its failure is told to `on_fault`: aiortc would only go quiet."""

    kind = "audio"

    def __init__(self, on_fault: Callable[[], None]) -> None:
        super().__init__()
        self.speaker: Speaker | None = None
        self._on_fault = on_fault
        self._encoder = OpusEncoder()
        self._start: float | None = None
        self._count = 0
        self._late: deque[float] = deque(maxlen=LATENESS)

    @property
    def late_ms(self) -> float:
        """How late all but the latest few packets of the last ten seconds went out: the irregularity that makes
        the caller's jitter buffer hold audio back."""
        late = sorted(self._late)
        return late[int(len(late) * 0.97)] * 1000 if late else 0.0

    async def recv(self) -> av.Packet[Stream]:
        """Raises MediaStreamError when the track was stopped or broke."""
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._start is None:
            self._start = now
        due = self._start + self._count * FRAME_S
        if due > now:
            await asyncio.sleep(due - now)
            now = loop.time()
        elif now - due > BEHIND * FRAME_S:
            self._count += int((now - due) / FRAME_S)
        self._late.append(max(0.0, now - due))
        try:
            packet = av.Packet(self._encoder.encode(self.speaker.pull(now) if self.speaker else None))
        except Exception:  # whatever the speaker or the codec raises, the call must learn of it
            logger.exception("the outgoing audio broke")
            self._on_fault()
            raise MediaStreamError from None
        packet.pts = self._count * FRAME_MS * RTP_RATE // 1000
        packet.time_base = RTP_CLOCK
        self._count += 1
        return packet


async def figures(pc: RTCPeerConnection) -> dict[str, float]:
    """What is known of the audio both ways: jitter_ms, packet_loss (0 to 1) as received, rtt_ms."""
    known: dict[str, float] = {}
    for report in (await pc.getStats()).values():
        if report.type == "inbound-rtp":
            packets = report.packetsReceived + report.packetsLost
            known["jitter_ms"] = round(report.jitter * 1000 / RTP_RATE, 1)
            known["packet_loss"] = round(max(0, report.packetsLost) / packets, 4) if packets > 0 else 0.0
        elif report.type == "remote-inbound-rtp" and report.roundTripTime is not None:
            known["rtt_ms"] = round(max(0.0, report.roundTripTime * 1000), 1)
    return known
