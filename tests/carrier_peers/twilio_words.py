"""How a good application speaks with Twilio, and how bad ones do."""

from __future__ import annotations

import json
from base64 import b64encode

from tests.carrier_peers.codecs import MULAW
from tests.carrier_peers.faults import Frame
from tests.carrier_peers.twilio_stream import Identity, TwilioStream
from tests.carrier_peers.wires import Bad, Words

__all__ = ["WORDS"]

ZEROS = "0" * 30
WHO = Identity(f"AC{ZEROS}01", f"CA{ZEROS}01", f"MZ{ZEROS}01")
PAYLOAD = b64encode(MULAW.tone(20)).decode()
WARNING = "Twilio error 31951"


def _said(event: str, stream: str = WHO.stream, **body: object) -> str:
    return json.dumps({"event": event, "streamSid": stream, **body}, separators=(",", ":"))


def _play(audio: bytes) -> Frame:
    return _said("media", media={"payload": b64encode(audio).decode()})


WORDS = Words(
    make=lambda: TwilioStream(WHO, {"token": "abc123", "from": "+15550100001"}),
    play=_play,
    mark=lambda name: _said("mark", mark={"name": name}),
    clear=lambda _: _said("clear"),
    sources={"in": "telephony 1.2", "out": "telephony 1.3"},
    bad=(
        Bad(MULAW.tone(20), "31950", "Twilio error 31950"),
        Bad("not json", "31951", WARNING),
        Bad('{"event":"media","media":{"payload":"/w=="}}', "31951", f"{WARNING}: missing field"),
        Bad(
            _said("media", f"MZ{ZEROS}02", media={"payload": PAYLOAD}),
            "31951",
            f"{WARNING}: wrong streamSid",
        ),
        Bad(
            _said("media", media={"payload": PAYLOAD, "track": "inbound"}),
            "31951",
            f"{WARNING}: extra field",
        ),
        Bad(_said("stop"), "31951", f"{WARNING}: unknown type"),
        Bad(_said("media", media={"payload": "not base64!"}), "31951", WARNING),
    ),
    hostile=(
        "",
        "{",
        "[]",
        "null",
        '"start"',
        "{}",
        '{"event":7}',
        '{"event":"surprise","streamSid":"MZ"}',
        '{"event":"media"}',
        '{"event":"media","streamSid":"MZ","media":null}',
        '{"event":"media","streamSid":"MZ","media":{"track":"inbound","chunk":"x","timestamp":"y","payload":"%"}}',
        '{"event":"media","streamSid":"MZ","media":{"track":"outbound","chunk":"1","timestamp":"20","payload":"/w=="}}',
        '{"event":"dtmf","dtmf":{"digit":"twelve"}}',
        '{"event":"mark","mark":{}}',
        '{"event":"start","start":[]}',
        b"\x00\xff\x00",
    ),
)
