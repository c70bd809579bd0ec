"""RTCP packets as bytes: reports, names and goodbyes (RFC 3550 section 6). Feedback (RFC 4585) is passed over: we send
Opus, which repairs a lost packet from the next one, and Chromium offers no way to ask for audio again."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

__all__ = ["Compound", "Report", "SenderInfo", "bye", "names", "parse", "report"]

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, BYE = 200, 201, 202, 203
CNAME = 1
HEADER = struct.Struct("!BBH")
SENDER = struct.Struct("!QIII")
BLOCK = struct.Struct("!IIIIII")
MOST_LOST = 0x7FFFFF
"""Cumulative loss is a signed number of 24 bits."""


@dataclass(frozen=True, slots=True)
class SenderInfo:
    """What a sender says of its stream (section 6.4.1)."""

    ntp: int
    """The wall clock now: seconds since 1900 in 32.32 bits."""
    timestamp: int
    """The same moment in the stream's RTP time."""
    packets: int
    octets: int
    """Of payload."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a receiver says of one stream (section 6.4.1)."""

    ssrc: int
    """Whose stream it is."""
    fraction_lost: int
    """Since the report before, in 256ths."""
    lost: int
    """Since the beginning; negative when more came twice than never."""
    highest: int
    """Sequence number, counted on beyond 16 bits."""
    jitter: int
    """In the stream's RTP time."""
    last_sr: int
    """The middle 32 bits of the last sender report's `ntp`; 0 when there was none."""
    delay: int
    """Since that report came, in 65536ths of a second."""


@dataclass(slots=True)
class Compound:
    """What we take from one compound packet."""

    ssrc: int = 0
    """Who sent it."""
    sender: SenderInfo | None = None
    reports: list[Report] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    """Sources that said goodbye."""


def parse(data: bytes) -> Compound:
    """A compound packet, decrypted; also a reduced one (RFC 5506). Raises ValueError (section A.2)."""
    found, at = Compound(), 0
    while at < len(data):
        if len(data) - at < 4:
            raise ValueError("an RTCP packet is cut off")
        first, kind, words = HEADER.unpack_from(data, at)
        body = data[at + 4 : at + 4 + 4 * words]
        if first & 0xC0 != 0x80 or len(body) < 4 * words:
            raise ValueError("not an RTCP packet")
        count = first & 0x1F
        if kind in (SENDER_REPORT, RECEIVER_REPORT):
            _reports(body, count, kind, found)
        elif kind == BYE:
            if len(body) < 4 * count:
                raise ValueError("a goodbye is cut off")
            found.gone += struct.unpack_from(f"!{count}I", body)
        at += 4 + 4 * words
    return found


def _reports(body: bytes, count: int, kind: int, found: Compound) -> None:
    begin = 4 + (SENDER.size if kind == SENDER_REPORT else 0)
    if len(body) < begin + BLOCK.size * count:
        raise ValueError("a report is cut off")
    found.ssrc = int.from_bytes(body[:4], "big")
    if kind == SENDER_REPORT:
        found.sender = SenderInfo(*SENDER.unpack_from(body, 4))
    for n in range(count):
        ssrc, loss, highest, jitter, last, delay = BLOCK.unpack_from(body, begin + BLOCK.size * n)
        lost = (loss & 0xFFFFFF) - (0x1000000 if loss & 0x800000 else 0)
        found.reports.append(Report(ssrc, loss >> 24, lost, highest, jitter, last, delay))


def report(ssrc: int, sender: SenderInfo | None, blocks: list[Report]) -> bytes:
    """A sender report, or, without `sender`, a receiver report; at most 31 blocks."""
    body = struct.pack("!I", ssrc)
    if sender is not None:
        low = 0xFFFFFFFF
        body += SENDER.pack(sender.ntp, sender.timestamp & low, sender.packets & low, sender.octets & low)
    for block in blocks:
        lost = max(-MOST_LOST - 1, min(block.lost, MOST_LOST)) & 0xFFFFFF
        body += BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | lost,
            block.highest & 0xFFFFFFFF,
            block.jitter,
            block.last_sr,
            block.delay,
        )
    return _packet(RECEIVER_REPORT if sender is None else SENDER_REPORT, len(blocks), body)


def names(ssrc: int, cname: str) -> bytes:
    """The source description that every compound packet has to have (section 6.1)."""
    text = cname.encode()[:255]
    item = bytes((CNAME, len(text))) + text + b"\0"
    return _packet(SOURCE_DESCRIPTION, 1, struct.pack("!I", ssrc) + item + bytes(-len(item) % 4))


def bye(ssrc: int) -> bytes:
    """We leave (section 6.6)."""
    return _packet(BYE, 1, struct.pack("!I", ssrc))


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return HEADER.pack(0x80 | count, kind, len(body) // 4) + body
