"""Telnyx: media stream, commands, TeXML and signatures (telephony.md, section 2)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.carriers.telnyx import Stream, answer, streaming, texml, verify_socket, verify_webhook
from gateway.wire import (
    Audio,
    Codec,
    Complained,
    Encoding,
    Played,
    Started,
    Stopped,
    StreamFault,
    Unverified,
)
from tests.carriers.wire import WIRES, b64, heard

pytestmark = pytest.mark.unit

TELNYX = WIRES["telnyx"]
PUBLIC_KEY = "I7xUkSwebpLEqGglyGfif/3FVb/71CRPF6Jqv//ull0="
BODY = b'{"data":{"event_type":"call.initiated","id":"e1"}}'
SIGNATURE = "y1QoTUlIoX/wL53SJ4oUtFog81uBdzcsdyuGVxGLKX5NchxGihP3+4e5Y+ZxSgOj/392fOlvepwotENfUBY9AQ=="
NOW = 1_760_000_000
URL = "https://voice.example.test/telnyx/voice"
MEDIA = "wss://voice.example.test/telnyx/media"
L16 = Encoding(Codec.L16, 16000)


def frame(number: int) -> bytes:
    return number.to_bytes(4, "big") * 40


def described(**told: Any) -> Started:
    (started,) = heard(TELNYX.stream(), TELNYX.start(**told))
    assert isinstance(started, Started)
    return started


# ── the stream ────────────────────────────────────────────────────────────────────────────────────────────


def test_each_direction_has_its_own_encoding() -> None:
    told = TELNYX.start(media_format={"encoding": "PCMA", "sample_rate": 8000, "channels": 1})
    (started,) = heard(Stream(plays=L16), told)
    assert isinstance(started, Started)
    assert started.hears == Encoding(Codec.PCMA, 8000)
    assert started.plays == L16
    assert (started.call_id, started.caller, started.called) == ("v3:x", "+15550100001", "+15550100002")


def test_parameters_come_as_an_object_or_as_pairs() -> None:
    pairs = [{"name": "token", "value": "t"}, {"name": 7, "value": "x"}, {"name": "n"}, "x"]
    assert described(custom_parameters=pairs).parameters == {"token": "t"}
    assert described(custom_parameters={"token": "t", "n": 7}).parameters == {"token": "t"}
    assert described(custom_parameters=None).parameters == {}


def test_the_token_travels_in_the_state_where_nothing_else_is_taken() -> None:
    dialled = streaming(MEDIA, token="abc123")
    assert "custom_parameters" not in dialled
    for custom in (None, [{"name": "token", "value": "abc123"}]):
        told = described(custom_parameters=custom, client_state=dialled["client_state"])
        assert told.parameters == {"token": "abc123"}
    for foreign in ("eyJ9", "***", "dG9rZW49", "YWJj", 7):
        assert described(custom_parameters=None, client_state=foreign).parameters == {}


@pytest.mark.parametrize("encoding", ["OPUS", "G722", "AMR-WB", "", 7])
def test_audio_that_cannot_be_decoded_is_a_fault(encoding: object) -> None:
    with pytest.raises(StreamFault, match="cannot be decoded"):
        described(media_format={"encoding": encoding, "sample_rate": 8000})


def test_frames_out_of_order_are_put_right() -> None:
    stream = TELNYX.started()
    told = [heard(stream, TELNYX.media(n, n * 20, frame(n))) for n in (1, 3, 2, 2, 4)]
    assert told == [
        [Audio(frame(1), 20)],
        [],
        [Audio(frame(2), 40), Audio(frame(3), 60)],
        [],
        [Audio(frame(4), 80)],
    ]


def test_what_waits_for_a_lost_frame_comes_before_the_stop() -> None:
    stream = TELNYX.started()
    for n in (1, 3):
        heard(stream, TELNYX.media(n, n * 20, frame(n)))
    assert heard(stream, TELNYX.stop) == [Audio(frame(3), 60), Stopped()]


def test_media_that_overtakes_the_start_waits_for_it() -> None:
    stream = TELNYX.stream()
    for n in (2, 1, 3):
        assert heard(stream, TELNYX.media(n, n * 20, frame(n))) == []
    started, *audio = heard(stream, TELNYX.start())
    assert isinstance(started, Started)
    assert audio == [Audio(frame(2), 40), Audio(frame(3), 60)]
    stream = TELNYX.stream()
    for n in range(1, 4):
        heard(stream, TELNYX.media(n, n * 20, frame(n)))
    with pytest.raises(StreamFault, match="media before start"):
        heard(stream, TELNYX.media(4, 80, frame(4)))


def test_early_media_is_checked_when_the_start_is_there() -> None:
    stream = TELNYX.stream()
    heard(stream, TELNYX.media(1, 0, frame(1)) | {"stream_id": "other"})
    with pytest.raises(StreamFault, match="another stream"):
        heard(stream, TELNYX.start())


def test_a_call_that_is_never_answered_ends_without_a_start() -> None:
    stream = TELNYX.stream()
    assert heard(stream, {"event": "connected", "version": "1.0.0"}) == []
    assert heard(stream, {"event": "stop"}) == [Stopped()]


def test_what_is_sent() -> None:
    stream = TELNYX.started()
    law = bytes(range(160))
    assert stream.play(law) == ['{"event":"media","media":{"payload":"' + b64(law) + '"}}']
    assert stream.play(b"") == []
    assert stream.mark("m1") == ['{"event":"mark","mark":{"name":"m1"}}']
    assert stream.clear() == ['{"event":"clear"}']
    assert heard(stream, TELNYX.mark("m1")) == []
    stream.mark("m2")
    assert heard(stream, TELNYX.mark("m2")) == [Played("m2")]


@pytest.mark.parametrize(
    ("plays", "silence"),
    [(Encoding(Codec.PCMU, 8000), b"\xff"), (Encoding(Codec.PCMA, 8000), b"\xd5"), (L16, b"\0")],
    ids=str,
)
def test_the_end_of_a_reply_is_filled_to_the_least_that_is_taken(plays: Encoding, silence: bytes) -> None:
    stream = Stream(plays=plays)
    heard(stream, TELNYX.start())
    (message,) = stream.play(b"\1\2")
    least = b"\1\2" + silence * (plays.bytes_per_ms * 20 - 2)
    assert json.loads(str(message))["media"]["payload"] == b64(least)


def test_samples_in_network_order_are_turned_both_ways() -> None:
    stream = Stream(plays=L16, big_endian=True)
    heard(stream, TELNYX.start(media_format={"encoding": "L16", "sample_rate": "16000", "channels": 1}))
    assert heard(stream, TELNYX.media(1, 0, b"\1\2\3\4")) == [Audio(b"\2\1\4\3", 0)]
    (message,) = stream.play(b"\1\2" * 320)
    assert json.loads(str(message))["media"]["payload"] == b64(b"\2\1" * 320)
    # G.711 has no order.
    stream = Stream(big_endian=True)
    heard(stream, TELNYX.start())
    assert heard(stream, TELNYX.media(1, 0, b"\1\2")) == [Audio(b"\1\2", 0)]
    stream = Stream()
    heard(stream, TELNYX.start(media_format={"encoding": "L16", "sample_rate": 16000}))
    with pytest.raises(StreamFault, match="within a sample"):
        heard(stream, TELNYX.media(1, 0, b"\1"))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"code": 100003, "title": "malformed_frame", "detail": "secret"}, "a message it could not read"),
        ({"code": "100004", "title": "invalid_media"}, "media it could not play"),
        ({"code": 100005}, "too much at once"),
        ({"code": 7, "detail": "secret"}, "an unknown error"),
        ({"code": ["secret"]}, "an unknown error"),
        (None, "an unknown error"),
    ],
)
def test_complaints_do_not_end_the_call(payload: object, reason: str) -> None:
    stream = TELNYX.started()
    assert heard(stream, {"event": "error", "stream_id": "s1", "payload": payload}) == [Complained(reason)]


def test_keys_may_come_out_of_order() -> None:
    stream = TELNYX.started()
    told = [
        heard(stream, TELNYX.dtmf(key) | {"sequence_number": n})
        for key, n in (("2", "9"), ("1", "8"), ("2", "9"))
    ]
    assert [len(one) for one in told] == [1, 1, 0]
    for n in range(100, 200):
        heard(stream, TELNYX.dtmf("1") | {"sequence_number": n})
    assert isinstance(stream, Stream)
    assert len(stream._keys) <= 16


# ── commands and TeXML ────────────────────────────────────────────────────────────────────────────────────


def test_the_command_that_answers() -> None:
    assert answer(
        MEDIA, token="abc123", plays=L16, auth_token="shake", command_id="answer-1", target_legs="self"
    ) == {
        "stream_url": MEDIA,
        "stream_track": "inbound_track",
        "stream_codec": "PCMU",
        "stream_bidirectional_mode": "rtp",
        "stream_bidirectional_codec": "L16",
        "stream_bidirectional_sampling_rate": 16000,
        "custom_parameters": [{"name": "token", "value": "abc123"}],
        "client_state": b64(b"token=abc123"),
        "stream_bidirectional_target_legs": "self",
        "stream_auth_token": "shake",
        "command_id": "answer-1",
    }
    least = answer(
        MEDIA, token="t", caller="+15550100001", called="+15550100002", parameters={"persona": "dental"}
    )
    assert [one["name"] for one in least["custom_parameters"]] == ["token", "caller", "called", "persona"]
    assert not {"command_id", "stream_auth_token", "stream_bidirectional_target_legs"} & least.keys()
    with pytest.raises(ValueError, match="L16 at 22050"):
        answer(MEDIA, token="t", plays=Encoding(Codec.L16, 22050))


def test_texml() -> None:
    assert texml(
        MEDIA,
        token="abc123",
        caller="+15550100001",
        action="https://h/a?b&c",
        status_callback="https://h/s",
    ) == (
        '<?xml version="1.0" encoding="UTF-8"?><Response><Connect action="https://h/a?b&amp;c">'
        '<Stream url="wss://voice.example.test/telnyx/media" track="inbound_track" codec="PCMU"'
        ' bidirectionalMode="rtp" bidirectionalCodec="PCMU" bidirectionalSamplingRate="8000"'
        ' statusCallback="https://h/s">'
        '<Parameter name="token" value="abc123"/><Parameter name="caller" value="+15550100001"/>'
        "</Stream></Connect></Response>"
    )


# ── signatures ────────────────────────────────────────────────────────────────────────────────────────────


def signed(**changed: str) -> dict[str, str]:
    names = {"signature": "telnyx-signature-ed25519", "time": "telnyx-timestamp"}
    values = {"signature": SIGNATURE, "time": str(NOW)} | changed
    return {names[name]: value for name, value in values.items()}


def test_the_vector_of_the_reference() -> None:
    for now in (NOW, NOW - 300, NOW + 300):
        verify_webhook(URL, signed(), BODY, public_key=PUBLIC_KEY, now=now)
    upper = {name.title(): value for name, value in signed().items()}
    verify_webhook(URL, upper, BODY, public_key=PUBLIC_KEY, now=NOW)


@pytest.mark.parametrize(
    ("headers", "body", "key", "now"),
    [
        (signed(), BODY, PUBLIC_KEY, NOW + 301),
        (signed(), BODY, PUBLIC_KEY, NOW - 301),
        (signed(), BODY, PUBLIC_KEY, float("nan")),
        (signed(), BODY + b" ", PUBLIC_KEY, NOW),
        (signed(time=str(NOW + 1)), BODY, PUBLIC_KEY, NOW),
        (signed(time=""), BODY, PUBLIC_KEY, NOW),
        (signed(time="now"), BODY, PUBLIC_KEY, NOW),
        (signed(time="1" * 400), BODY, PUBLIC_KEY, NOW),
        (signed(signature=""), BODY, PUBLIC_KEY, NOW),
        (signed(signature="%"), BODY, PUBLIC_KEY, NOW),
        (signed(signature=SIGNATURE[4:]), BODY, PUBLIC_KEY, NOW),
        (signed(signature="A" + SIGNATURE[1:]), BODY, PUBLIC_KEY, NOW),
        ({}, BODY, PUBLIC_KEY, NOW),
        (signed(), BODY, "", NOW),
        (signed(), BODY, "abc", NOW),
        (signed(), BODY, "A" + PUBLIC_KEY[1:], NOW),
    ],
)
def test_what_is_not_telnyxs_is_refused(headers: dict[str, str], body: bytes, key: str, now: float) -> None:
    with pytest.raises(Unverified):
        verify_webhook(URL, headers, body, public_key=key, now=now)


def test_the_handshake_carries_the_token_of_the_command() -> None:
    verify_socket(MEDIA, {"X-Telnyx-Streaming-Auth-Token": "abc"}, secret="abc")
    for headers, secret in (({}, "abc"), ({"x-telnyx-streaming-auth-token": "abd"}, "abc"), ({}, "")):
        with pytest.raises(Unverified):
            verify_socket(MEDIA, headers, secret=secret)
