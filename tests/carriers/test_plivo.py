"""Plivo: audio stream, XML and signatures (telephony.md, section 4)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.carriers.dialects.plivo_signature import signature
from gateway.carriers.plivo import (
    Stream,
    answer,
    hang_up,
    redirect,
    refuse,
    say,
    transfer,
    verify_socket,
    verify_webhook,
)
from gateway.wire import Audio, Cleared, Codec, Encoding, Played, Started, StreamFault, Unverified
from tests.carriers.wire import EPOCH, WIRES, b64, heard

pytestmark = pytest.mark.unit

PLIVO = WIRES["plivo"]
SECRET = "0123456789abcdef0123456789abcdef"
URL = "https://voice.example.test/plivo/answer"
MEDIA = "wss://voice.example.test/plivo/ws"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
L16 = {"encoding": "audio/x-l16", "sampleRate": 16000}


# ── the stream ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_start_returns_what_the_answer_gave() -> None:
    (started,) = heard(Stream(), PLIVO.start())
    assert isinstance(started, Started)
    assert started.stream_id == "s1"
    assert started.call_id == "c1"
    assert started.parameters == {"token": "abc123", "caller": "+15550100001", "called": "15550100002"}
    assert (started.caller, started.called) == ("+15550100001", "15550100002")
    (started,) = heard(Stream(), PLIVO.start() | {"extra_headers": None})
    assert isinstance(started, Started)
    assert started.parameters == {}


def test_time_begins_with_the_first_frame() -> None:
    stream = PLIVO.started()
    told = [heard(stream, PLIVO.media(n, 5000 + 20 * n, b"\xff" * 160)) for n in range(3)]
    assert told == [[Audio(b"\xff" * 160, 20 * n)] for n in range(3)]
    assert PLIVO.media(1, 0, b"")["media"]["timestamp"] == str(EPOCH)


def test_checkpoints_are_played_only_when_plivo_says_so() -> None:
    stream = PLIVO.started()
    for name in ("m1", "m2", "m3"):
        (sent,) = stream.mark(name)
        assert json.loads(str(sent)) == {"event": "checkpoint", "streamId": "s1", "name": name}
    assert heard(stream, PLIVO.mark("m1")) == [Played("m1")]
    assert stream.clear() == ['{"event":"clearAudio","streamId":"s1"}']
    # On its way when it was cleared: Plivo tells what was really played.
    assert heard(stream, {"event": "played", "streamId": "s1", "name": "m2"}) == [Played("m2")]
    assert heard(stream, {"event": "clearedAudio", "streamId": "s1", "sequenceNumber": 9}) == [Cleared()]
    assert heard(stream, PLIVO.mark("m3")) == []


def test_what_is_played_says_what_it_is() -> None:
    stream = PLIVO.started()
    assert stream.play(b"\xff\x7f") == [
        '{"event":"playAudio","streamId":"s1","media":{"contentType":"audio/x-mulaw","sampleRate":8000,"payload":"'
        + b64(b"\xff\x7f")
        + '"}}'
    ]
    assert stream.play(b"") == []
    stream = PLIVO.started(mediaFormat=L16)
    media = json.loads(str(stream.play(b"\1\2")[0]))["media"]
    assert media == {"contentType": "audio/x-l16", "sampleRate": 16000, "payload": b64(b"\1\2")}


def test_samples_in_network_order_are_turned_both_ways() -> None:
    stream = Stream(big_endian=True)
    (started,) = heard(stream, PLIVO.start(mediaFormat=L16))
    assert isinstance(started, Started)
    assert started.hears == started.plays == Encoding(Codec.L16, 16000)
    assert heard(stream, PLIVO.media(1, 0, b"\1\2\3\4")) == [Audio(b"\2\1\4\3", 0)]
    assert json.loads(str(stream.play(b"\1\2")[0]))["media"]["payload"] == b64(b"\2\1")
    with pytest.raises(StreamFault, match="within a sample"):
        heard(stream, PLIVO.media(2, 20, b"\1"))
    law = Stream(big_endian=True)
    heard(law, PLIVO.start())
    assert heard(law, PLIVO.media(1, 0, b"\1\2")) == [Audio(b"\1\2", 0)]


@pytest.mark.parametrize(
    "told",
    [
        {"encoding": "audio/x-mulaw", "sampleRate": 16000},
        {"encoding": "audio/x-l16", "sampleRate": 24000},
        {},
    ],
)
def test_audio_that_was_not_asked_for_is_a_fault(told: dict[str, Any]) -> None:
    with pytest.raises(StreamFault, match="not asked for"):
        heard(Stream(), PLIVO.start(mediaFormat=told))


def test_keys_go_out_in_one_message() -> None:
    stream = PLIVO.started()
    assert stream.send_digits("12w#a") == ['{"event":"sendDTMF","dtmf":"12#A"}']
    assert stream.send_digits("w") == []


# ── documents ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_answer_holds_the_call_and_asks_on_when_the_socket_is_gone() -> None:
    assert answer(
        MEDIA,
        token="abc123",
        caller="+15550100001",
        called="15550100002",
        action="https://h/after?a=1&b=2",
        status_callback="https://h/stream",
        encoding=Encoding(Codec.L16, 16000),
    ) == (
        HEAD
        + '<Response><Stream bidirectional="true" keepCallAlive="true" contentType="audio/x-l16;rate=16000"'
        ' streamTimeout="86400" statusCallbackUrl="https://h/stream"'
        ' extraHeaders="token=abc123,hexcaller=2b3135353530313030303031,called=15550100002">'
        "wss://voice.example.test/plivo/ws</Stream><Redirect>https://h/after?a=1&amp;b=2</Redirect></Response>"
    )
    assert answer(MEDIA, token="abc").endswith("</Stream><Hangup/></Response>")


@pytest.mark.parametrize("token", ["", "a-b", "a_b", "é", "a=b"])
def test_a_token_plivo_would_not_carry_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        answer(MEDIA, token=token)


def test_what_plivo_cannot_do_is_refused() -> None:
    with pytest.raises(ValueError, match="16 kHz"):
        answer(MEDIA, token="t", encoding=Encoding(Codec.L16, 24000))
    with pytest.raises(ValueError, match="512"):
        answer(MEDIA, token="t", parameters={"note": "x" * 600})


def test_other_documents() -> None:
    assert refuse() == HEAD + '<Response><Hangup reason="busy"/></Response>'
    assert refuse(busy=False) == HEAD + '<Response><Hangup reason="rejected"/></Response>'
    assert say("Closed & <done>", voice="WOMAN") == (
        HEAD + '<Response><Speak voice="WOMAN">Closed &amp; &lt;done&gt;</Speak><Hangup/></Response>'
    )
    assert transfer("+15550100003", caller_id="+15550100002", action="https://h/a", timeout_s=20) == (
        HEAD + '<Response><Dial callerId="+15550100002" action="https://h/a" timeout="20">'
        "<Number>+15550100003</Number></Dial></Response>"
    )
    assert "<User>sip:anna@h</User>" in transfer("sip:anna@h")
    assert redirect("https://h/a") == HEAD + "<Response><Redirect>https://h/a</Redirect></Response>"
    assert hang_up() == HEAD + "<Response><Hangup/></Response>"


# ── signatures ────────────────────────────────────────────────────────────────────────────────────────────

FIELDS = {"CallUUID": "abc", "From": "15550100001", "To": "15550100002"}
SIGNED = "afoBP8gRH7Vee2uoex79FrodwuwslO0YZ1ArojRlEz4="


def headers(signed: str, **more: str) -> dict[str, str]:
    return {"X-Plivo-Signature-V3": signed, "X-Plivo-Signature-V3-Nonce": "12345"} | more


@pytest.mark.parametrize(
    ("method", "query", "fields", "signed"),
    [
        ("POST", "", FIELDS, SIGNED),
        (
            "POST",
            "?z=1&a=2",
            {"CallUUID": "abc", "From": "15550100001"},
            "jTZVSTEPfuYcqiAbf4nCpMJkM0q5DowCAIBVmGE829g=",
        ),
        (
            "GET",
            "?b=2",
            {"CallUUID": "abc", "From": "15550100001"},
            "dQwHf9TYqdWq9e/roDE/LHWK5gzrcx23nQT5zl1Bmog=",
        ),
        ("GET", "?b=2&From=15550100001&CallUUID=abc", {}, "dQwHf9TYqdWq9e/roDE/LHWK5gzrcx23nQT5zl1Bmog="),
        ("POST", "", {}, "xqQbkF3RzDCwIZ75xFeUWvx0G2zWqf5FY9VbK59wdMo="),
    ],
)
def test_the_vectors_of_the_reference(method: str, query: str, fields: dict[str, str], signed: str) -> None:
    body = urlencode(fields).encode()
    for candidates in (signed, f"AAAA,{signed}", f"{signed} , AAAA"):
        verify_webhook(URL + query, headers(candidates), body, secret=SECRET, method=method)
    main = {"X-Plivo-Signature-Ma-V3": signed, "x-plivo-signature-v3-nonce": "12345"}
    verify_webhook(URL + query, main, body, secret=SECRET, method=method)
    with pytest.raises(Unverified):
        verify_webhook(URL + query + "x", headers(signed), body, secret=SECRET, method=method)


@pytest.mark.parametrize(
    ("given", "body", "secret"),
    [
        (headers(SIGNED), urlencode(FIELDS | {"More": "1"}).encode(), SECRET),
        (headers(SIGNED), b"", SECRET),
        (headers(SIGNED), urlencode(FIELDS).encode(), "another"),
        (headers(SIGNED), urlencode(FIELDS).encode(), ""),
        (headers(SIGNED) | {"X-Plivo-Signature-V3-Nonce": "12346"}, urlencode(FIELDS).encode(), SECRET),
        ({"X-Plivo-Signature-V3": SIGNED}, urlencode(FIELDS).encode(), SECRET),
        (headers(""), urlencode(FIELDS).encode(), SECRET),
        (headers(",,"), urlencode(FIELDS).encode(), SECRET),
        (headers("é"), urlencode(FIELDS).encode(), SECRET),
        ({}, b"", SECRET),
    ],
)
def test_what_is_not_plivos_is_refused(given: dict[str, str], body: bytes, secret: str) -> None:
    with pytest.raises(Unverified):
        verify_webhook(URL, given, body, secret=secret)


def test_values_are_signed_decoded_and_every_one_of_them() -> None:
    mine = signature(SECRET, "n", method="POST", url=URL, fields={"b": ["2", "1"], "a": ["ä +"]})
    given = {"X-Plivo-Signature-V3": mine, "X-Plivo-Signature-V3-Nonce": "n"}
    verify_webhook(URL, given, b"b=2&a=%C3%A4+%2B&b=1", secret=SECRET)


def test_the_handshake_is_signed_as_a_get() -> None:
    mine = signature(SECRET, "n", method="GET", url=MEDIA)
    given = {"X-Plivo-Signature-V3": mine, "X-Plivo-Signature-V3-Nonce": "n"}
    verify_socket(MEDIA, given, secret=SECRET)
    with pytest.raises(Unverified):
        verify_socket(MEDIA + "/", given, secret=SECRET)
    with pytest.raises(Unverified, match="not signed"):
        verify_socket(MEDIA, {}, secret=SECRET)
