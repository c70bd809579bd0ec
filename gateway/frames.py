"""WebSocket frames of whole messages, for those who write them to the transport themselves (RFC 6455, section 5). Pure.

Only what need not be compressed, fragmented or answered; handshakes, pings and the closing belong to the libraries.
"""

from __future__ import annotations

import os
import struct

try:
    from websockets.speedups import apply_mask
except ImportError:  # built without a compiler
    from websockets.utils import apply_mask

__all__ = ["from_client", "from_server"]

TEXT, BINARY = 0x81, 0x82
"""First bytes of a whole frame."""
MASKED = 0x80
KEYS = 4096
"""Bytes of masking keys that are drawn at once: a system call for each would cost more than the frame."""


def from_server(message: str | bytes) -> bytes:
    """Not masked."""
    kind, payload = (TEXT, message.encode()) if isinstance(message, str) else (BINARY, message)
    return _head(kind, len(payload), 0) + payload


def from_client(text: bytes) -> bytes:
    """A text message, masked by a key that nobody can foresee (section 5.3)."""
    key = _keys.draw()
    return b"%b%b%b" % (_head(TEXT, len(text), MASKED), key, apply_mask(text, key))


def _head(kind: int, size: int, masked: int) -> bytes:
    if size < 126:
        return bytes((kind, masked | size))
    if size < 1 << 16:
        return struct.pack("!BBH", kind, masked | 126, size)
    return struct.pack("!BBQ", kind, masked | 127, size)


class _Keys:
    def __init__(self) -> None:
        self._drawn, self._at = b"", 0

    def draw(self) -> bytes:
        if self._at >= len(self._drawn):
            self._drawn, self._at = os.urandom(KEYS), 0
        self._at += 4
        return self._drawn[self._at - 4 : self._at]


_keys = _Keys()
