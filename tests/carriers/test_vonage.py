"""Vonage's media socket, NCCO and signed webhooks, against what the reference says of them (telephony.md, 3)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from gateway.carriers.vonage import Claims, Stream, answer, verify_socket, verify_webhook
from gateway.wire import (
    Audio,
    Cleared,
    Codec,
    Digit,
    Encoding,
    Pacing,
    Played,
    Started,
    StreamFault,
    Unverified,
)

pytestmark = pytest.mark.unit

SECRET = "0123456789abcdef0123456789abcdef"
BODY = b'{"status":"answered","uuid":"aaaa"}'
HASH = "c6d952ca8cc7b7f6805c36a29b84a0b64baaf1d10cba7a550520c14f7f1c36dc"
NOW = 1_760_000_000


def connected(rate: int = 16000, **given: str) -> str:
    return json.dumps({"event": "websocket:connected", "content-type": f"audio/l16;rate={rate}", **given})


def started(rate: int = 16000) -> Stream:
    stream = Stream()
    stream.receive(connected(rate))
    return stream


def test_the_first_text_starts_the_call() -> None:
    given = {"call": "c-1", "caller": "15550100001", "called": "15550100002", "token": "t"}
    events, answers = Stream().receive(connected(24000, **given))
    wide = Encoding(Codec.L16, 24000)
    assert events == [
        Started(
            "", "c-1", wide, wide, Pacing(20, exact=True), "15550100001", "15550100002", parameters=given
        )
    ]
    assert answers == []


def test_audio_that_overtakes_the_first_text_is_kept() -> None:
    stream = Stream()
    assert stream.receive(b"\1\0" * 320) == ([], [])
    events, _ = stream.receive(connected())
    assert events[1:] == [Audio(b"\1\0" * 320)]
    assert stream.receive(b"\2\0" * 320) == ([Audio(b"\2\0" * 320)], [])


def test_of_early_audio_a_second_is_kept() -> None:
    stream = Stream()
    for n in range(80):
        stream.receive(bytes([n, 0]))
    events, _ = stream.receive(connected())
    assert events[1:] == [Audio(bytes([n, 0])) for n in range(30, 80)]


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ('{"event":"websocket:dtmf","digit":"5","duration":260}', Digit("5")),
        ('{"event":"websocket:dtmf","dtmf":{"digit":"#"}}', Digit("#")),
        ('{"event":"websocket:cleared"}', Cleared()),
        ('{"event":"websocket:notify","payload":{"mark":"m1"}}', Played("m1")),
    ],
)
def test_what_it_tells(message: str, event: object) -> None:
    assert started().receive(message) == ([event], [])


@pytest.mark.parametrize(
    "message",
    [
        '{"event":"websocket:media:update"}',
        '{"event":"websocket:dtmf","digit":"55"}',
        '{"event":7}',
        "{}",
        b"",
    ],
)
def test_what_is_nothing(message: str | bytes) -> None:
    assert started().receive(message) == ([], [])


@pytest.mark.parametrize(
    "message",
    ["", "[]", "null", "{", connected(), b"\1\2\3", b"\0" * 70_000, "x" * 200_000],
)
def test_what_is_a_fault(message: str | bytes) -> None:
    with pytest.raises(StreamFault):
        started().receive(message)


@pytest.mark.parametrize("kind", ["audio/l16;rate=44100", "audio/mulaw;rate=8000", ""])
def test_audio_that_it_does_not_send(kind: str) -> None:
    with pytest.raises(StreamFault, match="no audio that Vonage sends"):
        Stream().receive(json.dumps({"event": "websocket:connected", "content-type": kind}))


@pytest.mark.parametrize(("rate", "size"), [(8000, 320), (16000, 640), (24000, 960)])
def test_every_message_holds_twenty_milliseconds(rate: int, size: int) -> None:
    stream = started(rate)
    assert stream.play(b"\1" * size) == [b"\1" * size]
    assert stream.play(b"\1" * (size + 2)) == [b"\1" * size, b"\1\1" + bytes(size - 2)]
    assert stream.play(b"") == []


def test_what_it_is_told() -> None:
    stream = started()
    assert stream.clear() == ['{"action":"clear"}']
    assert json.loads(str(stream.mark('a"b')[0])) == {"action": "notify", "payload": {"mark": 'a"b'}}
    assert stream.send_digits("1") == stream.hang_up() == []


def test_ncco() -> None:
    assert answer(
        "wss://voice.example.test/vonage/ws",
        token="t",
        call="c-1",
        caller="15550100001",
        rate=16000,
        parameters={"persona": "dental"},
        event_url="https://voice.example.test/vonage/event",
    ) == [
        {
            "action": "connect",
            "eventUrl": ["https://voice.example.test/vonage/event"],
            "endpoint": [
                {
                    "type": "websocket",
                    "uri": "wss://voice.example.test/vonage/ws",
                    "content-type": "audio/l16;rate=16000",
                    "headers": {"token": "t", "call": "c-1", "caller": "15550100001", "persona": "dental"},
                    "authorization": {"type": "vonage"},
                }
            ],
        }
    ]


def test_an_ncco_that_vonage_would_not_take() -> None:
    with pytest.raises(ValueError, match="not 44100"):
        answer("wss://voice.example.test", token="t", rate=44100)
    with pytest.raises(ValueError, match="512 bytes"):
        answer("wss://voice.example.test", token="x" * 512)
    with pytest.raises(ValueError, match="one-time token"):
        answer("wss://voice.example.test", token="")


URL = "https://voice.example.test/telephony/vonage/voice"


def token(secret: str = SECRET, **changed: Any) -> str:
    claims = {
        "iss": "Vonage",
        "iat": NOW,
        "jti": "j-1",
        "api_key": "key",
        "application_id": "app",
        "payload_hash": HASH,
        **changed,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return "Bearer " + jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret))


def given(authorization: str) -> dict[str, str]:
    return {"authorization": authorization}


def test_a_signed_webhook() -> None:
    found = verify_webhook(URL, given(token()), BODY, secret=SECRET, now=NOW + 1, application_id="app")
    assert found == Claims("j-1", NOW, "app", "key")
    assert verify_socket("wss://x", given(token(payload_hash=None)), secret=SECRET, now=NOW) == found


def test_a_signed_get() -> None:
    query = "?to=15550100002&from=15550100001&uuid=%C3%BC&empty="
    payload = '{"to":"15550100002","from":"15550100001","uuid":"ü","empty":""}'.encode()
    signed = token(payload_hash=hashlib.sha256(payload).hexdigest())
    assert verify_webhook(URL + query, given(signed), secret=SECRET, now=NOW).jti == "j-1"
    with pytest.raises(Unverified, match="not the one"):
        verify_webhook(URL + query + "1", given(signed), secret=SECRET, now=NOW)


@pytest.mark.parametrize(
    ("authorization", "why"),
    [
        ("", "no bearer"),
        ("Basic abc", "no bearer"),
        ("Bearer x.y.z", "not signed"),
        (token("f" * 32), "not signed"),
        (token(iss="somebody"), "somebody other"),
        (token(iat=NOW - 301), "too long ago"),
        (token(iat=NOW + 301), "in the future"),
        (token(iat=None), "too long ago"),
        (token(exp=NOW - 301), "expired"),
        (token(nbf=NOW + 301), "not in force"),
        (token(application_id="other"), "another application"),
        (token(jti=None), "without an id"),
        (token(payload_hash="0" * 64), "not the one that was signed"),
        (token(payload_hash=None), "not the one that was signed"),
        ("Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJWb25hZ2UifQ.", "not signed"),
    ],
)
def test_a_webhook_that_is_not_proved(authorization: str, why: str) -> None:
    with pytest.raises(Unverified, match=why):
        verify_webhook(URL, given(authorization), BODY, secret=SECRET, now=NOW, application_id="app")


def test_without_a_secret_nothing_is_proved() -> None:
    with pytest.raises(Unverified, match="no secret"):
        verify_webhook(URL, given(token()), BODY, secret="", now=NOW)


def test_another_body() -> None:
    with pytest.raises(Unverified, match="body"):
        verify_webhook(URL, given(token()), BODY + b" ", secret=SECRET, now=NOW)
