"""jambonz' listen, its application and its signatures, against what the reference says of them (telephony.md, 9)."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from typing import Any

import pytest

from gateway.carriers.jambonz import Stream, answer, verify_socket, verify_webhook
from gateway.wire import (
    Audio,
    Cleared,
    Codec,
    Complained,
    Digit,
    Encoding,
    Message,
    Pacing,
    Played,
    Started,
    StreamFault,
    Unverified,
)

pytestmark = pytest.mark.unit

NOW = 1_760_000_000


def described(**changed: Any) -> str:
    call = {
        "sampleRate": 8000,
        "mixType": "mono",
        "callSid": "cs",
        "callId": "ci",
        "direction": "inbound",
        "from": "+15550100001",
        "to": "+15550100002",
        "token": "t",
    }
    return json.dumps({**call, **changed})


def started() -> Stream:
    stream = Stream()
    stream.receive(described())
    return stream


def test_the_first_text_starts_the_call() -> None:
    narrow = Encoding(Codec.L16, 8000)
    events, answers = Stream().receive(described())
    assert answers == []
    assert events == [
        Started(
            "ci",
            "cs",
            narrow,
            narrow,
            Pacing(100, exact=True),
            "+15550100001",
            "+15550100002",
            {
                "mixType": "mono",
                "callSid": "cs",
                "callId": "ci",
                "direction": "inbound",
                "from": "+15550100001",
                "to": "+15550100002",
                "token": "t",
            },
        )
    ]
    assert Stream().subprotocol == "audio.jambonz.org"


@pytest.mark.parametrize(
    ("message", "events"),
    [
        (b"\1\0" * 160, [Audio(b"\1\0" * 160)]),
        (b"", []),
        ('{"event":"dtmf","dtmf":"5","duration":"1600"}', [Digit("5")]),
        ('{"event":"dtmf","dtmf":5}', []),
        ('{"type":"mark","data":{"name":"m","event":"playout"}}', [Played("m")]),
        ('{"type":"mark","data":{"name":"m","event":"cleared"}}', []),
        ('{"type":"mark","data":"m"}', []),
        ('{"type":"error","data":{"message":"secret"}}', [Complained("error")]),
        ('{"type":"playDone","data":{"id":"p1"}}', []),
        ('{"type":"later"}', []),
        (described(), []),
    ],
)
def test_what_it_tells(message: Message, events: list[object]) -> None:
    assert started().receive(message) == (events, [])


def test_marks_until_some_were_cleared() -> None:
    stream = started()
    assert stream.mark("a")
    stream.receive('{"type":"mark","data":{"name":"a","event":"playout"}}')
    stream.clear()
    assert stream.mark("b")
    stream.clear()
    assert stream.mark("c") == []


def test_marks_of_a_jambonz_that_keeps_its_books() -> None:
    stream = Stream(marks_after_clear=True)
    stream.receive(described())
    stream.mark("a")
    stream.clear()
    assert stream.mark("b")


def test_cleared_is_told_once() -> None:
    stream = started()
    cleared = '{"type":"mark","data":{"name":"%s","event":"cleared"}}'
    stream.clear()
    assert stream.receive(cleared % "a") == ([Cleared()], [])
    assert stream.receive(cleared % "b") == ([], [])
    stream.clear()
    assert stream.receive(cleared % "c") == ([Cleared()], [])


@pytest.mark.parametrize("message", [b"\1\2\3", b"\0" * 70_000, "", "[]", "{", "x" * 200_000])
def test_what_is_a_fault(message: Message) -> None:
    with pytest.raises(StreamFault):
        started().receive(message)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"\0\0", "before the description"),
        ("{}", "no sample rate"),
        (described(sampleRate="8000"), "no sample rate"),
        (described(sampleRate=44100), "no sample rate"),
        (described(mixType="stereo"), "two channels"),
    ],
)
def test_a_beginning_that_cannot_be(message: Message, why: str) -> None:
    with pytest.raises(StreamFault, match=why):
        Stream().receive(message)


def test_what_it_is_told() -> None:
    stream = started()
    assert stream.play(b"\1\0" * 800) == [b"\1\0" * 800]
    assert stream.play(b"\1\0" * 10) == [b"\1\0" * 10 + bytes(1580)]
    assert json.loads(str(stream.mark("m")[0])) == {"type": "mark", "data": {"name": "m"}}
    assert json.loads(str(stream.clear()[0])) == {"type": "killAudio"}
    assert json.loads(str(stream.hang_up()[0])) == {"type": "disconnect"}
    assert stream.send_digits("1") == []


def test_the_application() -> None:
    assert answer(
        "wss://voice.example.test/jambonz/ws",
        token="t",
        rate=16000,
        parameters={"persona": "d"},
        credentials="u:p:q",
    ) == [
        {"verb": "answer"},
        {
            "verb": "listen",
            "url": "wss://voice.example.test/jambonz/ws",
            "sampleRate": 16000,
            "mixType": "mono",
            "bidirectionalAudio": {"enabled": True, "streaming": True, "sampleRate": 16000},
            "passDtmf": True,
            "metadata": {"token": "t", "persona": "d"},
            "wsAuth": {"username": "u", "password": "p:q"},
        },
    ]
    assert "wsAuth" not in answer("wss://x", token="t")[1]
    assert answer("wss://x", token="t", action="https://x/after")[1]["actionHook"] == "https://x/after"
    with pytest.raises(ValueError, match="not 44100"):
        answer("wss://x", token="t", rate=44100)
    with pytest.raises(ValueError, match="one-time token"):
        answer("wss://x", token="")


URL = "https://voice.example.test/telephony/jambonz/voice"


def signature(body: bytes, at: int = NOW, secret: bytes = b"whsec") -> str:
    return f"t={at},v1=" + hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def test_a_signed_webhook() -> None:
    verify_webhook(URL, {"jambonz-signature": signature(b"{}")}, b"{}", secret="whsec", now=NOW + 299)
    verify_webhook(
        URL, {"jambonz-signature": signature(b"{}").replace(",", ",v1=00,")}, b"{}", secret="whsec", now=NOW
    )


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "can be read"),
        ("t=1760000000", "can be read"),
        ("v1=00,t=1760000000", "can be read"),
        ("t=1760000000,v0=00", "another secret"),
        (signature(b"{}", secret=b"other"), "another secret"),
        (signature(b"{ }"), "something else"),
        (signature(b"{}", NOW - 301), "too long ago"),
        (signature(b"{}", NOW + 301), "in the future"),
    ],
)
def test_a_webhook_that_is_not_proved(given: str, why: str) -> None:
    with pytest.raises(Unverified, match=why):
        verify_webhook(URL, {"Jambonz-Signature": given}, b"{}", secret="whsec", now=NOW)


def test_without_a_secret_nothing_is_proved() -> None:
    with pytest.raises(Unverified, match="no secret"):
        verify_webhook(URL, {"Jambonz-Signature": signature(b"", secret=b"")}, b"", secret="", now=NOW)


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(text.encode()).decode()}


def test_the_handshakes_password() -> None:
    verify_socket(URL, basic("u:p:q"), credentials="u:p:q")


@pytest.mark.parametrize("given", [{}, {"Authorization": "Basic !"}, basic("u:q"), basic("v:p")])
def test_another_password(given: dict[str, str]) -> None:
    with pytest.raises(Unverified):
        verify_socket(URL, given, credentials="u:p")


def test_without_a_password_nothing_is_proved() -> None:
    with pytest.raises(Unverified, match="no secret"):
        verify_socket(URL, basic(""), credentials="")
