"""What the caller's ear got: levels, edges and alignment of recorded speech. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Samples", "Stretch", "place_of", "stretches"]

Samples = npt.NDArray[np.int16]

BLOCK_S = 0.01
AUDIBLE = 80.0
"""Root mean square of PCM16; −52 dB. Decoded silence and comfort noise stay below."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which something was audible, in seconds."""

    start: float
    end: float


def levels(samples: Samples, rate: int) -> npt.NDArray[np.float64]:
    """Root mean square per 10 ms."""
    size = round(rate * BLOCK_S)
    whole = samples[: len(samples) // size * size].astype(np.float64).reshape(-1, size)
    loudness: npt.NDArray[np.float64] = np.sqrt((whole**2).mean(axis=1))
    return loudness


def stretches(samples: Samples, rate: int, *, origin: float = 0.0, gap_s: float = 0.25) -> list[Stretch]:
    """Where sound is; silences shorter than `gap_s` belong to the sound around them. Resolution 10 ms."""
    found: list[Stretch] = []
    for index in np.flatnonzero(levels(samples, rate) > AUDIBLE):
        start = origin + float(index) * BLOCK_S
        if found and start - found[-1].end < gap_s:
            found[-1] = Stretch(found[-1].start, start + BLOCK_S)
        else:
            found.append(Stretch(start, start + BLOCK_S))
    return found


def place_of(part: Samples, whole: Samples, rate: int) -> float:
    """Where in `whole` the sound of `part` begins, in seconds: the best match of their loudness over time."""
    needle, stack = levels(part, rate), levels(whole, rate)
    padded = np.concatenate([np.zeros(len(needle)), stack, np.zeros(len(needle))])
    scores = np.correlate(padded, needle, mode="valid")
    energy = np.sqrt(np.correlate(padded**2, np.ones(len(needle)), mode="valid")) + 1.0
    return (int(np.argmax(scores / energy)) - len(needle)) * BLOCK_S
