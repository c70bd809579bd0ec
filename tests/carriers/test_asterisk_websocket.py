"""chan_websocket's media and control, in both its forms, against what the reference says (telephony.md, 10.3)."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from gateway.carriers.asterisk_websocket import Stream, handshake, verify_socket
from gateway.wire import (
    Audio,
    Codec,
    Complained,
    Digit,
    Encoding,
    Message,
    Pacing,
    Played,
    Started,
    StreamEvent,
    StreamFault,
    Unverified,
)

pytestmark = pytest.mark.unit

NARROW = Encoding(Codec.PCMU, 8000)
PLAIN = (
    "MEDIA_START connection_id:media_connection1 channel:WebSocket/media_connection1/0x5140001a0 "
    "channel_id:1755.1 format:{format} optimal_frame_size:{size} ptime:20"
)


def plain(name: str = "ulaw", size: object = 160) -> str:
    return PLAIN.format(format=name, size=size)


def in_json(event: str, **fields: Any) -> str:
    return json.dumps({"event": event, "channel_id": "1755.1", **fields})


def media_start(**changed: Any) -> str:
    given = {
        "connection_id": "media_connection1",
        "channel": "WebSocket/media_connection1/0x5140001a0",
        "format": "ulaw",
        "optimal_frame_size": 160,
        "ptime": 20,
        "channel_variables": {"PERSONA": "dental", "N": 1},
        **changed,
    }
    return in_json("MEDIA_START", **given)


FORMS = pytest.mark.parametrize("start", [plain(), media_start()], ids=["plain", "json"])


def started(start: str) -> Stream:
    stream = Stream()
    stream.receive(start)
    return stream


def test_media_start_in_words() -> None:
    told = {"caller": "+15550100001", "called": "100", "token": "t"}
    assert Stream(told).receive(plain()) == (
        [
            Started(
                "media_connection1",
                "1755.1",
                NARROW,
                NARROW,
                Pacing(20, exact=True, frames=5),
                "+15550100001",
                "100",
                told,
            )
        ],
        [],
    )


def test_media_start_in_json_has_the_channels_variables() -> None:
    events, _ = Stream({"token": "t"}).receive(media_start())
    assert events == [
        Started(
            "media_connection1",
            "1755.1",
            NARROW,
            NARROW,
            Pacing(20, exact=True, frames=5),
            parameters={"PERSONA": "dental", "token": "t"},
        )
    ]
    assert Stream().subprotocol == "media"


@pytest.mark.parametrize(
    ("name", "encoding", "size"),
    [
        ("alaw", Encoding(Codec.PCMA, 8000), 160),
        ("slin", Encoding(Codec.L16, 8000), 320),
        ("slin16", Encoding(Codec.L16, 16000), 640),
        ("slin24", Encoding(Codec.L16, 24000), 960),
        ("slin48", Encoding(Codec.L16, 48000), 1920),
    ],
)
def test_formats(name: str, encoding: Encoding, size: int) -> None:
    for start in (plain(name, size), media_start(format=name, optimal_frame_size=size)):
        stream = Stream()
        [event], _ = stream.receive(start)
        assert isinstance(event, Started)
        assert (event.hears, event.plays, event.pacing.frame_ms) == (encoding, encoding, 20)
        assert stream.play(b"\1" * size) == [b"\1" * size]
        filled = stream.play(b"\1" * 2)[0]
        assert len(filled) == size
        assert set(filled[2:]) == {{Codec.PCMA: 0xD5, Codec.L16: 0}[encoding.codec]}


@pytest.mark.parametrize(
    ("in_words", "as_json", "event"),
    [
        ("DTMF_END digit:5 channel_id:1755.1", in_json("DTMF_END", digit="5"), Digit("5")),
        ("DTMF_END digit:#", in_json("DTMF_END", digit="#"), Digit("#")),
        ("DTMF_END", in_json("DTMF_END"), None),
        (
            "MEDIA_MARK_PROCESSED m1",
            in_json("MEDIA_MARK_PROCESSED", correlation_id="m1"),
            Played("m1"),
        ),
        ("MEDIA_MARK_PROCESSED", in_json("MEDIA_MARK_PROCESSED", correlation_id=""), None),
        ("MEDIA_BUFFERING_COMPLETED b", in_json("MEDIA_BUFFERING_COMPLETED", correlation_id="b"), None),
        ("QUEUE_DRAINED", in_json("QUEUE_DRAINED"), None),
        (
            "STATUS channel_id:1755.1 queue_length:43 queue_full:false",
            in_json("STATUS", queue_length=43),
            None,
        ),
        (
            "ERROR channel_id:1755.1 error_text:MARK_MEDIA not supported in passthrough mode 7",
            in_json("ERROR", error_text="MARK_MEDIA not supported in passthrough mode 7"),
            Complained("error: MARK_MEDIA not supported in passthrough mode "),
        ),
        ("ERROR", in_json("ERROR"), Complained("error")),
        ("OF_LATER n:1", in_json("OF_LATER"), None),
    ],
)
def test_what_it_tells(in_words: str, as_json: str, event: StreamEvent | None) -> None:
    expected: tuple[list[StreamEvent], list[Message]] = ([event] if event else [], [])
    assert started(plain()).receive(in_words) == expected
    assert started(media_start()).receive(as_json) == expected


def test_media() -> None:
    assert started(plain()).receive(b"\xff" * 160) == ([Audio(b"\xff" * 160)], [])
    assert started(plain()).receive(b"") == ([], [])


@pytest.mark.parametrize(
    ("start", "message", "why"),
    [
        (plain(), plain(), "came twice"),
        (media_start(), media_start(), "came twice"),
        (plain(), "hello", "no event"),
        (plain(), "", "no event"),
        (plain(), "{", "no JSON"),
        (plain(), b"\0" * 70_000, "longer than any"),
        (plain(), "ERROR " + "x" * 200_000, "longer than any"),
        (plain("slin", 320), b"\1", "within a sample"),
    ],
)
def test_what_is_a_fault(start: str, message: Message, why: str) -> None:
    with pytest.raises(StreamFault, match=why):
        started(start).receive(message)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"\xff", "before MEDIA_START"),
        (plain("opus", 0), "passed through"),
        (media_start(format=None), "passed through"),
        (plain("ulaw", 0), "frame size"),
        (plain("ulaw", "many"), "frame size"),
        (plain("ulaw", "9" * 5000), "frame size"),
        (plain("ulaw", 165), "frame size"),
        (media_start(optimal_frame_size="160"), "frame size"),
        (media_start(optimal_frame_size=-160), "frame size"),
        (media_start(optimal_frame_size=16000), "frame size"),
    ],
)
def test_a_beginning_that_cannot_be(message: Message, why: str) -> None:
    with pytest.raises(StreamFault, match=why):
        Stream().receive(message)


def test_commands() -> None:
    words, as_json = started(plain()), started(media_start())
    assert words.mark("m:1") == ["MARK_MEDIA m:1"]
    assert words.clear() == ["FLUSH_MEDIA"]
    assert words.hang_up() == ["HANGUP"]
    assert as_json.mark("m:1") == ['{"command":"MARK_MEDIA","correlation_id":"m:1"}']
    assert as_json.clear() == ['{"command":"FLUSH_MEDIA"}']
    assert as_json.hang_up() == ['{"command":"HANGUP"}']
    assert words.send_digits("1") == []
    assert len(str(as_json.mark("m" * 64)[0])) <= 128


@pytest.mark.parametrize("name", ["", "two words", "m\n", "m" * 65, "ü"])
def test_a_mark_that_no_command_carries(name: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        started(plain()).mark(name)


def test_long_audio_is_sent_in_whole_frames() -> None:
    stream = started(plain())
    assert [len(one) for one in stream.play(b"\xff" * 20_001)] == [8000, 8000, 4160]
    assert stream.play(b"\x01") == [b"\x01" + b"\xff" * 159]


@FORMS
def test_audio_and_marks_wait_while_the_queue_is_full(start: str) -> None:
    stream = started(start)
    off, on = (
        ("MEDIA_XOFF", "MEDIA_XON")
        if start.startswith("M")
        else (in_json("MEDIA_XOFF"), in_json("MEDIA_XON"))
    )
    frames = [bytes([n]) * 160 for n in range(3)]
    assert stream.receive(off) == ([], [])
    assert stream.play(frames[0]) == stream.mark("a") == stream.play(frames[1]) == []
    assert stream.receive(off) == ([], [])
    [first, mark, second] = stream.receive(on)[1]
    assert (first, second) == (frames[0], frames[1])
    assert "MARK_MEDIA" in str(mark)
    assert stream.play(frames[2]) == [frames[2]]
    assert stream.receive(on) == ([], [])


def test_what_waits_has_a_bound() -> None:
    stream = started(plain())
    stream.receive("MEDIA_XOFF")
    for _ in range(1200):
        stream.play(b"\xff" * 160)
    for n in range(1200):
        stream.mark(f"m{n}")
    held = stream.receive("MEDIA_XON")[1]
    assert len(held) == 2000
    assert sum(isinstance(one, bytes) for one in held) == 1000


def test_a_flush_drops_what_waits() -> None:
    stream = started(plain())
    stream.receive("MEDIA_XOFF")
    stream.play(b"\xff" * 160)
    assert stream.clear() == ["FLUSH_MEDIA"]
    assert stream.play(b"\x01" * 160) == [b"\x01" * 160]
    assert stream.receive("MEDIA_XON") == ([], [])


def test_the_handshake() -> None:
    assert handshake("wss://x/stream?caller=%2B1&called=100&caller=2", {}) == {
        "caller": "+1",
        "called": "100",
    }
    carried = {"Authorization": "Basic " + b64encode(b"u:p").decode()}
    verify_socket("wss://x", carried, credentials="u:p")
    with pytest.raises(Unverified):
        verify_socket("wss://x", carried, credentials="u:q")


def test_what_an_asterisk_sent() -> None:
    """Of Asterisk 22.10.1 in `make e2e-sip`, dialled as `parley phone asterisk` writes it."""
    stream = Stream({"call": "1796006124.2", "caller": "phone", "called": "+15550100002"})
    dialled = "parley/c(ulaw)f(json)v(call=1796006124.2,caller=phone,called=%2B15550100002)"
    start = (
        '{"event":"MEDIA_START","connection_id":"parley","channel":"WebSocket/parley/0x7f4a5c003430",'
        '"channel_id":"1796006124.3","format":"ulaw","optimal_frame_size":160,"ptime":20,"channel_variables":'
        f'{{"DIALEDPEERNUMBER":"{dialled}","MEDIA_WEBSOCKET_CONNECTION_ID":"parley",'
        '"MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE":"160"}}'
    )
    [began], answers = stream.receive(start)
    assert isinstance(began, Started)
    ulaw = Encoding(Codec.PCMU, 8000)
    assert (began.call_id, began.caller, began.called) == ("1796006124.3", "phone", "+15550100002")
    assert (began.hears, began.plays, began.pacing.frame_ms) == (ulaw, ulaw, 20)
    assert answers == []
    assert stream.mark("m1") == ['{"command":"MARK_MEDIA","correlation_id":"m1"}']
    mark = '{"event":"MEDIA_MARK_PROCESSED","channel_id":"1796006124.3","correlation_id":"m1"}'
    assert stream.receive(mark) == ([Played("m1")], [])
    key = '{"event":"DTMF_END","channel_id":"1796006124.3","digit":"#"}'
    assert stream.receive(key) == ([Digit("#")], [])
    assert stream.clear() == ['{"command":"FLUSH_MEDIA"}']
    assert stream.hang_up() == ['{"command":"HANGUP"}']
