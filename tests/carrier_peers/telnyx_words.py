"""How a good application speaks with Telnyx, and how bad ones do."""

from __future__ import annotations

import json
from base64 import b64encode

from tests.carrier_peers.codecs import ALAW, MULAW
from tests.carrier_peers.faults import Frame
from tests.carrier_peers.telnyx_stream import CallIds, TelnyxStream
from tests.carrier_peers.wires import Bad, Words

__all__ = ["WORDS"]

ONE = "00000000-0000-4000-8000-00000000000"
IDS = CallIds("v3:call-1", f"{ONE}1", f"{ONE}2", f"{ONE}3", f"{ONE}4")


def _said(event: str, **body: object) -> str:
    return json.dumps({"event": event, **body}, separators=(",", ":"))


def _play(audio: bytes) -> Frame:
    return _said("media", media={"payload": b64encode(audio).decode()})


WORDS = Words(
    make=lambda: TelnyxStream(
        ALAW, MULAW, IDS, parameters={"token": "abc123"}, token="secret", client_state="eyJ9"
    ),
    play=_play,
    mark=lambda name: _said("mark", mark={"name": name}),
    clear=lambda _: _said("clear"),
    sources={
        "in": "telephony 2.3",
        "in connected": "telephony 2.3; Telnyx, Stream call media over WebSocket: Connected Frame",
        "in error": "telephony 2.3; Telnyx, Stream call media over WebSocket: Error Frame",
        "out": "telephony 2.3",
    },
    bad=(
        Bad(MULAW.tone(20), "100003", "telephony 2.3: text frames only"),
        Bad("not json", "100003", "telephony 2.3"),
        Bad(_said("stop"), "100003", "telephony 2.3: unknown event"),
        Bad(_said("media", media={"payload": "not base64!"}), "100003", "telephony 2.3"),
        Bad(_said("media", media={"payload": "/w=="}), "100004", "telephony 2.3: less than 20 ms"),
    ),
    hostile=(
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"event":7}',
        '{"event":"surprise"}',
        '{"event":"media"}',
        '{"event":"media","stream_id":"x","media":null}',
        '{"event":"media","sequence_number":"x","media":{"track":"inbound","chunk":"x","timestamp":"","payload":"%"}}',
        '{"event":"media","sequence_number":"9","media":{"track":"outbound","chunk":"1","timestamp":"0","payload":"1Q=="}}',
        '{"event":"dtmf","dtmf":{"digit":"twelve"}}',
        '{"event":"mark","mark":{}}',
        '{"event":"start","start":{"media_format":{"encoding":"OPUS","sample_rate":"many"}}}',
        '{"event":"error","payload":{"code":"x"}}',
        b"\x00\xff\x00",
    ),
)
