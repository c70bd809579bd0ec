"""SignalWire: what differs from Twilio (telephony.md, section 8)."""

from __future__ import annotations

import hashlib
import hmac
import json
from urllib.parse import urlencode

import pytest

from gateway.carriers.dialects.twilio_signature import signature
from gateway.carriers.signalwire import answer, verify_socket, verify_webhook
from gateway.wire import Audio, Codec, Digit, Encoding, Played, Started, StreamFault, Unverified
from tests.carriers.wire import WIRES, heard

pytestmark = pytest.mark.unit

SIGNALWIRE = WIRES["signalwire"]
SECRET = "PSK_0123456789abcdef"
URL = "https://voice.example.test/signalwire/voice"
WIDE = {"encoding": "audio/x-L16", "sampleRate": 24000, "channels": 1}


def test_only_the_start_names_the_stream() -> None:
    stream = SIGNALWIRE.stream()
    assert heard(stream, {"event": "connected", "protocol": "Call", "version": "0.2.0"}) == []
    assert "streamSid" not in SIGNALWIRE.start()
    (started,) = heard(stream, SIGNALWIRE.start())
    assert isinstance(started, Started)
    assert started.stream_id == "MZ01"
    assert json.loads(str(stream.play(b"\xff")[0]))["streamSid"] == "MZ01"


@pytest.mark.parametrize("rate", [8000, 16000, 24000])
def test_wide_audio(rate: int) -> None:
    stream = SIGNALWIRE.stream()
    (started,) = heard(stream, SIGNALWIRE.start(mediaFormat=WIDE | {"sampleRate": rate}))
    assert isinstance(started, Started)
    assert started.hears == started.plays == Encoding(Codec.L16, rate)
    assert heard(stream, SIGNALWIRE.media(1, 0, b"\1\2\3\4")) == [Audio(b"\1\2\3\4", 0)]
    with pytest.raises(StreamFault, match="within a sample"):
        heard(stream, SIGNALWIRE.media(2, 20, b"\1\2\3"))


def test_audio_signalwire_has_not_is_a_fault() -> None:
    for told in (WIDE | {"sampleRate": 44100}, WIDE | {"encoding": "audio/opus"}):
        with pytest.raises(StreamFault):
            heard(SIGNALWIRE.stream(), SIGNALWIRE.start(mediaFormat=told))


def test_keys_go_out_through_the_stream() -> None:
    stream = SIGNALWIRE.started()
    assert stream.send_digits("1w#a") == [
        '{"event":"dtmf","streamSid":"MZ01","dtmf":{"digit":"1"}}',
        '{"event":"dtmf","streamSid":"MZ01","dtmf":{"digit":"#"}}',
        '{"event":"dtmf","streamSid":"MZ01","dtmf":{"digit":"A"}}',
    ]
    assert heard(stream, SIGNALWIRE.dtmf("5")) == [Digit("5")]


def test_marks_that_a_clear_returns_were_not_played() -> None:
    stream = SIGNALWIRE.started()
    stream.mark("m1")
    stream.clear()
    stream.mark("m2")
    assert [heard(stream, SIGNALWIRE.mark(name)) for name in ("m1", "m2")] == [[], [Played("m2")]]


def test_the_answer() -> None:
    assert answer(
        "wss://voice.example.test/signalwire/media",
        token="abc123",
        caller="+15550100001",
        called="+15550100002",
        action="https://voice.example.test/signalwire/after",
        encoding=Encoding(Codec.L16, 24000),
        bearer_token="hand&shake",
    ) == (
        '<?xml version="1.0" encoding="UTF-8"?><Response>'
        '<Connect action="https://voice.example.test/signalwire/after">'
        '<Stream url="wss://voice.example.test/signalwire/media" codec="L16@24000h" realtime="true"'
        ' authBearerToken="hand&amp;shake">'
        '<Parameter name="token" value="abc123"/>'
        '<Parameter name="caller" value="+15550100001"/>'
        '<Parameter name="called" value="+15550100002"/>'
        "</Stream></Connect></Response>"
    )
    with pytest.raises(ValueError, match="PCMU@8000h"):
        answer("wss://h/x", token="t", encoding=Encoding(Codec.PCMA, 8000))


def test_forms_are_signed_as_by_twilio_under_either_name() -> None:
    fields = {"CallSid": "1", "From": "+15550100001"}
    mine = signature(SECRET, URL, {name: [value] for name, value in fields.items()})
    body = urlencode(fields).encode()
    for name in ("X-SignalWire-Signature", "X-Twilio-Signature"):
        verify_webhook(URL, {name: mine}, body, secret=SECRET)
        for wrong in ({name: mine + "x"}, {name: ""}, {}):
            with pytest.raises(Unverified):
                verify_webhook(URL, wrong, body, secret=SECRET)


def test_json_is_signed_by_url_and_body() -> None:
    body = b'{"call":{"call_id":"1"}}'
    mine = hmac.new(SECRET.encode(), URL.encode() + body, hashlib.sha1).hexdigest()
    headers = {"X-SignalWire-Signature": mine, "Content-Type": "application/json"}
    verify_webhook(URL, headers, body, secret=SECRET)
    for url, content, secret in (
        (URL, body + b" ", SECRET),
        (URL + "/", body, SECRET),
        (URL, body, "x"),
        (URL, body, ""),
    ):
        with pytest.raises(Unverified):
            verify_webhook(url, headers, content, secret=secret)


def test_the_handshake_carries_the_token_of_the_answer() -> None:
    verify_socket("wss://h/x", {"Authorization": "Bearer abc"}, secret="abc")
    with pytest.raises(Unverified):
        verify_socket("wss://h/x", {"Authorization": "Bearer abd"}, secret="abc")
