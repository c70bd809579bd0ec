"""How long an Opus packet sounds, read from its first bytes (RFC 6716 section 3)."""

from __future__ import annotations

__all__ = ["DTX", "TICKS_PER_MS", "duration"]

TICKS_PER_MS = 48
"""The clock of Opus over RTP, whatever is encoded (RFC 7587 section 4.1)."""
LONGEST = 120 * TICKS_PER_MS
"""R5: the frames of one packet last at most 120 ms."""
DTX = 2
"""A packet of so few bytes has no sound in it: its sender is silent (RFC 6716 sections 2.1.9 and 3.2.1)."""


def _frame(config: int) -> int:
    """Ticks of one frame of a configuration (table 2)."""
    if config < 12:  # SILK: 10, 20, 40, 60 ms
        return (480, 960, 1920, 2880)[config & 3]
    if config < 16:  # hybrid: 10, 20 ms
        return (480, 960)[config & 1]
    return (120, 240, 480, 960)[config & 3]  # CELT: 2.5, 5, 10, 20 ms


FRAMES = tuple(_frame(toc >> 3) for toc in range(256))
"""Ticks of one frame, by the TOC byte (section 3.1)."""
ONES = tuple((1, 2, 2, 0)[toc & 3] for toc in range(256))
"""Frames of a packet, by its TOC byte; 0 where the next byte counts them (code 3, section 3.2.5)."""


def duration(payload: bytes) -> int:
    """Ticks of 1/48000 s that a packet sounds: 120 (2.5 ms) to 5760 (120 ms). Raises ValueError for what is none."""
    if not payload:
        raise ValueError("an Opus packet has at least one byte")
    toc = payload[0]
    count = ONES[toc]
    if not count:
        if len(payload) < 2:
            raise ValueError("an Opus packet of several frames without their number")
        count = payload[1] & 0x3F
    ticks = FRAMES[toc] * count
    if not 0 < ticks <= LONGEST:
        raise ValueError("an Opus packet lasts up to 120 ms")
    return ticks
