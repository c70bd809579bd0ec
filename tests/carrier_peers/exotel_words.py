"""How a good application speaks with Exotel, and how bad ones do."""

from __future__ import annotations

import json
from base64 import b64encode

from tests.carrier_peers.exotel_stream import ExotelStream
from tests.carrier_peers.faults import Frame
from tests.carrier_peers.garbage import TEXTS, wrong
from tests.carrier_peers.wires import Bad, Words

__all__ = ["WORDS"]

RULE = "telephony 6"
SIDS = ("5f00000000000000000000000000001a", "ca00000000000000000000000000001a", "exotel1")


def _said(event: str, stream: str = SIDS[0], **body: object) -> str:
    return json.dumps({"event": event, "stream_sid": stream, **body}, separators=(",", ":"))


def _play(audio: bytes) -> Frame:
    return _said("media", media={"payload": b64encode(audio).decode()})


WORDS = Words(
    make=lambda: ExotelStream(8000, {"token": "abc123"}, sids=SIDS),
    play=_play,
    mark=lambda name: _said("mark", mark={"name": name}),
    clear=lambda _: _said("clear"),
    sources={"in": RULE, "out": RULE},
    chunk_ms=200,
    bad=(
        Bad(bytes(3200), "invalid-message", f"{RULE}: text only"),
        Bad("not json", "invalid-message", RULE),
        Bad(_play(bytes(320)), "chunk", f"{RULE}: at least 3200 bytes"),
        Bad(_play(bytes(3300)), "chunk", f"{RULE}: a multiple of 320"),
        Bad(
            _said("media", "another", media={"payload": ""}), "invalid-message", f"{RULE}: wrong stream_sid"
        ),
        Bad(json.dumps({"event": "clear"}), "invalid-message", f"{RULE}: no stream_sid"),
        Bad(_said("stop"), "invalid-message", f"{RULE}: unknown event"),
    ),
    hostile=(
        *TEXTS,
        *wrong("event", ("start", "media", "dtmf", "mark", "stop")),
        '{"event":"media","stream_sid":"x","media":{"chunk":"y","timestamp":"z","payload":"%"}}',
        '{"event":"start","start":{"media_format":{"encoding":"opus","sample_rate":"many"}}}',
        b"\x00\xff\x00",
    ),
)
