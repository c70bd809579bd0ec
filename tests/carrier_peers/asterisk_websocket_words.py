"""How a good application speaks with Asterisk's chan_websocket, and how bad ones do."""

from __future__ import annotations

from tests.carrier_peers.asterisk_websocket_stream import LARGEST, AsteriskWebSocketStream
from tests.carrier_peers.codecs import MULAW
from tests.carrier_peers.wires import Bad, Words

__all__ = ["WORDS"]

RULE = "telephony 10.3"

WORDS = Words(
    make=AsteriskWebSocketStream,
    play=lambda audio: audio,
    mark=lambda name: f"MARK_MEDIA {name}",
    clear=lambda _: "FLUSH_MEDIA",
    sources={"in": RULE, "in binary": f"{RULE}: ulaw", "out": RULE, "out binary": f"{RULE}: ulaw"},
    bad=(
        Bad("PLAY", "unknown-command", RULE),
        Bad("answer", "unknown-command", f"{RULE}: names are case-sensitive"),
        Bad('{"command":"ANSWER"}', "unknown-command", f"{RULE}: JSON on a plain-text channel"),
        Bad("FLUSH_MEDIA m1", "unknown-command", RULE),
        Bad("STOP_MEDIA_BUFFERING", "buffering", RULE),
        Bad("MARK_MEDIA " + "m" * 128, "too-long", f"{RULE}: commands longer than 128 bytes"),
        Bad(MULAW.tone(20) + b"\xff", "remainder", f"{RULE}: the remainder is lost"),
        Bad(b"\xff" * (LARGEST + 1), "too-large", f"{RULE}: more than 65,500 bytes"),
    ),
    hostile=(
        "",
        " ",
        "MEDIA_START",
        "MEDIA_START connection_id",
        "MEDIA_START format:opus optimal_frame_size:many ptime:",
        "DTMF_END",
        "DTMF_END digit:twelve",
        "MEDIA_XOFF MEDIA_XON",
        "MEDIA_MARK_PROCESSED",
        "ERROR",
        "SURPRISE a:b",
        "{",
        '{"event":"DTMF_END"}',
        b"",
        b"\x00",
    ),
)
