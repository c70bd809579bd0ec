"""One stream as it comes in: how many packets, how many are missing, how irregular (RFC 3550 sections 6.4.1, A.1,
A.3, A.8). Sans-IO."""

from __future__ import annotations

from gateway.clients.rtcp import Report

__all__ = ["Source"]

MAX_DROPOUT, MAX_MISORDER = 3000, 100
"""Packets by which a sequence number may be ahead or behind (section A.1)."""
JUMP_S = 1.0
"""A difference longer than this is a jump of the sender's clock, not jitter."""


class Source:
    """One per SSRC. Times are seconds of a clock that never goes back."""

    def __init__(self, ssrc: int, rate: int) -> None:
        """`rate`: of the RTP clock, in Hz."""
        self.ssrc = ssrc
        self.last_at: float | None = None
        """When the last packet came."""
        self.received = 0
        self._rate = rate
        self._first = 0
        self._highest = 0
        """Both counted on beyond 16 bits."""
        self._bad: int | None = None
        self._earlier = 0
        """Expected before the sender began anew."""
        self._jitter = 0.0
        self._transit: float | None = None
        self._timestamp = 0
        self._expected_before = self._received_before = 0
        self._sr: tuple[int, float] | None = None

    @property
    def jitter_s(self) -> float:
        return self._jitter / self._rate

    @property
    def expected(self) -> int:
        """Packets that were sent, as far as is known."""
        return self._earlier + (self._highest - self._first + 1 if self.received else 0)

    @property
    def lost(self) -> int:
        """Packets of these that did not come; negative when some came twice."""
        return self.expected - self.received

    def packet(self, sequence: int, timestamp: int, now: float) -> None:
        """One packet came."""
        self.last_at = now
        if not self.received:
            self._first = self._highest = sequence
        else:
            ahead = (sequence - self._highest + 0x8000 & 0xFFFF) - 0x8000
            if not -MAX_MISORDER <= ahead <= MAX_DROPOUT:
                if sequence != self._bad:
                    self._bad = sequence + 1 & 0xFFFF
                    return
                self._earlier = self.expected
                self._first = self._highest = sequence
                self._transit = None
                ahead = 0
            if ahead > 0:
                self._highest += ahead
        self._bad = None
        self.received += 1
        self._measure(timestamp, now)

    def _measure(self, timestamp: int, now: float) -> None:
        arrival = now * self._rate
        if self._transit is not None:
            step = (timestamp - self._timestamp + 0x80000000 & 0xFFFFFFFF) - 0x80000000
            difference = abs(arrival - self._transit - step)
            if step and difference < JUMP_S * self._rate:
                self._jitter += (difference - self._jitter) / 16
        self._transit, self._timestamp = arrival, timestamp

    def sender_report(self, ntp: int, now: float) -> None:
        """Its sender told the time, in 32.32 bits."""
        self._sr = (ntp >> 16 & 0xFFFFFFFF, now)

    def report(self, now: float) -> Report:
        """What to tell its sender; the next one counts from here."""
        expected, received = self.expected - self._expected_before, self.received - self._received_before
        self._expected_before, self._received_before = self.expected, self.received
        lost = max(0, expected - received)
        last, at = self._sr or (0, now)
        return Report(
            ssrc=self.ssrc,
            fraction_lost=min(255, lost * 256 // expected) if expected > 0 else 0,
            lost=self.lost,
            highest=self._highest,
            jitter=int(self._jitter),
            last_sr=last,
            delay=min(0xFFFFFFFF, int((now - at) * 65536)),
        )
