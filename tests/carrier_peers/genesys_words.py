"""How a good application speaks with Genesys, and how bad ones do."""

from __future__ import annotations

import json

from tests.carrier_peers.faults import Frame
from tests.carrier_peers.garbage import TEXTS, wrong
from tests.carrier_peers.genesys_signing import Hook
from tests.carrier_peers.genesys_stream import MEDIA, GenesysStream
from tests.carrier_peers.wires import Bad, Words

__all__ = ["WORDS", "said"]

RULE = "telephony 7"
ONE = "00000000-0000-4000-8000-00000000000"
HOOK = Hook(organization=f"{ONE}1", session=f"{ONE}2", correlation=f"{ONE}3")


def _message(kind: str, seq: int, clientseq: int, parameters: object) -> str:
    message = {"version": "2", "id": HOOK.session, "type": kind, "seq": seq, "clientseq": clientseq}
    return json.dumps({**message, "parameters": parameters}, separators=(",", ":"))


def said(carrier: GenesysStream, kind: str, parameters: object) -> Frame:
    """The server's next message: numbered, and confirming the client's last."""
    return _message(kind, carrier.server_seq + 1, carrier.client_seq, parameters)


BARGE_IN = {"entities": [{"type": "barge_in", "data": {}}]}

WORDS = Words(
    make=lambda: GenesysStream(
        HOOK, f"{ONE}4", {"id": f"{ONE}5", "ani": "+15550100001", "aniName": "", "dnis": "+15550100002"}
    ),
    play=lambda audio: audio,
    mark=None,
    clear=lambda carrier: said(carrier, "event", BARGE_IN),
    sources={"in": RULE, "in binary": f"{RULE}: PCMU", "out": RULE, "out binary": f"{RULE}: 200 ms"},
    chunk_ms=200,
    after=(lambda carrier: said(carrier, "opened", {"media": [MEDIA]}),),
    goodbye=lambda carrier: said(carrier, "closed", {}),
    bad=(
        Bad("not json", "400", RULE),
        Bad(_message("event", 3, 1, BARGE_IN), "409", f"{RULE}: seq goes up by one"),
        Bad(_message("event", 2, 99, BARGE_IN), "409", f"{RULE}: clientseq of what was never sent"),
        Bad(_message("bye", 3, 1, {}), "405", f"{RULE}: no such message"),
        Bad(_message("opened", 4, 1, {"media": []}), "409", f"{RULE}: opened twice"),
        Bad(_message("disconnect", 5, 1, {"reason": "bored"}), "400", RULE),
        Bad(_message("pong", 6, 1, {}), "400", f"{RULE}: a pong without a ping"),
        Bad(b"\xff" * 64_001, "413", f"{RULE}: at most 64000 bytes"),
    ),
    hostile=(
        *TEXTS,
        *wrong("type", ("open", "ping", "dtmf", "close", "playback_completed")),
        '{"version":"1","id":"x","type":"open","seq":1,"serverseq":0,"position":"PT0S","parameters":{}}',
        '{"version":"2","id":"x","type":"ping","seq":77,"serverseq":55,"position":"soon","parameters":{}}',
        b"",
        b"\x00",
    ),
)
