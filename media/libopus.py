"""libopus by ctypes: the functions of `opus.h` that are used here, and nothing round them.

PyAV's encoder wraps the same library, but puts a filter graph before it whose threads outlive the call until the
garbage collector comes; and an encoder called through ctypes lets other threads run.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["Encoder", "OpusError", "OpusMissing", "library"]

# opus_defines.h
APPLICATION_VOIP = 2048
SET_BITRATE = 4002
SET_COMPLEXITY = 4010
SET_INBAND_FEC = 4012
SET_PACKET_LOSS_PERC = 4014
LARGEST = 1275
"""Bytes of the largest packet of one frame (RFC 6716 section 3.4, R2)."""


class OpusMissing(Exception):
    """There is no libopus to load; the message says how to get one."""


class OpusError(Exception):
    """libopus refused; the message is its own."""


@cache
def library() -> Any:
    """The shared library: the one inside PyAV's wheel, else the system's. Raises OpusMissing."""
    for candidate in (*_bundled(), ctypes.util.find_library("opus")):
        if candidate is None:
            continue
        try:
            found = ctypes.CDLL(candidate)
        except OSError:
            continue
        found.opus_strerror.restype = ctypes.c_char_p
        found.opus_encoder_create.restype = ctypes.c_void_p
        found.opus_encoder_destroy.argtypes = [ctypes.c_void_p]
        found.opus_encoder_destroy.restype = None
        found.opus_encode.argtypes = [
            ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int32,
        ]  # fmt: skip
        return found
    raise OpusMissing("libopus is not there; install Debian's libopus0, or PyAV from its wheel")


def _bundled() -> list[str]:
    spec = find_spec("av")
    if spec is None or spec.origin is None:
        return []
    return [str(path) for path in sorted(Path(spec.origin).parents[1].glob("av.libs/libopus*.so*"))]


class Encoder:
    """One mono encoder. Not for two threads at once."""

    def __init__(self, rate: int, bit_rate: int, complexity: int, packet_loss: int) -> None:
        """`packet_loss`: percent to be prepared for, by in-band FEC (RFC 6716 section 2.1.7)."""
        self._state: int | None = None
        self._library = library()
        error = ctypes.c_int()
        self._state = self._library.opus_encoder_create(rate, 1, APPLICATION_VOIP, ctypes.byref(error))
        if self._state is None:
            raise OpusError(self._library.opus_strerror(error).decode())
        self._packet = ctypes.create_string_buffer(LARGEST)
        for request, value in (
            (SET_BITRATE, bit_rate),
            (SET_COMPLEXITY, complexity),
            (SET_INBAND_FEC, 1 if packet_loss else 0),
            (SET_PACKET_LOSS_PERC, packet_loss),
        ):
            self._check(
                self._library.opus_encoder_ctl(ctypes.c_void_p(self._state), request, ctypes.c_int32(value))
            )

    def encode(self, pcm: bytes) -> bytes:
        """One packet of PCM16 mono; 2.5, 5, 10, 20, 40 or 60 ms long, else OpusError."""
        if self._state is None:
            raise OpusError("the encoder is closed")
        length = self._library.opus_encode(self._state, pcm, len(pcm) // 2, self._packet, LARGEST)
        self._check(length)
        return self._packet.raw[:length]

    def close(self) -> None:
        """Free it. Idempotent."""
        if self._state is not None:
            self._library.opus_encoder_destroy(self._state)
            self._state = None

    def __del__(self) -> None:
        self.close()

    def _check(self, code: int) -> None:
        if code < 0:
            raise OpusError(self._library.opus_strerror(code).decode())
