"""Frames that are written past the WebSocket libraries, read back by one of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from gateway.frames import KEYS, from_client, from_server

pytestmark = pytest.mark.unit

SIZES = st.sampled_from([0, 1, 125, 126, 300, 65_535, 65_536, 100_000])


def read(data: bytes, *, masked: bool) -> Frame:
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    parsing = Frame.parse(reader.read_exact, mask=masked)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    with pytest.raises(StopIteration) as rest:
        next(reader.at_eof())
    assert rest.value.value  # nothing is left over
    frame: Frame = done.value.value
    return frame


@given(st.text(max_size=50), SIZES)
def test_a_servers_frame_is_one_message(text: str, size: int) -> None:
    frame = read(from_server(text), masked=False)
    assert (frame.opcode, frame.fin, bytes(frame.data).decode()) == (Opcode.TEXT, True, text)
    frame = read(from_server(bytes(size)), masked=False)
    assert (frame.opcode, frame.fin, len(frame.data)) == (Opcode.BINARY, True, size)


@given(SIZES)
def test_a_clients_frame_is_masked_and_reads_back(size: int) -> None:
    frame = read(from_client(b"x" * size), masked=True)
    assert (frame.opcode, frame.fin, bytes(frame.data)) == (Opcode.TEXT, True, b"x" * size)


def test_no_two_frames_have_the_same_key() -> None:
    keys = [from_client(b"")[2:6] for _ in range(KEYS)]
    # Four random bytes: of so many, two are the same in one run of 500.
    assert len(set(keys)) >= KEYS - 2
