"""How a good application speaks with jambonz, and how bad ones do."""

from __future__ import annotations

import json

from tests.carrier_peers.garbage import TEXTS, wrong
from tests.carrier_peers.jambonz_stream import JambonzStream
from tests.carrier_peers.wires import Bad, Words

__all__ = ["WORDS"]

RULE = "telephony 9"
CALL = "00000000-0000-4000-8000-000000000001"


def _said(kind: str, **body: object) -> str:
    return json.dumps({"type": kind, **body}, separators=(",", ":"))


WORDS = Words(
    make=lambda: JambonzStream(8000, 16000, metadata={"token": "abc123"}, call=CALL),
    play=lambda audio: audio,
    mark=lambda name: _said("mark", data={"name": name}),
    clear=lambda _: _said("killAudio"),
    sources={"in": RULE, "in binary": f"{RULE}: L16 little-endian", "out": RULE},
    bad=(
        Bad(bytes(641), "invalid-message", f"{RULE}: half a sample"),
        Bad("not json", "invalid-message", RULE),
        Bad(_said("stop"), "invalid-message", f"{RULE}: unknown type"),
        Bad(_said("mark", name="m1"), "invalid-message", f"{RULE}: data is missing"),
        Bad(_said("killAudio", data={}), "invalid-message", f"{RULE}: extra field"),
        Bad(
            _said("playAudio", data={"audioContentType": "raw", "audioContent": "AAA="}),
            "streaming",
            f"{RULE}: clips are for listens that do not stream",
        ),
    ),
    hostile=(
        *TEXTS,
        *wrong("event", ("dtmf",)),
        *wrong("type", ("playDone", "mark")),
        '{"event":"dtmf","dtmf":"twelve","duration":{}}',
        '{"callSid":7,"sampleRate":"many"}',
        b"",
        b"\x00",
    ),
)
