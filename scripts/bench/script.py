"""What the callers of a measurement say, and when: real recordings laid out on a cycle that repeats.

::

    0.5 s  a question, heard out     the reply comes about 0.6 s after its end and is 3 s long
    7.5 s  a short answer            its reply begins, and 1.2 s into it …
           … an interruption         the reply has to stop; a third one follows
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

__all__ = ["FRAME_S", "REPLY_MS", "SILENCE_MS", "THINK_MS", "Script", "Turn", "lay_out", "load"]

FRAME_S = 0.02
SILENCE_MS = 400
"""Quiet after which the mock ends a turn, whatever the session asks for."""
THINK_MS = 200
"""From the end of the turn, or from `response.create`, to the mock's first audio."""
REPLY_MS = 3000

RECORDINGS = Path(__file__).parents[2] / "tests" / "audio"
RATE = 48000
CYCLE_S = 17.0
LOUD = 0.012
"""RMS of a 10 ms window, of full scale, above which it is speech."""

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance, in frames of 20 ms from the cycle's begin."""

    first: int
    last: int
    interrupts: bool


@dataclass(frozen=True, slots=True)
class Script:
    """One cycle as Opus packets of 20 ms, encoded once and sent by every caller."""

    packets: tuple[bytes, ...]
    turns: tuple[Turn, ...]


def load() -> Script:
    """Lay the recordings out and encode them."""
    cycle, turns = lay_out()
    return Script(_encode(cycle), turns)


def lay_out() -> tuple[Samples, tuple[Turn, ...]]:
    """One cycle at 48 kHz."""
    cycle = np.random.default_rng(1).normal(0, 8, int(CYCLE_S * RATE)).astype(np.int16)
    question, answer, stop = (_speech(name) for name in ("dental_01_book", "common_yes", "bargein_short"))
    reply_at = 7.5 + len(answer) / RATE + (SILENCE_MS + THINK_MS) / 1000
    turns = []
    for at, speech, interrupts in (
        (0.5, question, False),
        (7.5, answer, False),
        (reply_at + 1.2, stop, True),
    ):
        first = round(at / FRAME_S)
        start = round(first * FRAME_S * RATE)
        cycle[start : start + len(speech)] += speech
        turns.append(Turn(first, first + len(speech) // round(RATE * FRAME_S), interrupts))
    return cycle, tuple(turns)


def _speech(name: str) -> Samples:
    """A recording at 48 kHz without the silence round it, in whole frames that begin and end loud."""
    with wave.open(str(RECORDINGS / f"{name}.wav"), "rb") as file:
        rate, raw = file.getframerate(), file.readframes(file.getnframes())
    samples = np.repeat(np.frombuffer(raw, np.int16), RATE // rate).astype(np.float64)
    # A box filter as wide as the repetition takes the steps off; good enough for a recogniser of energy.
    samples = np.convolve(samples, np.full(RATE // rate, rate / RATE), mode="same")
    window = RATE // 100
    windows = samples[: len(samples) // window * window].reshape(-1, window) / 32768
    loud = np.flatnonzero(np.sqrt((windows**2).mean(axis=1)) > LOUD)
    begin, end = loud[0] * window, (loud[-1] + 1) * window
    return samples[begin:end].astype(np.int16)


def _encode(samples: Samples) -> tuple[bytes, ...]:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.format, encoder.layout = RATE, "s16", "mono"
    encoder.bit_rate, encoder.time_base = 32000, Fraction(1, RATE)
    encoder.options = {"application": "voip", "frame_duration": "20"}
    size = round(RATE * FRAME_S)
    packets: list[bytes] = []
    for start in range(0, len(samples), size):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + size], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        packets += (bytes(packet) for packet in encoder.encode(frame))
    packets += (bytes(packet) for packet in encoder.encode(None))
    return tuple(packets[: len(samples) // size])
