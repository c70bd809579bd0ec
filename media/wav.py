"""The head of a WAV file: PCM16 or G.711, so that what follows it can be played, and measured again after a crash.

RIFF as in "Multimedia Programming Interface and Data Specifications 1.0" (1991) and "New Multimedia Data Types" (1994):
a format that is not PCM has the size of its extension (0) and a `fact` chunk.
"""

from __future__ import annotations

import struct

from media.audio import AudioFormat, Law
from media.g711 import RATE

__all__ = ["HEAD_BYTES", "MOST_BYTES", "WavError", "head", "moment", "read_head"]

CHANNELS = 2
TAGS: dict[Law | None, int] = {None: 1, "a": 6, "mu": 7}
"""WAVE_FORMAT_PCM, _ALAW, _MULAW."""
LAYOUT = struct.Struct("<4sI4s 4sIHHIIHHH 4sII 4sI")
HEAD_BYTES = LAYOUT.size
MOST_BYTES = 0xFFFF_FF00 - HEAD_BYTES
"""Of sound in one file: its sizes have 32 bits."""


class WavError(Exception):
    """The file does not begin as `head` writes it."""


def moment(form: AudioFormat) -> int:
    """Bytes of a sample of each channel."""
    return CHANNELS * form.sample_bytes


def head(form: AudioFormat, count: int) -> bytes:
    """The first `HEAD_BYTES` of a file with `count` bytes of two channels' sound."""
    both = moment(form)
    return LAYOUT.pack(
        b"RIFF", HEAD_BYTES - 8 + count, b"WAVE",
        b"fmt ", 18, TAGS[form.law], CHANNELS, form.rate, form.rate * both, both, 8 * form.sample_bytes, 0,
        b"fact", 4, count // both,
        b"data", count,
    )  # fmt: skip


def read_head(data: bytes) -> AudioFormat:
    """What `head` was told. Raises WavError."""
    if len(data) < HEAD_BYTES:
        raise WavError("too short for its head")
    riff, _, wave, fmt, _, tag, channels, rate, _, _, bits, _, _, _, _, word, _ = LAYOUT.unpack(
        data[:HEAD_BYTES]
    )
    law = next((law for law, known in TAGS.items() if known == tag), None)
    form = AudioFormat(rate, law)
    if (riff, wave, fmt, word, channels) != (b"RIFF", b"WAVE", b"fmt ", b"data", CHANNELS):
        raise WavError("no head of ours")
    if tag not in TAGS.values() or bits != 8 * form.sample_bytes or (law is not None and rate != RATE):
        raise WavError("no sound of ours")
    return form
