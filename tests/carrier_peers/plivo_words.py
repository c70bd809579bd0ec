"""How a good application speaks with Plivo, and how bad ones do."""

from __future__ import annotations

import json
from base64 import b64encode

from tests.carrier_peers.codecs import MULAW
from tests.carrier_peers.faults import Frame
from tests.carrier_peers.garbage import TEXTS, wrong
from tests.carrier_peers.plivo_stream import PlivoIds, PlivoStream
from tests.carrier_peers.wires import Bad, Words

__all__ = ["WORDS"]

RULE = "telephony 4.2"
ONE = "00000000-0000-4000-8000-00000000000"
IDS = PlivoIds("MA000000000000000001", f"{ONE}1", f"{ONE}2")
PAYLOAD = b64encode(MULAW.tone(20)).decode()


def _said(event: str, stream: str | None = IDS.stream, **body: object) -> str:
    named = {} if stream is None else {"streamId": stream}
    return json.dumps({"event": event, **named, **body}, separators=(",", ":"))


def _sound(payload: str = PAYLOAD, kind: str = "audio/x-mulaw", rate: int = 8000) -> dict[str, object]:
    return {"contentType": kind, "sampleRate": rate, "payload": payload}


def _play(audio: bytes) -> Frame:
    return _said("playAudio", media=_sound(b64encode(audio).decode()))


WORDS = Words(
    make=lambda: PlivoStream(MULAW, IDS, {"token": "abc123", "tenant": "7"}),
    play=_play,
    mark=lambda name: _said("checkpoint", name=name),
    clear=lambda _: _said("clearAudio"),
    sources={"in": RULE, "out": RULE},
    bad=(
        Bad(MULAW.tone(20), "invalid-message", RULE),
        Bad("not json", "invalid-message", RULE),
        Bad(_said("media", media=_sound()), "invalid-message", f"{RULE}: unknown event"),
        Bad(_said("playAudio", media={"payload": PAYLOAD}), "invalid-message", f"{RULE}: no contentType"),
        Bad(_said("playAudio", media=_sound("not base64!")), "invalid-message", RULE),
        Bad(_said("playAudio", media=_sound(kind="audio/x-l16")), "content-type", RULE),
        Bad(_said("playAudio", f"{ONE}9", media=_sound()), "invalid-message", f"{RULE}: wrong streamId"),
        Bad(_said("checkpoint", None, name="m1"), "invalid-message", f"{RULE}: no streamId"),
        Bad(_said("clearAudio", None), "invalid-message", f"{RULE}: no streamId"),
    ),
    hostile=(
        *TEXTS,
        *wrong("event", ("start", "media", "dtmf", "playedStream", "clearedAudio")),
        '{"event":"media","streamId":"x","media":{"track":"inbound","timestamp":"y","chunk":"z","payload":"%"}}',
        '{"event":"dtmf","dtmf":{"digit":"twelve"}}',
        b"\x00\xff\x00",
    ),
)
