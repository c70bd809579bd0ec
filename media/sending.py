"""The agent's voice: 20 ms frames of PCM 24 kHz in, Opus packets with RTP time and marker out. Sans-IO.

Nothing is encoded while nobody speaks, and next to nothing is sent: the end of speech is encoded until the codec has
settled, then one comfort packet of a single byte says that silence follows (DTX, RFC 7587 section 3.1.3), and another
every 400 ms that it still does. RTP time goes on meanwhile; the first packet after it carries the marker (RFC 3551
section 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass

from media.audio import FRAME_MS, PCM24
from media.libopus import Encoder, OpusError
from media.opus_packet import TICKS_PER_MS

__all__ = ["AudioSender", "Effort", "Outgoing", "encode"]

TICKS = FRAME_MS * TICKS_PER_MS
CLEAR_BIT_RATE, LOSSY_BIT_RATE = 24_000, 32_000
"""Without and with a copy of the packet before in each (in-band FEC, RFC 6716 section 2.1.7)."""
EFFORTS = ((8, 5), (20, 2))
"""While so many speak at once, how hard each encoder tries, of 10; beyond, 0. A frame costs 112 µs at 5, 85 at 2 and 47
at 0, and the loop does nothing else meanwhile."""
MOST_LOSS = 20
"""Percent that the encoder prepares for at most: beyond, the copies cost more than they mend."""
FORGETTING = 0.8
"""What remains of a reported loss when the next report knows of none."""
SETTLED = 5
"""Frames of silence after which the encoder has nothing left to say."""
REFRESH = 400 // FRAME_MS
"""Frames from one comfort packet to the next: libopus's own interval."""
SILENCE = bytes(PCM24.frame_bytes)
CODE_0 = 0xFC
"""Of a TOC byte, all but the number of frames (RFC 6716 section 3.1)."""


class Effort:
    """How hard the encoders of one process try: less when many speak at once. Shared by the senders."""

    def __init__(self) -> None:
        self.speaking = 0

    @property
    def complexity(self) -> int:
        """For one who begins to speak now."""
        return next((complexity for most, complexity in EFFORTS if self.speaking <= most), 0)


@dataclass(slots=True, eq=False)
class Outgoing:
    """One packet. `payload` is empty until `encode` filled it in; comfort packets come filled."""

    timestamp: int
    """RTP time, 32 bits, of its first sample."""
    marker: bool
    """Sound begins after silence."""
    payload: bytes
    sender: AudioSender
    pcm: bytes
    failed: OpusError | None = None
    """Why `encode` could not."""


class AudioSender:
    """One per call. `frame` every 20 ms; no other call while a packet of it is being encoded."""

    def __init__(self, timestamp: int = 0, effort: Effort | None = None) -> None:
        """`timestamp`: where RTP time begins; `effort`: that of all senders. Raises OpusMissing, OpusError."""
        self._effort = effort or Effort()
        self._complexity = self._effort.complexity
        self._speaks = self._closed = False
        self.encoder = Encoder(PCM24.rate, CLEAR_BIT_RATE, self._complexity, 0)
        self.toc = SILENT_TOC
        """First byte of the last packet that was encoded."""
        self._timestamp = timestamp
        self._silent = 0
        """Frames of silence in a row. A call begins with some: they open the way, and the listener's jitter buffer."""
        self._loss = 0.0

    def frame(self, pcm: bytes | None) -> Outgoing | None:
        """20 ms go by. The packet to be sent, if any, for this frame: PCM16, 24 kHz, mono; None is silence."""
        at = self._timestamp
        self._timestamp = at + TICKS & 0xFFFFFFFF
        if pcm is not None and pcm != SILENCE:
            marker, self._silent = self._silent > SETTLED, 0
            if not self._speaks:
                self._begin()
            return Outgoing(at, marker, b"", self, pcm)
        self._silent += 1
        if self._silent <= SETTLED:
            return Outgoing(at, False, b"", self, SILENCE)
        self._end()
        if (self._silent - SETTLED - 1) % REFRESH == 0:
            return Outgoing(at, False, bytes([self.toc & CODE_0]), self, b"")
        return None

    def skip(self, frames: int) -> None:
        """So many times 20 ms went by without `frame`: the process was held up."""
        self._timestamp = self._timestamp + frames * TICKS & 0xFFFFFFFF

    def reported(self, loss: float) -> None:
        """The share of packets, 0 to 1, that the listener said were lost (RTCP, RFC 3550 section 6.4.1)."""
        self._loss = max(loss, self._loss * FORGETTING if self._loss > 0.005 else 0.0)
        self._tune()

    def close(self) -> None:
        """Free the encoder. Idempotent; what is reported later changes nothing."""
        self._closed = True
        self._end()
        self.encoder.close()

    def _begin(self) -> None:
        self._speaks = True
        self._effort.speaking += 1
        if self._complexity != self._effort.complexity:
            self._complexity = self._effort.complexity
            self._tune()

    def _end(self) -> None:
        if self._speaks:
            self._speaks = False
            self._effort.speaking -= 1

    def _tune(self) -> None:
        if self._closed:
            return
        percent = min(MOST_LOSS, round(100 * self._loss))
        self.encoder.tune(LOSSY_BIT_RATE if percent else CLEAR_BIT_RATE, self._complexity, percent)


SILENT_TOC = 0x68
"""Hybrid, superwideband, 20 ms, mono (RFC 6716 table 2): what speech at our rates is."""


def encode(packet: Outgoing) -> None:
    """Fill in its payload. One that fails says why."""
    if packet.payload:
        return
    try:
        packet.payload = payload = packet.sender.encoder.encode(packet.pcm)
    except OpusError as error:
        packet.failed = error
    else:
        packet.sender.toc = payload[0]
