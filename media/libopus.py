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

__all__ = ["Decoder", "Encoder", "OpusError", "OpusMissing", "library"]

# opus_defines.h
APPLICATION_VOIP = 2048
RESET_STATE = 4028
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
        found.opus_decoder_create.restype = ctypes.c_void_p
        found.opus_decoder_destroy.argtypes = [ctypes.c_void_p]
        found.opus_decoder_destroy.restype = None
        found.opus_decode.argtypes = [
            ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_int, ctypes.c_int,
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
        self._packet: Any = ctypes.create_string_buffer(LARGEST)
        self.tune(bit_rate, complexity, packet_loss)

    def tune(self, bit_rate: int, complexity: int, packet_loss: int) -> None:
        """From the next packet on. Raises OpusError for what Opus does not know."""
        if self._state is None:
            raise OpusError("the encoder is closed")
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
        packet: bytes = self._packet[:length]
        return packet

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


LONGEST_S = 0.12
"""The longest packet (RFC 6716 section 3.4, R5)."""


class Decoder:
    """One mono decoder; stereo is mixed down, whatever was sent comes out at `rate`. Not for two threads at once."""

    def __init__(self, rate: int) -> None:
        """`rate`: 8000, 12000, 16000, 24000 or 48000 samples a second, else OpusError."""
        self._state: int | None = None
        self._library = library()
        error = ctypes.c_int()
        self._state = self._library.opus_decoder_create(rate, 1, ctypes.byref(error))
        if self._state is None:
            raise OpusError(self._library.opus_strerror(error).decode())
        self._most = int(rate * LONGEST_S)
        self._pcm: Any = ctypes.create_string_buffer(2 * self._most)

    def decode(self, packet: bytes) -> bytes:
        """PCM16 of one packet. Raises OpusError when it is none."""
        return self._decode(packet, self._most, 0)

    def recover(self, successor: bytes, samples: int) -> bytes:
        """The last `samples` of what was lost before `successor`, as long as that is itself: from the copy it carries
        of them (in-band FEC), else made up. To be asked for before `successor` is decoded. Raises OpusError."""
        return self._decode(successor, samples, 1)

    def conceal(self, samples: int) -> bytes:
        """Sound that goes on from what was heard, and dies away; whole 2.5 ms, up to 120 ms. Raises OpusError."""
        return self._decode(None, samples, 0)

    def reset(self) -> None:
        """Forget what was heard: another stream begins."""
        if self._state is not None:
            self._library.opus_decoder_ctl(ctypes.c_void_p(self._state), RESET_STATE)

    def close(self) -> None:
        """Free it. Idempotent."""
        if self._state is not None:
            self._library.opus_decoder_destroy(self._state)
            self._state = None

    def __del__(self) -> None:
        self.close()

    def _decode(self, packet: bytes | None, samples: int, fec: int) -> bytes:
        if self._state is None:
            raise OpusError("the decoder is closed")
        size = 0 if packet is None else len(packet)
        got = self._library.opus_decode(self._state, packet, size, self._pcm, samples, fec)
        if got < 0:
            raise OpusError(self._library.opus_strerror(got).decode())
        pcm: bytes = self._pcm[: 2 * got]
        return pcm
