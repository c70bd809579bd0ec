"""RTP packets in the order of their sender: sorted, told apart, waited for, given up. Sans-IO.

What is in order passes at once: whoever listens here is a recogniser, not a loudspeaker, and takes audio when it
comes. Only behind a missing packet others wait, until `target` of audio waits or that time went by. The target moves
between 20 and 60 ms: up when a packet comes that was given up, down when none comes any more.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from media.opus_packet import TICKS_PER_MS, duration

__all__ = ["Due", "JitterBuffer"]

LEAST, BEGINNING, MOST = (ms * TICKS_PER_MS for ms in (20, 40, 60))
STEP = 20 * TICKS_PER_MS
CLOCK = 1000 * TICKS_PER_MS
"""Ticks a second."""
CONFIRMED_S = 0.5
"""A packet that did not come so long after it was given up is lost, not late."""
LOSSES = 3
"""So many lost and none late: waiting does not pay."""
CALM_S = 10.0
"""So long nothing late: the target comes down a step."""
MAX_DROPOUT, MAX_MISORDER = 3000, 100
"""Packets by which a sequence number may be ahead or behind. Beyond, the sender has begun anew, if the next packet
agrees (RFC 3550 appendix A.1)."""


class Due(NamedTuple):
    """A packet whose turn has come."""

    payload: bytes
    ticks: int
    """How long it sounds."""
    hole: int
    """Ticks since the end of the one before."""
    lost: bool
    """Packets are missing in the hole; otherwise its sender was silent."""
    anew: bool
    """The first of a sender, or of one that began anew."""


class _Packet(NamedTuple):
    timestamp: int
    payload: bytes
    ticks: int


class JitterBuffer:
    """One per call: `add` for every packet, `due` after it and on every tick."""

    def __init__(self) -> None:
        self._packets: dict[int, _Packet] = {}
        self._next: int | None = None
        """Sequence number whose turn it is, counted on beyond 16 bits."""
        self._place = 0
        """RTP time at which it should begin, counted on beyond 32 bits."""
        self._ssrc: int | None = None
        self._bad: int | None = None
        """Sequence number that would prove a new beginning."""
        self._anew = True
        self._noticed: float | None = None
        """Since when a hole is waited for."""
        self._given_up: deque[tuple[int, float]] = deque(maxlen=MAX_MISORDER)
        self._losses = 0
        self._calm_since: float | None = None
        self.target = BEGINNING
        """Ticks of audio that may wait behind a missing packet."""
        self.lost = 0
        """Packets given up so far, whether they came later or not."""
        self.late = 0
        """Packets that came after they were given up."""
        self.restarts = 0
        """How often the sender began anew."""

    @property
    def waiting(self) -> int:
        """Ticks of audio that wait behind a missing packet."""
        return sum(packet.ticks for packet in self._packets.values())

    def add(self, sequence: int, timestamp: int, payload: bytes, ssrc: int, now: float) -> bool:
        """A packet from the network. False when it is of no use: late, twice, or no Opus packet."""
        try:
            ticks = duration(payload)
        except ValueError:
            return False
        if self._next is None or ssrc != self._ssrc:
            self._begin(sequence, timestamp, ssrc)
        assert self._next is not None
        ahead = (sequence - self._next + 0x8000 & 0xFFFF) - 0x8000
        if not -MAX_MISORDER <= ahead <= MAX_DROPOUT:
            if sequence != self._bad:
                self._bad = sequence + 1 & 0xFFFF
                return False
            self._begin(sequence, timestamp, ssrc)
            ahead = 0
        number = self._next + ahead
        if ahead < 0:
            self._came_late(number, now)
            return False
        if number in self._packets:
            return False
        place = self._place + (timestamp - self._place + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        self._packets[number] = _Packet(place, payload, ticks)
        return True

    def passes(self, sequence: int, timestamp: int, payload: bytes, ssrc: int, now: float) -> int:
        """Ticks of a packet that comes exactly where and when it was expected, so that it need neither be added nor
        waited for: it has passed. 0 for any other, of which nothing is known yet."""
        if (
            ssrc != self._ssrc
            or self._next is None
            or sequence != self._next & 0xFFFF
            or timestamp != self._place & 0xFFFFFFFF
            or self._packets
            or self._given_up
            or self._anew
            or self._calm_since is None
            or now - self._calm_since >= CALM_S
        ):
            return 0
        try:
            ticks = duration(payload)
        except ValueError:
            return 0
        self._next += 1
        self._place += ticks
        return ticks

    @property
    def idle(self) -> bool:
        """Nothing is waited for."""
        return not (self._packets or self._given_up)

    def due(self, now: float) -> list[Due]:
        """The packets whose turn has come, in order."""
        out: list[Due] = []
        while self._packets:
            assert self._next is not None
            packet = self._packets.pop(self._next, None)
            lost = packet is None
            if packet is None:
                if not self._patience_ends(now):
                    break
                self._give_up(now)
                packet = self._packets.pop(self._next)
            # A clock that jumps back is no hole.
            hole = max(0, packet.timestamp - self._place)
            out.append(Due(packet.payload, packet.ticks, hole, lost, self._anew))
            self._anew = False
            self._place = packet.timestamp + packet.ticks
            self._next += 1
            self._noticed = None
        self._adapt(now)
        return out

    def _begin(self, sequence: int, timestamp: int, ssrc: int) -> None:
        if self._next is not None:
            self.restarts += 1
        self._anew = True
        self._packets.clear()
        self._given_up.clear()
        self._noticed = self._bad = None
        self._ssrc, self._next, self._place = ssrc, sequence, timestamp

    def _patience_ends(self, now: float) -> bool:
        if self._noticed is None:
            self._noticed = now
        return self.waiting >= self.target or now - self._noticed >= self.target / CLOCK

    def _give_up(self, now: float) -> None:
        assert self._next is not None
        first = min(self._packets)
        self.lost += first - self._next
        self._given_up.extend(
            (number, now) for number in range(max(self._next, first - MAX_MISORDER), first)
        )
        self._next = first

    def _came_late(self, number: int, now: float) -> None:
        for entry in self._given_up:
            if entry[0] == number:
                self._given_up.remove(entry)
                self.late += 1
                self._losses = 0
                self._calm_since = now
                self.target = min(MOST, self.target + STEP)
                return

    def _adapt(self, now: float) -> None:
        while self._given_up and now - self._given_up[0][1] > CONFIRMED_S:
            self._given_up.popleft()
            self._losses += 1
        if self._calm_since is None:
            self._calm_since = now
        if self._losses >= LOSSES or now - self._calm_since >= CALM_S:
            self.target = max(LEAST, self.target - STEP)
            self._losses = 0
            self._calm_since = now
