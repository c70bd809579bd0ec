"""mod_audio_stream's socket and its against what the reference says of them (telephony.md, 11)."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest

from gateway.carriers.freeswitch import Stream, handshake, verify_socket
from gateway.wire import Audio, Codec, Encoding, Message, Pacing, Started, StreamFault, Unverified

pytestmark = pytest.mark.unit

NARROW = Encoding(Codec.L16, 8000)
WIDE = Encoding(Codec.L16, 16000)


def test_metadata_that_is_an_object_gives_parameters() -> None:
    stream = Stream(16000, handshake={"caller": "+15550100001"})
    given = {"call": "c-1", "called": "+15550100002", "token": "t"}
    assert stream.receive(json.dumps({**given, "n": 1})) == (
        [
            Started(
                "",
                "c-1",
                WIDE,
                WIDE,
                Pacing(20, lead_ms=80),
                "+15550100001",
                "+15550100002",
                {**given, "caller": "+15550100001"},
            )
        ],
        [],
    )


@pytest.mark.parametrize(("text", "call"), [("c-1", "c-1"), ("[1]", "[1]"), ("{", "{"), ("", "")])
def test_other_metadata_names_the_call(text: str, call: str) -> None:
    assert Stream().receive(text) == ([Started("", call, NARROW, NARROW, Pacing(20, lead_ms=80))], [])


def test_without_metadata_the_audio_starts_the_call() -> None:
    stream = Stream(handshake={"call": "c-1"})
    assert stream.receive(b"\1\0" * 160) == (
        [
            Started("", "c-1", NARROW, NARROW, Pacing(20, lead_ms=80), parameters={"call": "c-1"}),
            Audio(b"\1\0" * 160),
        ],
        [],
    )
    assert stream.receive(b"\2\0" * 160) == ([Audio(b"\2\0" * 160)], [])


def test_later_texts_are_nothing() -> None:
    stream = Stream()
    stream.receive("c-1")
    assert stream.receive("{") == ([], [])
    assert stream.receive(b"") == ([], [])


@pytest.mark.parametrize("message", [b"\1", b"\0" * 70_000, "x" * 200_000])
def test_what_is_a_fault(message: Message) -> None:
    with pytest.raises(StreamFault):
        Stream().receive(message)


def started(stream: Stream) -> Stream:
    stream.receive("c-1")
    return stream


def test_binary_playback() -> None:
    stream = started(Stream())
    assert stream.play(b"\1\0" * 160) == [b"\1\0" * 160]
    assert [len(one) for one in stream.play(bytes(10_000))] == [4800, 4800, 400]


def test_json_playback() -> None:
    stream = Stream(16000, "json")
    assert stream.receive("")[0] == [Started("", "", WIDE, WIDE, Pacing(100))]
    sent = [json.loads(str(one)) for one in stream.play(b"\1\0" * 4000)]
    assert [one["type"] for one in sent] == ["streamAudio", "streamAudio"]
    assert {(one["data"]["audioDataType"], one["data"]["sampleRate"]) for one in sent} == {("raw", 16000)}
    assert b"".join(b64decode(one["data"]["audioData"]) for one in sent) == b"\1\0" * 4000
    assert all(len(str(one)) < 8000 for one in stream.play(b"\1\0" * 4000))


def test_what_it_is_told() -> None:
    stream = started(Stream())
    assert (
        stream.clear()
        == stream.mark("m")
        == stream.send_digits("1")
        == stream.hang_up()
        == stream.play(b"")
        == []
    )
    with pytest.raises(RuntimeError, match="before the stream began"):
        Stream().play(b"\1\0")


def test_a_build_that_clears() -> None:
    stream = Stream(clears=True)
    assert stream.clear() == []
    assert stream.receive("")[0] == [Started("", "", NARROW, NARROW, Pacing(20, frames=5))]
    assert stream.clear() == ['{"type":"killAudio"}']


def test_a_rate_it_has_not() -> None:
    with pytest.raises(ValueError, match="not 24000"):
        Stream(24000)


def test_the_handshake() -> None:
    headers = {"X-Call": "c", "x-caller": "1", "X-Called": "2", "Authorization": "Bearer s"}
    assert handshake("/freeswitch?token=t&token=u", headers) == {
        "token": "t",
        "call": "c",
        "caller": "1",
        "called": "2",
    }
    with pytest.raises(Unverified):
        handshake("/?" + "a=1&" * 100, {})


def test_the_handshakes_secret() -> None:
    verify_socket("wss://x", {"Authorization": "Bearer s"}, secret="s")
    for headers, secret in (
        ({}, "s"),
        ({"Authorization": "Bearer t"}, "s"),
        ({"Authorization": "Bearer "}, ""),
    ):
        with pytest.raises(Unverified):
            verify_socket("wss://x", headers, secret=secret)
