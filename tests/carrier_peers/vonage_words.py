"""How a good application speaks with Vonage, and how bad ones do."""

from __future__ import annotations

import json

from tests.carrier_peers.garbage import TEXTS, wrong
from tests.carrier_peers.vonage_stream import VonageStream
from tests.carrier_peers.wires import Bad, Words

__all__ = ["WORDS"]

RULE = "telephony 3.2"


def _said(**message: object) -> str:
    return json.dumps(message, separators=(",", ":"))


WORDS = Words(
    make=lambda: VonageStream(16000, {"call": "c-1", "token": "abc123"}),
    play=lambda audio: audio,
    mark=lambda name: _said(action="notify", payload={"m": name}),
    clear=lambda _: _said(action="clear"),
    sources={"in": RULE, "in binary": f"{RULE}: exactly 20 ms", "out": RULE},
    bad=(
        Bad(bytes(639), "frame-size", f"{RULE}: exactly 20 ms"),
        Bad(bytes(1280), "frame-size", f"{RULE}: exactly 20 ms"),
        Bad("not json", "malformed", RULE),
        Bad(_said(action="stop"), "malformed", f"{RULE}: unknown action"),
        Bad(_said(event="clear"), "malformed", f"{RULE}: an event where an action is expected"),
        Bad(_said(action="notify"), "malformed", f"{RULE}: no payload"),
        Bad(_said(action="notify", payload="m1"), "malformed", f"{RULE}: the payload is an object"),
    ),
    hostile=(
        *TEXTS,
        *wrong("event", ("websocket:dtmf", "websocket:notify", "websocket:cleared")),
        '{"event":"websocket:dtmf","digit":"twelve"}',
        '{"event":"websocket:connected","content-type":"audio/l16;rate=many"}',
        b"",
        b"\x00",
        bytes(10_000),
    ),
)
