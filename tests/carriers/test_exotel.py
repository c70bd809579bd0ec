"""Exotel: stream, addresses and handshake (telephony.md, section 6)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from gateway.carriers.exotel import Stream, answer, handshake, socket_url, verify_socket
from gateway.wire import Audio, Codec, Digit, Encoding, Played, Started, Stopped, StreamFault, Unverified
from tests.carriers.wire import WIRES, b64, heard

pytestmark = pytest.mark.unit

EXOTEL = WIRES["exotel"]
MEDIA = "wss://voice.example.test/exotel/media"


def described(stream: Stream | None = None, **told: Any) -> Started:
    (started,) = heard(stream or Stream(), EXOTEL.start(**told))
    assert isinstance(started, Started)
    return started


@pytest.mark.parametrize(("rate", "size"), [(8000, 3200), (16000, 3200), (24000, 3840)])
def test_audio_goes_out_in_pieces_that_exotel_plays_without_gaps(rate: int, size: int) -> None:
    stream = Stream()
    started = described(
        stream, media_format={"encoding": "audio/x-raw", "sample_rate": str(rate), "bit_rate": "16"}
    )
    assert started.hears == started.plays == Encoding(Codec.L16, rate)
    assert started.pacing.exact
    assert started.pacing.frame_ms * started.plays.bytes_per_ms == size
    assert started.pacing.frame_ms <= started.pacing.lead_ms <= 250
    for sent, pieces in ((0, 0), (2, 1), (size, 1), (size + 2, 2)):
        messages = stream.play(b"\1" * sent)
        audio = [json.loads(str(one))["media"]["payload"] for one in messages]
        whole = (b"\1" * sent).ljust(pieces * size, b"\0")
        assert audio == [b64(whole[at : at + size]) for at in range(0, len(whole), size)]
        assert size >= 3200
        assert size % 320 == 0


def test_who_calls_and_what_was_given() -> None:
    started = described()
    assert (started.stream_id, started.call_id) == ("s1", "c1")
    assert (started.caller, started.called) == ("08001234567", "08017654321")
    assert started.parameters == {"token": "abc123"}


def test_what_the_start_does_not_repeat_is_known_from_the_handshake() -> None:
    target = socket_url("/exotel/media", rate=16000, token="abc", parameters={"persona": "a b"})
    stream = Stream(handshake(target, {}))
    started = described(stream, custom_parameters={"persona": "c"})
    assert started.parameters == {"token": "abc", "persona": "c"}


@pytest.mark.parametrize(
    ("names", "spelt"),
    [
        ({"stream_sid": "s1"}, ("stream_sid",)),
        ({"streamSid": "s1"}, ("streamSid",)),
        ({"stream_sid": "s1", "streamSid": "s1"}, ("stream_sid", "streamSid")),
        ({}, ("stream_sid",)),
    ],
    ids=str,
)
def test_the_stream_is_named_as_exotel_names_it(names: dict[str, str], spelt: tuple[str, ...]) -> None:
    start = EXOTEL.start()
    del start["stream_sid"]
    stream = Stream()
    heard(stream, start | names)
    for message in (*stream.play(bytes(3200)), *stream.mark("m"), *stream.clear()):
        fields = json.loads(str(message))
        assert {
            name: fields[name] for name in fields.keys() & {"stream_sid", "streamSid"}
        } == dict.fromkeys(spelt, "s1")
    media = EXOTEL.media(1, 0, b"\1\2")
    del media["stream_sid"]
    assert heard(stream, media | {"streamSid": "s1"}) == [Audio(b"\1\2", 0)]
    with pytest.raises(StreamFault, match="another stream"):
        heard(stream, media | {"streamSid": "s2"})


def test_ids_that_differ_within_a_start_are_a_fault() -> None:
    with pytest.raises(StreamFault, match="another stream"):
        heard(Stream(), EXOTEL.start() | {"streamSid": "s2"})


@pytest.mark.parametrize(
    "told",
    [{"sample_rate": "44100"}, {"sample_rate": 8000, "bit_rate": "8"}, {"sample_rate": "fast"}, {}],
    ids=str,
)
def test_audio_that_was_not_asked_for_is_a_fault(told: dict[str, Any]) -> None:
    with pytest.raises(StreamFault):
        described(media_format=told)
    assert described(media_format={"sample_rate": 8000, "bit_rate": 16}).hears.rate == 8000


def test_half_a_sample_is_a_fault() -> None:
    with pytest.raises(StreamFault, match="within a sample"):
        heard(EXOTEL.started(), EXOTEL.media(1, 0, b"\1"))


def test_marks_keys_and_the_stop() -> None:
    stream = EXOTEL.started()
    stream.mark("m1")
    assert heard(stream, EXOTEL.mark("m1")) == [Played("m1")]
    stream.mark("m2")
    stream.clear()
    assert heard(stream, EXOTEL.mark("m2")) == []
    assert heard(stream, EXOTEL.dtmf("5") | {"sequence_number": "7"}) == [Digit("5")]
    assert stream.send_digits("1") == []
    assert heard(stream, EXOTEL.stop) == [Stopped("callended")]
    for reason in ("not a word", "x" * 99, 7, None):
        stop = EXOTEL.stop | {"stop": {"reason": reason}}
        assert heard(EXOTEL.started(), stop) == [Stopped()]
    assert heard(EXOTEL.started(), {"event": "stop"}) == [Stopped()]


def test_the_address_of_a_socket() -> None:
    url = answer(MEDIA, token="a+b/c", rate=16000, parameters={"persona": "x y"})["url"]
    assert url.startswith(MEDIA + "?sample-rate=16000&")
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "sample-rate": "16000",
        "token": "a+b/c",
        "persona": "x y",
    }
    assert socket_url(MEDIA) == MEDIA + "?sample-rate=8000"


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": 44100},
        {"parameters": {"a": "1", "b": "2", "c": "3"}},
        {"parameters": {"a": "x" * 300}},
        {"url": MEDIA + "?a=1"},
        {"url": MEDIA + "/" + "x" * 600},
        {"token": ""},
    ],
    ids=str,
)
def test_an_address_exotel_would_not_take_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        answer(**({"url": MEDIA, "token": "t"} | wrong))


def test_the_handshake_carries_user_and_password() -> None:
    verify_socket(MEDIA, {"Authorization": "Basic a2V5OnRva2Vu"}, credentials="key:token")
    for headers, credentials in (
        ({"Authorization": "Basic a2V5OnRva2Vu"}, "key:other"),
        ({"Authorization": "Basic %"}, "key:token"),
        ({}, "key:token"),
        ({"Authorization": "Basic a2V5Og=="}, "key:"),
    ):
        with pytest.raises(Unverified):
            verify_socket(MEDIA, headers, credentials=credentials)
