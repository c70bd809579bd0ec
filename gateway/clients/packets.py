"""RTP packets as bytes: RFC 3550 section 5.1, with the header extensions of RFC 8285."""

from __future__ import annotations

import struct
from typing import NamedTuple

__all__ = ["HEADER_BYTES", "Packet", "extension", "is_rtcp", "pack", "parse", "ssrc_of"]

HEADER_BYTES = 12
HEADER = struct.Struct("!BBHII")
VERSION = 0x80
PADDED, EXTENDED, SOURCES = 0x20, 0x10, 0x0F
MARKER = 0x80
ONE_BYTE = 0xBEDE
"""Profile of an extension block whose elements have headers of one byte (RFC 8285 section 4.2)."""
LONGEST = 16
"""Bytes that one of these can hold."""


class Packet(NamedTuple):
    """What the receiver of audio needs of a packet."""

    payload_type: int
    marker: bool
    sequence: int
    """0 to 65535."""
    timestamp: int
    """In the codec's clock, 32 bits."""
    ssrc: int
    payload: bytes
    """Without padding; may be empty."""


def is_rtcp(data: bytes) -> bool:
    """Which of the two a packet is, by its second byte (RFC 5761 section 4). It must have two."""
    return 192 <= data[1] <= 223


def ssrc_of(data: bytes) -> int:
    """Who sent this packet, encrypted or not. It must have 12 bytes."""
    return int.from_bytes(data[8:12], "big")


def parse(data: bytes) -> Packet:
    """One packet, decrypted. Extensions and contributing sources are passed over. Raises ValueError."""
    size = len(data)
    if size < HEADER_BYTES:
        raise ValueError("an RTP packet has 12 bytes at least")
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    if first & 0xC0 != VERSION:
        raise ValueError("not version 2 of RTP")
    begin, end = HEADER_BYTES, size
    if first & SOURCES:
        begin += 4 * (first & SOURCES)
    if first & EXTENDED:
        if size < begin + 4:
            raise ValueError("the header extension is cut off")
        begin += 4 + 4 * int.from_bytes(data[begin + 2 : begin + 4], "big")
    if begin > size:
        raise ValueError("the header is longer than the packet")
    if first & PADDED:
        padding = data[-1]
        if not 0 < padding <= size - begin:
            raise ValueError("the padding is longer than the payload")
        end -= padding
    return Packet(second & 0x7F, second >= MARKER, sequence, timestamp, ssrc, data[begin:end])


def extension(elements: dict[int, bytes]) -> bytes:
    """The block of header extensions that goes between header and payload: by number 1 to 14, up to 16 bytes each.
    Longer or empty ones are left out; without any the block is empty."""
    body = b"".join(
        bytes((number << 4 | len(value) - 1,)) + value
        for number, value in elements.items()
        if 0 < number < 15 and 0 < len(value) <= LONGEST
    )
    if not body:
        return b""
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", ONE_BYTE, len(body) // 4) + body


def pack(packet: tuple[int, bool, int, int, int, bytes], block: bytes = b"") -> bytes:
    """The bytes of a packet (a `Packet`, or its fields); `block` comes from `extension`."""
    kind, marker, sequence, timestamp, ssrc, payload = packet
    first = VERSION | EXTENDED if block else VERSION
    return (
        HEADER.pack(first, kind | MARKER if marker else kind, sequence, timestamp, ssrc) + block + payload
    )
