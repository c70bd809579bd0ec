"""How a good application speaks with FreeSWITCH's mod_audio_stream, and how bad ones do."""

from __future__ import annotations

import json
from base64 import b64encode

from tests.carrier_peers.faults import Frame
from tests.carrier_peers.freeswitch_stream import FreeSwitchStream
from tests.carrier_peers.garbage import TEXTS, wrong
from tests.carrier_peers.wires import Bad, Words

__all__ = ["WORDS"]

RULE = "telephony 11"


def _said(kind: str, **body: object) -> str:
    return json.dumps({"type": kind, **body}, separators=(",", ":"))


def _play(audio: bytes) -> Frame:
    data = {"audioDataType": "raw", "sampleRate": 8000, "audioData": b64encode(audio).decode()}
    return _said("streamAudio", data=data)


WORDS = Words(
    make=lambda: FreeSwitchStream(8000, {"token": "abc123", "from": "+15550100001"}, variant="patched"),
    play=_play,
    mark=None,
    clear=lambda _: _said("killAudio"),
    sources={"in": RULE, "in binary": f"{RULE}: L16 little-endian", "out": RULE},
    digits="",
    bad=(
        Bad("not json", "invalid-message", RULE),
        Bad(_said("stop"), "invalid-message", f"{RULE}: unknown type"),
        Bad(_said("streamAudio", data={"audioDataType": "raw"}), "invalid-message", RULE),
        Bad(bytes(321), "invalid-message", f"{RULE}: half a sample"),
        Bad(bytes(8194), "too-large", f"{RULE}: frames of at most 8 kB"),
    ),
    hostile=(*TEXTS, *wrong("type", ("streamAudio", "metadata")), b"", b"\x00"),
)
