"""Genesys' stream: numbers, pings, limits, and how a session ends."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from tests.carrier_peers.codecs import MULAW
from tests.carrier_peers.faults import Frame
from tests.carrier_peers.genesys_messages import Bucket
from tests.carrier_peers.genesys_signing import Hook, signed_headers
from tests.carrier_peers.genesys_stream import MEDIA, PING_S, PROBE, GenesysStream

pytestmark = pytest.mark.unit

SESSION = "22222222-2222-2222-2222-222222222222"
SOUND = MULAW.tone(200)


class Server:
    """A good server's side, which numbers its messages."""

    def __init__(self, stream: GenesysStream | None = None) -> None:
        self.stream = stream or GenesysStream(Hook(session=SESSION))
        self.stream.open(0.0)
        self.heard = [json.loads(one) for one in self.stream.begin(0.0)]
        self.seq = 0

    def say(self, kind: str, parameters: object = None, now: float = 0.0, **changed: Any) -> list[Any]:
        self.seq += 1
        message = {
            "version": "2",
            "id": self.stream.hook.session,
            "type": kind,
            "seq": self.seq,
            "clientseq": self.stream.client_seq,
            "parameters": {} if parameters is None else parameters,
        }
        return told(self.stream.take(json.dumps({**message, **changed}), now))

    @property
    def codes(self) -> list[str]:
        return [fault.code for fault in self.stream.faults]


def told(frames: list[Frame]) -> list[Any]:
    return [json.loads(frame) for frame in frames]


def opened(stream: GenesysStream | None = None) -> Server:
    server = Server(stream)
    server.say("opened", {"media": [MEDIA]})
    return server


def test_the_signature_is_that_of_the_reference() -> None:
    hook = Hook(
        "demo-api-key",
        b64encode(b"0123456789abcdef0123456789abcdef").decode(),
        "11111111-1111-1111-1111-111111111111",
        SESSION,
        "33333333-3333-3333-3333-333333333333",
    )
    url = "wss://voice.example.test/genesys/ws"
    headers = signed_headers(hook, url, 1_760_000_000, "AAAAAAAAAAAAAAAAAAAAAA")
    assert headers["Signature"] == "sig1=:vyuTnziSrTf2dwRVa8q395q57a62NXcfs/ED1S+Dwls=:"
    assert "Signature" not in signed_headers(Hook(), url)
    assert len(signed_headers(hook, url)["Signature-Input"].split('nonce="')[1].split('"')[0]) >= 22


def test_a_session_opens_speaks_and_closes() -> None:
    server = Server()
    assert server.heard[0]["type"] == "open"
    assert server.heard[0]["parameters"]["media"] == [MEDIA]
    assert server.stream.media(bytes(160), False) == []
    server.say("opened", {"media": [MEDIA]})
    assert server.stream.media(bytes(160), False) == [bytes(160)]
    (started,) = told(server.stream.take(SOUND, 1.0))
    assert started["type"] == "playback_started"
    assert server.stream.take(SOUND, 1.1) == []
    assert server.stream.due == pytest.approx(1.4)
    (completed,) = told(server.stream.tick(1.4))
    assert (completed["type"], completed["seq"]) == ("playback_completed", 3)
    assert completed["serverseq"] == 1
    (closing,) = server.say("disconnect", {"reason": "completed", "outputVariables": {"a": "b"}}, 2.0)
    assert (closing["type"], closing["parameters"]) == ("close", {"reason": "disconnect"})
    assert server.say("closed", None, 2.0) == []
    assert (server.stream.done, server.stream.output, server.codes) == (True, {"a": "b"}, [])


def test_barge_in_stops_what_is_played() -> None:
    server = opened()
    server.stream.take(SOUND, 0.0)
    (completed,) = server.say("event", {"entities": [{"type": "barge_in", "data": {}}]}, 0.05)
    assert completed["type"] == "playback_completed"
    assert server.stream.playback.cleared_s == pytest.approx(0.15)
    assert server.stream.events == [{"type": "barge_in", "data": {}}]


def test_numbers_that_jump_are_an_error() -> None:
    server = opened()
    (error,) = server.say("pause", seq=7)
    assert (error["type"], error["parameters"]["code"]) == ("error", 409)
    assert server.codes == ["409"]


@pytest.mark.parametrize(
    ("kind", "parameters", "changed", "code"),
    [
        ("pause", None, {"clientseq": 9}, "409"),
        ("pause", None, {"id": "another"}, "400"),
        ("pause", None, {"version": "1"}, "400"),
        ("pause", None, {"position": "PT0S"}, "400"),
        ("pause", {"extra": 1}, {}, "400"),
        ("ping", None, {}, "405"),
        ("event", {"entities": [{"type": "bot_turn_response", "data": {}}]}, {}, "400"),
        ("event", {"entities": [{"type": "clear", "data": {}}]}, {}, "400"),
        ("opened", {"media": [MEDIA]}, {}, "409"),
    ],
)
def test_each_rule_catches_its_offender(
    kind: str, parameters: object, changed: dict[str, Any], code: str
) -> None:
    server = opened()
    server.say(kind, parameters, **changed)
    assert server.codes == [code]


def test_media_must_have_been_offered_and_a_probe_gets_none() -> None:
    wrong = Server()
    wrong.say("opened", {"media": [{**MEDIA, "channels": ["external", "internal"]}]})
    early = Server()
    early.say("event", {"entities": []})
    early.stream.take(SOUND, 0.0)
    probed = Server(GenesysStream(conversation=PROBE))
    (closing,) = probed.say("opened", {"media": []})
    assert (wrong.codes, early.codes, probed.codes) == (["415"], ["409", "409"], [])
    assert closing["type"] == "close"


def test_a_ping_wants_a_pong() -> None:
    server = opened()
    assert server.stream.due == pytest.approx(PING_S)
    (ping,) = told(server.stream.tick(PING_S))
    assert ping["type"] == "ping"
    server.say("pong", None, PING_S)
    server.stream.tick(2 * PING_S)
    server.stream.tick(3 * PING_S)
    assert server.codes == ["408"]


def test_many_small_messages_are_too_many() -> None:
    server = opened(GenesysStream(Hook(session=SESSION), limit=Bucket(5, 5, 5)))
    for at in range(50):
        server.stream.take(SOUND[:160], at * 0.02)
    assert set(server.codes) == {"429"}
    calm = opened(GenesysStream(Hook(session=SESSION), limit=Bucket(5, 5, 5)))
    for at in range(50):
        calm.stream.take(SOUND, at * 0.2)
    assert calm.codes == []


def test_a_session_pauses() -> None:
    server = opened()
    assert server.say("pause")[0]["type"] == "paused"
    assert server.stream.media(bytes(160), False) == []
    assert server.say("resume")[0]["type"] == "resumed"
    assert server.stream.media(bytes(160), False) != []
    assert server.say("reconnect", {"info": "moving"}) == []
    assert server.codes == []
