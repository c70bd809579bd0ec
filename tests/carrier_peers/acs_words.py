"""How a good application speaks with Azure Communication Services, and how bad ones do."""

from __future__ import annotations

import json
from base64 import b64encode

from tests.carrier_peers.acs_stream import AcsStream
from tests.carrier_peers.codecs import L16_24K
from tests.carrier_peers.faults import Frame
from tests.carrier_peers.garbage import TEXTS, wrong
from tests.carrier_peers.wires import Bad, Words

__all__ = ["WORDS"]

RULE = "telephony 5.3"
ONE = "00000000-0000-4000-8000-00000000000"
SOUND = b64encode(L16_24K.tone(20)).decode()


def _stream() -> AcsStream:
    stream = AcsStream("pcm24KMono", connection=f"{ONE}1", correlation=f"{ONE}2")
    stream.subscription = f"{ONE}3"
    return stream


def _said(**message: object) -> str:
    return json.dumps(message, separators=(",", ":"))


def _play(audio: bytes) -> Frame:
    return _said(Kind="AudioData", AudioData={"Data": b64encode(audio).decode()}, StopAudio=None)


WORDS = Words(
    make=_stream,
    play=_play,
    mark=None,
    clear=lambda _: _said(Kind="StopAudio", AudioData=None, StopAudio={}),
    sources={"in": RULE, "out": f"{RULE}: PascalCase"},
    bad=(
        Bad(L16_24K.tone(20), "invalid-message", f"{RULE}: text only"),
        Bad("not json", "invalid-message", RULE),
        Bad(_said(kind="AudioData", audioData={"data": SOUND}), "invalid-message", f"{RULE}: PascalCase"),
        Bad(_said(Kind="AudioData", AudioData={"data": SOUND}), "invalid-message", f"{RULE}: PascalCase"),
        Bad(_said(Kind="AudioData", AudioData={"Data": "/w=="}), "frame-size", f"{RULE}: 20 ms"),
        Bad(_said(Kind="AudioData"), "invalid-message", RULE),
        Bad(_said(Kind="StopAudio"), "invalid-message", RULE),
        Bad(_said(Kind="Mark"), "invalid-message", RULE),
    ),
    hostile=(
        *TEXTS,
        *wrong("kind", ("AudioMetadata", "AudioData", "DtmfData")),
        '{"kind":"AudioData","audioData":{"data":"%","silent":"maybe"}}',
        '{"kind":"AudioMetadata","audioMetadata":{"encoding":"OPUS","sampleRate":"many"}}',
        b"\x00\xff\x00",
    ),
)
