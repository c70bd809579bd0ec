"""How a good application speaks with SignalWire, and how bad ones do."""

from __future__ import annotations

import json
from base64 import b64encode

from tests.carrier_peers.codecs import L16_16K
from tests.carrier_peers.faults import Frame
from tests.carrier_peers.garbage import TEXTS, wrong
from tests.carrier_peers.signalwire_stream import SignalWireStream
from tests.carrier_peers.twilio_stream import Identity
from tests.carrier_peers.wires import Bad, Words

__all__ = ["WORDS"]

RULE = "telephony 8"
ONE = "00000000-0000-4000-8000-00000000000"
WHO = Identity(f"{ONE}1", f"{ONE}2", f"{ONE}3")


def _said(event: str, stream: str = WHO.stream, **body: object) -> str:
    return json.dumps({"event": event, "streamSid": stream, **body}, separators=(",", ":"))


def _play(audio: bytes) -> Frame:
    return _said("media", media={"payload": b64encode(audio).decode()})


WORDS = Words(
    make=lambda: SignalWireStream(L16_16K, WHO, {"token": "abc123"}),
    play=_play,
    mark=lambda name: _said("mark", mark={"name": name}),
    clear=lambda _: _said("clear"),
    sources={"in": f"{RULE} and 1.2", "in dtmf": f"{RULE}: dtmf has a duration", "out": f"{RULE} and 1.3"},
    bad=(
        Bad(L16_16K.tone(20), "invalid-message", "telephony 1.3"),
        Bad("not json", "invalid-message", "telephony 1.3"),
        Bad(_play(bytes(641)), "invalid-message", f"{RULE}: half a sample"),
        Bad(_said("clear", f"{ONE}9"), "invalid-message", "telephony 1.3: wrong streamSid"),
        Bad(_said("stop"), "invalid-message", "telephony 1.3: unknown event"),
        Bad(_said("clear", name="x"), "invalid-message", "telephony 1.3: extra field"),
    ),
    hostile=(
        *TEXTS,
        *wrong("event", ("start", "media", "dtmf", "mark", "stop")),
        '{"event":"start","start":{"streamSid":"x","mediaFormat":{"encoding":"audio/opus","sampleRate":"many"}}}',
        b"\x00\xff\x00",
    ),
)
