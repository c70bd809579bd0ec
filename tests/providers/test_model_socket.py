"""What a provider's socket makes of any stream of bytes is what the library alone makes of it, however it is split."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame
from websockets.http11 import Response
from websockets.protocol import OPEN
from websockets.streams import StreamReader
from websockets.uri import parse_uri

from gateway.model_socket import ModelSocket

pytestmark = pytest.mark.unit

MOST = 400
"""Bytes of the longest message."""
CLOSE_S = 0.0


class Wire(asyncio.Transport):
    """What the far end sees."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.over = False
        self.paused = False

    def write(self, data: Any) -> None:
        self.written += data

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return self.over

    def close(self) -> None:
        self.over = True

    def abort(self) -> None:
        self.over = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


def open_one(kind: type[ClientConnection]) -> tuple[ClientConnection, Wire]:
    """A connection after its handshake."""
    protocol = ClientProtocol(parse_uri("ws://far/"), max_size=MOST)
    connection = kind(protocol, ping_interval=None, close_timeout=CLOSE_S)
    wire = Wire()
    connection.connection_made(wire)
    connection.response = Response(101, "Switching Protocols", Headers())
    protocol.state = OPEN
    protocol.parser = super(ClientProtocol, protocol).parse()
    next(protocol.parser)
    return connection, wire


async def heard(
    connection: ClientConnection, wire: Wire, pieces: Iterable[bytes], *, calm: bool
) -> tuple[list[str | bytes], int, int | None, list[tuple[int, bytes]]]:
    """The messages, the code that the far end gave and the one that it got, and what was sent to it. `calm`: the loop
    turns between two pieces."""
    messages: list[str | bytes] = []

    async def read() -> ConnectionClosed:
        try:
            while True:
                messages.append(await connection.recv())
        except ConnectionClosed as closed:
            return closed

    reading = asyncio.create_task(read())
    if isinstance(connection, ModelSocket):
        connection.listen(messages.append)
    await asyncio.sleep(0)
    for piece in pieces:
        connection.data_received(piece)
        if calm or wire.paused:
            for _ in range(6):
                await asyncio.sleep(0)
        if wire.over:
            break
    connection.eof_received()
    for _ in range(6):
        await asyncio.sleep(0)
    connection.connection_lost(None)
    closed = await reading
    gave = closed.rcvd.code if closed.rcvd is not None else 0
    return messages, gave, None if closed.sent is None else closed.sent.code, sent(bytes(wire.written))


def sent(written: bytes) -> list[tuple[int, bytes]]:
    """The frames, whatever they are masked with."""
    reader, frames = StreamReader(), []
    reader.feed_data(written)
    while reader.buffer:
        try:
            next(Frame.parse(reader.read_exact, mask=True))
        except StopIteration as done:
            frames.append((int(done.value.opcode), bytes(done.value.data)))
    return frames


def frame(first: int, payload: bytes, *, long: int = 0, masked: bool = False) -> bytes:
    """`long`: bytes of its length, at least."""
    size = len(payload)
    bit = 0x80 if masked else 0
    if size < 126 and long == 0:
        head = bytes((first, bit | size))
    elif size < 1 << 16 and long <= 2:
        head = bytes((first, bit | 126)) + size.to_bytes(2)
    else:
        head = bytes((first, bit | 127)) + size.to_bytes(8)
    return head + (bytes(4) if masked else b"") + payload


WORDS = st.one_of(
    st.text(max_size=30).map(str.encode),
    st.integers(100, 500).map(lambda size: b"w" * size),
    st.binary(max_size=12),
)
CONTROL = st.sampled_from((b"", b"\x03\xe8", b"\x0f\xa0bye", b"x" * 126))
FRAMES = st.one_of(
    st.builds(frame, st.just(0x81), WORDS, long=st.sampled_from((0, 0, 2, 8))),
    st.builds(frame, st.just(0x81), st.text(max_size=30).map(str.encode)),
    st.builds(frame, st.sampled_from((0x01, 0x80, 0x00, 0x82)), WORDS),
    st.builds(frame, st.sampled_from((0x89, 0x8A, 0x88)), CONTROL),
    st.builds(frame, st.sampled_from((0x81, 0x89)), WORDS, masked=st.just(True)),
    st.just(b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"),
    st.binary(max_size=6),
)


def split(stream: bytes, at: Iterable[int]) -> list[bytes]:
    places = sorted({place % (len(stream) + 1) for place in at} | {0, len(stream)})
    return [stream[a:b] for a, b in pairwise(places)]


@settings(max_examples=400, deadline=None)
@given(st.lists(FRAMES, max_size=10), st.lists(st.integers(0, 4000), max_size=12), st.booleans())
def test_any_stream_is_read_as_the_library_reads_it(frames: list[bytes], at: list[int], calm: bool) -> None:
    pieces = split(b"".join(frames), at)

    async def both() -> None:
        theirs = await heard(*open_one(ClientConnection), pieces, calm=calm)
        ours = await heard(*open_one(ModelSocket), pieces, calm=calm)
        assert ours == theirs

    asyncio.run(both())


def test_whole_texts_never_wait_for_a_coroutine() -> None:
    """However they are split, and after anything else was read to its end."""
    texts = [f"message {n} " + "x" * (n * 7 % 300) for n in range(40)]
    stream = b"".join(frame(0x81, text.encode()) for text in texts)

    async def all_of(step: int) -> None:
        connection, _ = open_one(ModelSocket)
        assert isinstance(connection, ModelSocket)
        came: list[str] = []
        reading = asyncio.create_task(connection.recv())
        await asyncio.sleep(0)
        connection.listen(came.append)
        for fragment in (frame(0x01, b"in "), frame(0x89, b"ping"), frame(0x80, b"two")):
            connection.data_received(fragment)
        assert await reading == "in two"
        for start in range(0, len(stream), step):
            connection.data_received(stream[start : start + step])
        assert came == texts
        connection.listen(None)
        connection.data_received(stream[:13])
        assert came == texts
        connection.connection_lost(None)

    for step in (1, 2, 3, 7, 100, 5000, len(stream)):
        asyncio.run(all_of(step))


def test_who_stops_listening_loses_nothing() -> None:
    """What is left of a piece, or was begun, is for `recv`."""
    stream = b"".join(frame(0x81, word) for word in (b"one", b"two", b"three"))

    async def run(cut: int) -> None:
        connection, _ = open_one(ModelSocket)
        assert isinstance(connection, ModelSocket)
        came: list[str] = []

        def take(text: str) -> None:
            came.append(text)
            connection.listen(None)

        stop: Callable[[str], None] = take
        connection.listen(stop)
        connection.data_received(stream[:cut])
        connection.data_received(stream[cut:])
        assert came == ["one"]
        assert [await connection.recv(), await connection.recv()] == ["two", "three"]
        connection.connection_lost(None)

    for cut in range(len(stream)):
        asyncio.run(run(cut))
