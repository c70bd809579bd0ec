"""The RTP session of one WebRTC call: one stream of Opus each way, and the RTCP of both (RFC 3550, RFC 7587).

Sans-IO but for the wire it is given: packets come in by `datagram`, go out by `send` and `tick`, and nothing waits.
What peers can do with it is bounded: only the payload type agreed on is decrypted, and of sources only the one heard
and a few that may follow it; more packets than any client needs are dropped.

Packets are not asked for again (NACK, RFC 4585): Chromium does not offer it for audio, and Opus repairs one from the
next.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.clients import packets, rtcp
from gateway.clients.bucket import Bucket
from gateway.clients.packets import Packet
from gateway.clients.source import Source

__all__ = ["RTP_RATE", "Outgoing", "RtpSession", "Wire"]

RTP_RATE = 48_000
"""The clock of Opus over RTP, whatever is encoded (RFC 7587 section 4.1)."""
NTP_EPOCH = 2_208_988_800
"""1970 in seconds since 1900."""
REPORTS_S = 1.0
"""Between our reports in the mean; each time half as much to one and a half (section 6.2)."""
QUIET_S = 0.5
"""Without a packet for so long, a stream may be followed by another one."""
MAX_SOURCES = 64
"""Senders of RTP, and of RTCP, that are listened to in one call: SRTP keeps something of each."""
RATE, BURST = 500.0, 1000.0
"""Packets a second, and at once: Opus has 400 at most, with frames of 2.5 ms."""
RTCP_RATE, RTCP_BURST = 50.0, 100.0
SENT_REPORTS = 8
"""Our latest reports, to which a round trip can be told."""


class Wire(Protocol):
    """What carries packets: encrypted, in datagrams."""

    def open_rtp(self, data: bytes) -> bytes | None:
        """Decrypted; None when it is forged, repeated, or nothing can be decrypted yet."""

    def open_rtcp(self, data: bytes) -> bytes | None:
        """As `open_rtp`."""

    def send_rtp(self, packet: bytes) -> None:
        """Encrypts and sends; nothing when there is no connection."""

    def send_rtcp(self, packet: bytes) -> None:
        """As `send_rtp`."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What the answer says of our stream."""

    ssrc: int
    cname: str
    payload_type: int
    mid: str
    mid_extension: int | None
    """Number of the header extension for `mid`, if it was agreed on."""


class RtpSession:
    """One per call. `on_packet` gets what is heard, in the order in which it came; `on_loss` the share of our
    packets, 0 to 1, that the other side reports lost. `clock` is that of arrival, in seconds; `wall` the time of
    day."""

    def __init__(
        self,
        wire: Wire,
        payload_type: int,
        on_packet: Callable[[Packet], None],
        on_loss: Callable[[float], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`payload_type`: of Opus, both ways."""
        self._wire = wire
        self._payload_type = payload_type
        self._on_packet = on_packet
        self._on_loss = on_loss
        self._clock, self._wall = clock, wall
        # incoming
        self._source: Source | None = None
        self._heard: set[int] = set()
        self._reporters: set[int] = set()
        self._bucket = Bucket(rate=RATE, burst=BURST)
        self._rtcp_bucket = Bucket(rate=RTCP_RATE, burst=RTCP_BURST)
        # outgoing
        self._out: Outgoing | None = None
        self._extension = b""
        self._sequence = random.getrandbits(16)
        self._packets = self._octets = 0
        self._reported = [-1, -1]
        """Packets sent at our last two reports."""
        self._sent_at: tuple[int, float] = (0, 0.0)
        """RTP time of the last frame, and when it went out."""
        self._due: float | None = None
        self._reports: deque[tuple[int, float]] = deque(maxlen=SENT_REPORTS)
        self._rtt_s: float | None = None

    def start(self, out: Outgoing) -> None:
        """From now on there is somebody to send to."""
        self._out = out
        self._extension = (
            packets.extension({out.mid_extension: out.mid.encode()}) if out.mid_extension else b""
        )

    @property
    def started(self) -> bool:
        return self._out is not None

    def figures(self) -> dict[str, float]:
        """What is known of the audio both ways: jitter_ms, packet_loss (0 to 1) as received, rtt_ms."""
        known: dict[str, float] = {}
        if self._source is not None and self._source.expected > 0:
            known["jitter_ms"] = round(self._source.jitter_s * 1000, 1)
            known["packet_loss"] = round(max(0, self._source.lost) / self._source.expected, 4)
        if self._rtt_s is not None:
            known["rtt_ms"] = round(self._rtt_s * 1000, 1)
        return known

    # ── in ────────────────────────────────────────────────────────────────────────────────────────────────

    def datagram(self, data: bytes) -> None:
        """A datagram whose first byte says RTP or RTCP (RFC 7983). Whatever is in it, nothing is raised but what
        `on_packet` raises."""
        if len(data) < packets.HEADER_BYTES:
            return
        if packets.is_rtcp(data):
            self._receive_rtcp(data)
        else:
            self._receive_rtp(data)

    def _receive_rtp(self, data: bytes) -> None:
        if data[1] & 0x7F != self._payload_type:
            return
        now, ssrc, source = self._clock(), packets.ssrc_of(data), self._source
        known = source is not None and source.ssrc == ssrc
        if not known and not self._may_follow(ssrc, now):
            return
        opened = self._wire.open_rtp(data)
        if opened is None or not self._bucket.take(1, now):
            return
        try:
            packet = packets.parse(opened)
        except ValueError:
            return
        if source is None or not known:
            source = self._source = Source(ssrc, RTP_RATE)
            self._heard.add(ssrc)
        source.packet(packet.sequence, packet.timestamp, now)
        if packet.payload:
            self._on_packet(packet)

    def _may_follow(self, ssrc: int, now: float) -> bool:
        """Whether a new source may take the place of the one heard, if it is genuine."""
        if ssrc not in self._heard and len(self._heard) >= MAX_SOURCES:
            return False
        last = None if self._source is None else self._source.last_at
        return last is None or now - last > QUIET_S

    def _receive_rtcp(self, data: bytes) -> None:
        sender = int.from_bytes(data[4:8], "big")
        if sender not in self._reporters and len(self._reporters) >= MAX_SOURCES:
            return
        opened, now = self._wire.open_rtcp(data), self._clock()
        if opened is None or not self._rtcp_bucket.take(1, now):
            return
        self._reporters.add(sender)
        try:
            compound = rtcp.parse(opened)
        except ValueError:
            return
        source = self._source
        if source is not None:
            if compound.sender is not None and compound.ssrc == source.ssrc:
                source.sender_report(compound.sender.ntp, now)
            if source.ssrc in compound.gone:
                source.last_at = None
        for block in compound.reports:
            if self._out is not None and block.ssrc == self._out.ssrc:
                self._extension = b""  # they know the stream by its SSRC now (RFC 9143 section 15)
                self._measure_round_trip(block, now)
                self._on_loss(block.fraction_lost / 256)

    def _measure_round_trip(self, block: rtcp.Report, now: float) -> None:
        sent = next((at for ntp, at in self._reports if ntp == block.last_sr), None)
        if sent is not None:
            rtt = max(0.0, now - sent - block.delay / 65536)
            self._rtt_s = rtt if self._rtt_s is None else 0.875 * self._rtt_s + 0.125 * rtt

    # ── out ───────────────────────────────────────────────────────────────────────────────────────────────

    def send(self, payload: bytes, timestamp: int, *, marker: bool) -> None:
        """One packet of Opus; `timestamp` is that of its first sample, in 32 bits. The marker begins speech after
        silence (RFC 3551 section 4.1)."""
        out = self._out
        if out is None:
            return
        packet = (out.payload_type, marker, self._sequence, timestamp, out.ssrc, payload)
        self._wire.send_rtp(packets.pack(packet, self._extension))
        self._sequence = self._sequence + 1 & 0xFFFF
        self._packets += 1
        self._octets += len(payload)
        self._sent_at = (timestamp, self._clock())

    def tick(self) -> None:
        """Report when it is time to. Call it every 20 ms or so."""
        if self._out is None:
            return
        now = self._clock()
        if self._due is None:
            self._due = now + REPORTS_S * random.uniform(0.25, 0.75)
        elif now >= self._due:
            self._due = now + REPORTS_S * random.uniform(0.5, 1.5)
            self._wire.send_rtcp(self._compound(self._out, now))

    def goodbye(self) -> None:
        """Say that we leave; nothing is sent after it. Idempotent."""
        out, self._out = self._out, None
        if out is not None:
            self._wire.send_rtcp(self._compound(out, self._clock()) + rtcp.bye(out.ssrc))

    def _compound(self, out: Outgoing, now: float) -> bytes:
        """A report and our name: a sender report when we sent since the report before the last (section 6.4)."""
        info = None
        if self._packets and self._packets != self._reported[0]:
            timestamp, at = self._sent_at
            ntp = int((self._wall() + NTP_EPOCH) * (1 << 32))
            moved = int((now - at) * RTP_RATE)
            info = rtcp.SenderInfo(ntp, timestamp + moved, self._packets, self._octets)
            self._reports.append((ntp >> 16 & 0xFFFFFFFF, now))
        self._reported = [self._reported[1], self._packets]
        blocks = [] if self._source is None else [self._source.report(now)]
        return rtcp.report(out.ssrc, info, blocks) + rtcp.names(out.ssrc, out.cname)
