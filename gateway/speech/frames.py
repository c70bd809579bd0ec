"""What passes between a pool and its worker processes: frames of a small JSON head and raw bytes. Sans-IO.

A frame is two unsigned 32-bit big-endian lengths, the head as UTF-8 JSON, then the body (audio) untouched.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson

__all__ = ["FrameError", "Frames", "Message", "encode"]

LENGTHS = struct.Struct(">II")
HEAD_LIMIT = 32 << 20
"""A script of 100 000 sentences fits; beyond it something is broken."""
BODY_LIMIT = 64 << 20


class FrameError(Exception):
    """The peer sent something that is no frame."""


@dataclass(frozen=True, slots=True)
class Message:
    """One request or one answer."""

    head: dict[str, object] = field(default_factory=dict)
    body: bytes = b""


def encode(message: Message) -> bytes:
    head = orjson.dumps(message.head)
    return LENGTHS.pack(len(head), len(message.body)) + head + message.body


class Frames:
    """Bytes as they come in, messages as they are whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Raises FrameError on lengths or a head that no peer of ours would send."""
        self._buffer += data
        while len(self._buffer) >= LENGTHS.size:
            head_size, body_size = LENGTHS.unpack_from(self._buffer)
            if head_size > HEAD_LIMIT or body_size > BODY_LIMIT:
                raise FrameError("a frame longer than any of ours")
            end = LENGTHS.size + head_size + body_size
            if len(self._buffer) < end:
                return
            try:
                head = orjson.loads(self._buffer[LENGTHS.size : LENGTHS.size + head_size])
            except orjson.JSONDecodeError:
                raise FrameError("a frame whose head is not JSON") from None
            if not isinstance(head, dict):
                raise FrameError("a frame whose head is not an object")
            body = bytes(self._buffer[LENGTHS.size + head_size : end])
            del self._buffer[:end]
            yield Message(head, body)
