"""How a good application speaks with Asterisk's AudioSocket, and how bad ones do."""

from __future__ import annotations

import uuid

from tests.carrier_peers.audiosocket_stream import AudioSocketStream, packet
from tests.carrier_peers.wires import Bad, Words

__all__ = ["WORDS"]

RULE = "telephony 10.1"

WORDS = Words(
    make=lambda: AudioSocketStream(8000, uuid.UUID("00000000-0000-4000-8000-000000000001")),
    play=lambda audio: packet(0x10, audio),
    mark=None,
    clear=None,
    sources={"in": RULE, "out": RULE},
    bad=(
        Bad(packet(0x12, bytes(640)), "rate", f"{RULE}: slin16 on a channel of slin"),
        Bad(packet(0x10, bytes(321)), "malformed", f"{RULE}: half a sample"),
        Bad(packet(0x03, b"5"), "type", f"{RULE}: digits go one way only"),
    ),
    hostile=(
        packet(0x01, b"short"),
        packet(0x03, b""),
        packet(0x03, b"\xff"),
        packet(0x10, b""),
        packet(0x10, bytes(321)),
        packet(0x77, b"surprise"),
        packet(0xFF, b"\x01"),
    ),
)
