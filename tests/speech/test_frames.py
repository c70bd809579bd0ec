"""The frames between a pool and its workers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.speech.frames import FrameError, Frames, Message, encode

pytestmark = pytest.mark.unit

value = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
message = st.builds(
    Message, st.dictionaries(st.text(max_size=10), value, max_size=4), st.binary(max_size=60)
)


@given(st.lists(message, max_size=5), st.lists(st.integers(1, 40), min_size=1, max_size=10))
def test_messages_survive_any_cutting(messages: list[Message], sizes: list[int]) -> None:
    data = b"".join(map(encode, messages))
    frames, got, at, turn = Frames(), list[Message](), 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        got += frames.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    assert got == messages


@pytest.mark.parametrize(
    "data",
    [b"\xff" * 8, b"\0\0\0\2\0\0\0\0[]", b"\0\0\0\3\0\0\0\0{a}", b"\0\0\0\1\0\0\0\0\xff"],
    ids=["endless", "a list", "no JSON", "no text"],
)
def test_what_is_no_frame_is_told(data: bytes) -> None:
    with pytest.raises(FrameError):
        list(Frames().feed(data))


@given(st.binary(max_size=100))
def test_noise_is_an_error_or_waits_for_more(data: bytes) -> None:
    try:
        list(Frames().feed(data))
    except FrameError:
        return
