"""AudioSocket's bytes in any pieces, against what the reference says of them (telephony.md, 10.1)."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.carriers.asterisk_audiosocket import Stream, verify_webhook
from gateway.wire import (
    Audio,
    Codec,
    Complained,
    Digit,
    Encoding,
    Message,
    Pacing,
    Started,
    Stopped,
    StreamEvent,
    StreamFault,
    Unverified,
)

pytestmark = pytest.mark.unit

NAME = UUID("22222222-2222-2222-2222-222222222222")


def tlv(kind: int, payload: bytes = b"") -> bytes:
    return bytes([kind]) + len(payload).to_bytes(2, "big") + payload


FIRST = tlv(1, NAME.bytes)


def started(rate: int = 8000) -> Stream:
    stream = Stream(rate)
    stream.receive(FIRST)
    return stream


def test_the_uuid_starts_the_call() -> None:
    narrow = Encoding(Codec.L16, 8000)
    assert Stream().receive(FIRST) == (
        [
            Started(
                str(NAME),
                str(NAME),
                narrow,
                narrow,
                Pacing(20, lead_ms=40, silence=True),
                parameters={"token": str(NAME)},
            )
        ],
        [],
    )


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (tlv(0x10, b"\1\0" * 160), [Audio(b"\1\0" * 160)]),
        (tlv(0x10), []),
        (tlv(0x03, b"7"), [Digit("7")]),
        (tlv(0x03, b"\xff"), []),
        (tlv(0x00), [Stopped("hung up")]),
        (tlv(0xFF, b"\x02"), [Complained("error 2")]),
        (tlv(0xFF), [Complained("error")]),
        (tlv(0x42, b"of later"), []),
        (tlv(0x00) + tlv(0x10, b"\1\0") + b"rest", [Stopped("hung up")]),
    ],
)
def test_what_it_tells(data: bytes, events: list[StreamEvent]) -> None:
    assert started().receive(data) == (events, [])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (FIRST, "came twice"),
        (tlv(0x12, b"\1\0"), "another rate"),
        (tlv(0x10, b"\1\0\1"), "within a sample"),
        (tlv(0x10, bytes(16002)), "longer than a second"),
        (tlv(0x03, b"12"), "wrong length"),
        (tlv(0x01, b"short"), "wrong length"),
        (b"\x10\xff\xff", "longer than a second"),
        ("text", "all is bytes"),
    ],
)
def test_what_is_a_fault(data: Message, why: str) -> None:
    with pytest.raises(StreamFault, match=why):
        started().receive(data)


@pytest.mark.parametrize("data", [tlv(0x10, b"\1\0"), tlv(0x03, b"1")])
def test_before_the_uuid(data: bytes) -> None:
    with pytest.raises(StreamFault, match="before the UUID"):
        Stream().receive(data)


@pytest.mark.parametrize(("rate", "kind"), [(8000, 0x10), (16000, 0x12), (24000, 0x13), (48000, 0x16)])
def test_playing(rate: int, kind: int) -> None:
    stream = started(rate)
    frame = b"\1\0" * (rate // 50)
    assert stream.play(frame) == [tlv(kind, frame)]
    assert stream.play(frame + b"\2\0") == [tlv(kind, frame), tlv(kind, b"\2\0")]
    assert stream.receive(tlv(kind, frame)) == ([Audio(frame)], [])


def test_what_else_it_is_told() -> None:
    stream = started()
    assert stream.hang_up() == [b"\0\0\0"]
    assert stream.mark("m") == stream.clear() == stream.send_digits("1") == stream.play(b"") == []


@pytest.mark.parametrize("rate", [44100, 0])
def test_a_rate_it_has_not(rate: int) -> None:
    with pytest.raises(ValueError, match="AudioSocket carries"):
        Stream(rate)


after = st.one_of(
    st.integers(0, 200).map(lambda n: tlv(0x10, b"\1\0" * n)),
    st.sampled_from("0123456789*#ABCDx").map(lambda key: tlv(3, key.encode())),
    st.binary(max_size=4).map(lambda code: tlv(0xFF, code)),
    st.tuples(st.integers(0x20, 0xFE), st.binary(max_size=40)).map(lambda pair: tlv(*pair)),
    st.just(tlv(0)),
)


@given(st.lists(after, max_size=8).map(lambda messages: FIRST + b"".join(messages)), st.data())
def test_pieces_do_not_matter(data: bytes, draw: st.DataObject) -> None:
    whole, _ = Stream().receive(data)
    cuts = draw.draw(st.lists(st.integers(0, len(data)), max_size=12).map(sorted))
    stream = Stream()
    pieces = [data[a:b] for a, b in pairwise([0, *cuts, len(data)])]
    assert [event for piece in pieces for event in stream.receive(piece)[0]] == whole


def test_byte_by_byte() -> None:
    data = FIRST + tlv(0x10, b"\1\0" * 160) + tlv(3, b"5") + tlv(0)
    stream = Stream()
    events = [event for n in range(len(data)) for event in stream.receive(data[n : n + 1])[0]]
    assert events == Stream().receive(data)[0]
    assert [type(event) for event in events] == [Started, Audio, Digit, Stopped]


@given(st.lists(st.binary(max_size=64), max_size=8), st.booleans())
def test_noise_is_a_fault_or_nothing(pieces: list[bytes], begun: bool) -> None:
    stream = started() if begun else Stream()
    try:
        for piece in pieces:
            stream.receive(piece)
    except StreamFault:
        pass


def test_the_webhooks_secret() -> None:
    verify_webhook("https://x", {"Authorization": "Bearer s3cret"}, b"From=1", secret="s3cret")
    with pytest.raises(Unverified):
        verify_webhook("https://x", {"Authorization": "Bearer other"}, b"From=1", secret="s3cret")
