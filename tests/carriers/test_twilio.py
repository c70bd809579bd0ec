"""Twilio: media stream, TwiML and signatures (telephony.md, section 1)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.carriers.dialects.twilio_signature import signature
from gateway.carriers.twilio import Stream, answer, hang_up, redirect, verify_socket, verify_webhook
from gateway.wire import (
    Audio,
    Codec,
    Digit,
    Encoding,
    Pacing,
    Played,
    Started,
    Stopped,
    StreamFault,
    Unverified,
)
from tests.carriers.wire import WIRES, heard

pytestmark = pytest.mark.unit

TWILIO = WIRES["twilio"]

SECRET = "0123456789abcdef0123456789abcdef"
VOICE = "https://voice.example.test/twilio/voice?tenant=7"
MEDIA = "wss://voice.example.test/twilio/media"
JSON = (
    "https://voice.example.test/twilio/json"
    "?bodySHA256=2c0666189e06a136563bd761c2f72f38f9bac28ae28ac660caca87f3e6e3fa6f"
)
FIELDS = {
    "CallSid": "CA00000000000000000000000000000001",
    "From": "+15550100001",
    "To": "+15550100002",
    "CallStatus": "ringing",
    "Direction": "inbound",
}
BODY = urlencode(FIELDS).encode()
SIGNED = "ZrrnClmofFZC0KToW7Xx8zCnPHY="
SIGNED_256 = "mYMI0Ng55WQhJ9L1XU7AsZ1Rv1k5JtHY4Z3whrAJFdM="
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


def signed(signature: str, **more: str) -> dict[str, str]:
    return (
        FORM
        | {"X-Twilio-Signature": signature}
        | {name.replace("_", "-"): value for name, value in more.items()}
    )


def settings(text: str) -> dict[str, str]:
    return FORM | {"X-Twilio-Signature": SIGNED_256, "X-Twilio-Webhooks-Signature-Settings": text}


# ── the stream ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_messages_of_the_reference() -> None:
    stream = Stream()
    law = Encoding(Codec.PCMU, 8000)
    start = (
        '{"event":"start","sequenceNumber":"1","streamSid":"MZ01","start":{"accountSid":"AC01","streamSid":"MZ01",'
        '"callSid":"CA01","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},'
        '"customParameters":{"token":"abc123"}}}'
    )
    media = (
        '{"event":"media","sequenceNumber":"2","streamSid":"MZ01",'
        '"media":{"track":"inbound","chunk":"1","timestamp":"60","payload":"//9/"}}'
    )
    dtmf = '{"event":"dtmf","sequenceNumber":"9","streamSid":"MZ01","dtmf":{"track":"inbound_track","digit":"5"}}'
    mark = '{"event":"mark","sequenceNumber":"14","streamSid":"MZ01","mark":{"name":"m1"}}'
    stop = '{"event":"stop","sequenceNumber":"90","streamSid":"MZ01","stop":{"accountSid":"AC01","callSid":"CA01"}}'
    assert stream.receive('{"event":"connected","protocol":"Call","version":"1.0.0"}') == ([], [])
    assert stream.receive(start) == (
        [Started("MZ01", "CA01", law, law, Pacing(frames=5), parameters={"token": "abc123"})],
        [],
    )
    assert stream.receive(media) == ([Audio(b"\xff\xff\x7f", 60)], [])
    assert stream.receive(dtmf) == ([Digit("5")], [])
    assert stream.mark("m1") == ['{"event":"mark","streamSid":"MZ01","mark":{"name":"m1"}}']
    assert stream.receive(mark) == ([Played("m1")], [])
    assert stream.play(b"\xff\xff\x7f") == [
        '{"event":"media","streamSid":"MZ01","media":{"payload":"//9/"}}'
    ]
    assert stream.clear() == ['{"event":"clear","streamSid":"MZ01"}']
    assert stream.receive(stop) == ([Stopped()], [])


def test_audio_of_any_length_is_one_message() -> None:
    stream = TWILIO.started()
    assert stream.play(b"") == []
    for size in (1, 160, 800):
        (message,) = stream.play(bytes(size))
        assert len(json.loads(message)["media"]["payload"]) == (size + 2) // 3 * 4


def test_ids_and_names_are_escaped() -> None:
    name = 'a"b\\c\nä'
    stream = TWILIO.stream()
    text = json.dumps(TWILIO.start()).replace("MZ01", r"M\"Z\\")
    stream.receive(text)
    for message in (*stream.play(b"x"), *stream.mark(name), *stream.clear()):
        assert json.loads(message)["streamSid"] == 'M"Z\\'
    assert json.loads(str(stream.mark(name)[0]))["mark"]["name"] == name


def test_marks_that_a_clear_returns_were_not_played() -> None:
    stream = TWILIO.started()
    for name in ("m1", "m2", "m3"):
        stream.mark(name)
    assert heard(stream, TWILIO.mark("m1")) == [Played("m1")]
    stream.clear()
    stream.clear()
    stream.mark("m4")
    assert heard(stream, TWILIO.mark("m2")) == []
    assert heard(stream, TWILIO.mark("m3")) == []
    assert heard(stream, TWILIO.mark("m4")) == [Played("m4")]


def test_keys_are_not_sent() -> None:
    assert TWILIO.started().send_digits("123") == []


@pytest.mark.parametrize(
    "told",
    [
        {"encoding": "audio/x-L16", "sampleRate": 16000, "channels": 1},
        {"encoding": "audio/x-mulaw", "sampleRate": 16000},
        {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 2},
        {"encoding": 7, "sampleRate": 8000},
        {"encoding": "audio/x-mulaw", "sampleRate": "many"},
        {"encoding": "audio/x-mulaw"},
    ],
    ids=str,
)
def test_audio_that_was_not_asked_for_is_a_fault(told: dict[str, Any]) -> None:
    with pytest.raises(StreamFault):
        heard(TWILIO.stream(), TWILIO.start(mediaFormat=told))


def test_parameters_that_are_no_text_are_left_out() -> None:
    stream = TWILIO.stream()
    (started,) = heard(stream, TWILIO.start(customParameters={"token": "t", "n": 7, "x": None}))
    assert isinstance(started, Started)
    assert started.parameters == {"token": "t"}
    (started,) = heard(TWILIO.stream(), TWILIO.start(customParameters=[]))
    assert isinstance(started, Started)
    assert started.parameters == {}


# ── TwiML ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_answer_connects_the_call_and_asks_on_when_the_socket_is_gone() -> None:
    assert answer(
        MEDIA,
        token="abc123",
        caller="+15550100001",
        called="+15550100002",
        action="https://voice.example.test/twilio/after?call=1&try=2",
        status_callback="https://voice.example.test/twilio/stream",
        parameters={"persona": 'a "quoted" <name>'},
    ) == (
        '<?xml version="1.0" encoding="UTF-8"?><Response>'
        '<Connect action="https://voice.example.test/twilio/after?call=1&amp;try=2">'
        '<Stream url="wss://voice.example.test/twilio/media"'
        ' statusCallback="https://voice.example.test/twilio/stream">'
        '<Parameter name="token" value="abc123"/>'
        '<Parameter name="caller" value="+15550100001"/>'
        '<Parameter name="called" value="+15550100002"/>'
        '<Parameter name="persona" value="a &quot;quoted&quot; &lt;name&gt;"/>'
        "</Stream></Connect></Response>"
    )
    assert "action" not in answer(MEDIA, token="abc123")
    with pytest.raises(ValueError, match="query"):
        answer(MEDIA + "?token=abc", token="abc")


def test_other_documents() -> None:
    assert hang_up() == '<?xml version="1.0" encoding="UTF-8"?><Response><Hangup/></Response>'
    assert "<Redirect>https://h/a?b=1&amp;c=2</Redirect>" in redirect("https://h/a?b=1&c=2")


# ── signatures ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_vectors_of_the_reference() -> None:
    verify_webhook(VOICE, signed(SIGNED), BODY, secret=SECRET)
    verify_webhook(VOICE, settings("key=k1,algorithm=HMAC_SHA256"), BODY, secret="", keys={"k1": SECRET})
    verify_webhook(VOICE, settings(" algorithm = hmac_sha256 "), BODY, secret=SECRET)
    verify_socket(MEDIA, {"x-twilio-signature": "jO+qLHLp+lz9/rbFAwoUaDtDsdc="}, secret=SECRET)
    verify_socket(MEDIA + "/", {"x-twilio-signature": "Vazs6/5LJcjSGck+tdYu+vCzHKs="}, secret=SECRET)
    headers = {"X-Twilio-Signature": "PLqfysQXIXrhNF/DEaKn9DCEgn0=", "Content-Type": "application/json"}
    verify_webhook(JSON, headers, b'{"event":"demo","n":1}', secret=SECRET)


@pytest.mark.parametrize(
    ("url", "headers", "body", "secret"),
    [
        (VOICE, signed(SIGNED), BODY, "another"),
        (VOICE, signed(SIGNED), BODY, ""),
        (VOICE, signed(SIGNED), BODY + b"&Extra=1", SECRET),
        (VOICE, signed(SIGNED), BODY.replace(b"ringing", b"busy"), SECRET),
        (VOICE, signed(SIGNED), b"", SECRET),
        (VOICE, signed(SIGNED), b"\xff=1", SECRET),
        (VOICE + "&x=1", signed(SIGNED), BODY, SECRET),
        (VOICE.replace("https", "http"), signed(SIGNED), BODY, SECRET),
        (VOICE, signed(SIGNED.lower()), BODY, SECRET),
        (VOICE, signed(SIGNED_256), BODY, SECRET),
        (VOICE, signed("é"), BODY, SECRET),
        (VOICE, signed(""), BODY, SECRET),
        (VOICE, FORM, BODY, SECRET),
        (MEDIA, {"X-Twilio-Signature": "Vazs6/5LJcjSGck+tdYu+vCzHKs="}, b"", SECRET),
        (JSON, {"X-Twilio-Signature": "PLqfysQXIXrhNF/DEaKn9DCEgn0="}, b'{"event":"demo","n":2}', SECRET),
        (VOICE, settings("key=k2,algorithm=HMAC_SHA256"), BODY, SECRET),
        (VOICE, settings("key=k1,algorithm=HMAC_MD5"), BODY, SECRET),
        (VOICE, settings("key=k1,algorithm=HMAC_SHA1"), BODY, SECRET),
        (VOICE, settings("nonsense"), BODY, SECRET),
        ("https://voice.example.test:port/", signed(SIGNED), BODY, SECRET),
    ],
)
def test_what_is_not_twilios_is_refused(
    url: str, headers: dict[str, str], body: bytes, secret: str
) -> None:
    with pytest.raises(Unverified) as caught:
        verify_webhook(url, headers, body, secret=secret, keys={"k1": "other"})
    assert SECRET not in str(caught.value)
    assert SIGNED not in str(caught.value)


def test_a_body_that_nothing_signs_is_refused() -> None:
    headers = {"X-Twilio-Signature": "jO+qLHLp+lz9/rbFAwoUaDtDsdc=", "Content-Type": "application/json"}
    with pytest.raises(Unverified, match="nothing signs"):
        verify_webhook(MEDIA, headers, b"{}", secret=SECRET)


def test_fields_are_signed_once_each_in_order_and_with_their_blanks() -> None:

    url = "https://h/x"
    mine = signature(SECRET, url, {"b": ["2", "1", "2"], "a": [""], "Z": ["9"]})
    assert mine == signature(SECRET, url + "Z9ab1b2")
    verify_webhook(url, signed(mine), b"b=2&a=&b=1&Z=9&b=2", secret=SECRET)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("https://h.test/x?a=1", "https://h.test:443/x?a=1"),
        ("https://h.test:443/x", "https://h.test/x"),
        ("https://h.test:8443/x", "https://h.test/x"),
        ("http://h.test/x", "http://h.test:80/x"),
        ("wss://h.test/x", "wss://h.test:443/x"),
        ("wss://h.test/x", "wss://h.test:80/x"),
        ("wss://[::1]/x", "wss://[::1]:443/x"),
    ],
)
def test_a_port_may_be_there_or_not(ours: str, theirs: str) -> None:

    verify_socket(ours, {"X-Twilio-Signature": signature(SECRET, theirs)}, secret=SECRET)
    with pytest.raises(Unverified):
        verify_socket(ours, {"X-Twilio-Signature": signature(SECRET, theirs + "/")}, secret=SECRET)
