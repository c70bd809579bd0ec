"""The audio of a WebRTC leg: what the caller says, as frames on our clock, and what they are to hear, as packets."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable

from gateway.clients.beat import PERIOD_S
from gateway.clients.packets import Packet
from gateway.ports import Speaker
from media.receiving import AudioReceiver
from media.sending import AudioSender, Effort, Outgoing

__all__ = ["Hearing", "Voice"]

LATENESS = 500
EFFORT = Effort()
"""Of all agents of this process: the more speak at once, the less each is encoded with."""


class Hearing:
    """The caller's audio: gives `on_audio` one frame for every 20 ms of our time, whatever the network does."""

    def __init__(self, on_audio: Callable[[bytes], None]) -> None:
        self._on_audio = on_audio
        self._receiver = AudioReceiver()
        self.heard_at: float | None = None
        """When the last packet came, in the loop's time."""

    @property
    def lost(self) -> dict[str, float]:
        """`concealed_ms`: made up where nothing arrived in time; `dropped_ms`: thrown away since it came too late."""
        return {"concealed_ms": self._receiver.concealed_ms, "dropped_ms": self._receiver.dropped_ms}

    def begin(self, now: float) -> None:
        """From now on frames are given; what was heard before is lost."""
        self._receiver.begin(now)

    def packet(self, packet: Packet, now: float) -> None:
        """One packet of the caller's."""
        self.heard_at = now
        for frame in self._receiver.packet(
            packet.sequence, packet.timestamp, packet.payload, now, packet.ssrc
        ):
            self._on_audio(frame)

    def tick(self, now: float) -> None:
        """Give what is due when nothing arrived. Call it every 20 ms."""
        for frame in self._receiver.tick(now):
            self._on_audio(frame)

    def close(self) -> None:
        """Free what libopus holds. Idempotent."""
        self._receiver.close()


class Voice:
    """The agent's audio: one frame for every 20 ms of the schedule, and packets only while there is sound."""

    def __init__(self) -> None:
        self.speaker: Speaker | None = None
        self._sender = AudioSender(random.getrandbits(32), EFFORT)
        self._next: float | None = None
        self._late: deque[float] = deque(maxlen=LATENESS)

    @property
    def late_ms(self) -> float:
        """How late all but the latest few packets of the last ten seconds went out: the irregularity that makes
        the caller's jitter buffer hold audio back."""
        late = sorted(self._late)
        return late[int(len(late) * 0.97)] * 1000 if late else 0.0

    def frame(self, due: float, now: float) -> Outgoing | None:
        """What is to be sent for this moment of the schedule, not encoded yet. Raises what the speaker raises."""
        if self._next is not None:
            skipped = round((due - self._next) / PERIOD_S)
            if skipped > 0:
                self._sender.skip(skipped)
        self._next = due + PERIOD_S
        self._late.append(max(0.0, now - due))
        return self._sender.frame(self.speaker.pull(now) if self.speaker else None)

    def lost(self, share: float) -> None:
        """So much of it the caller lately lost, 0 to 1."""
        self._sender.reported(share)

    def close(self) -> None:
        """Free what libopus holds. Idempotent."""
        self._sender.close()
