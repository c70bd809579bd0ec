"""Between the sample rates of telephones and ours: exact, so that 20 ms in are 20 ms out."""

from __future__ import annotations

from functools import cache
from math import ceil, gcd

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

__all__ = ["LOWEST", "MOST", "Converter"]

CROSSINGS = 12
"""Zero crossings of the sinc on either side: 1.5 ms of delay towards or from 8 kHz."""
BETA = 6.0
"""Of the Kaiser window: what is above half the lower rate is 60 dB down once past the transition."""
ROLLOFF = 0.95
"""The cut-off, of half the lower rate: a telephone's 3400 Hz pass whole (0.3 dB)."""
LOWEST, MOST = 8000, 48000
PLANS = 4
"""Lengths of chunks that are prepared for: a carrier sends one, or two."""
FLOAT = np.dtype(np.float32).itemsize


@cache
def _weights(take: int, give: int) -> npt.NDArray[np.float32]:
    """What each input sample of a window counts for each of the `give` outputs that `take` inputs make."""
    narrowing = min(1.0, give / take)
    half = ceil(CROSSINGS / narrowing)
    place = np.arange(2 * half + take)[:, None]
    away = place - half - np.arange(give)[None, :] * take / give
    cutoff = narrowing * ROLLOFF
    inside = np.clip(1 - (away / half) ** 2, 0, 1)
    weights = np.sinc(away * cutoff) * np.i0(BETA * np.sqrt(inside)) * (np.abs(away) <= half)
    return np.asarray(weights / weights.sum(axis=0), np.float32)


class _Plan:
    """Everything of a conversion that the next chunk of the same length needs again."""

    __slots__ = ("_line", "_mixed", "_tail", "_weights", "_windows")

    def __init__(self, weights: npt.NDArray[np.float32], take: int, blocks: int) -> None:
        window = len(weights)
        self._tail = window - take
        self._weights = weights
        self._line = np.zeros(self._tail + blocks * take, np.float32)
        self._windows = as_strided(self._line, (blocks, window), (take * FLOAT, FLOAT))
        self._mixed = np.empty((blocks, weights.shape[1]), np.float32)

    def run(self, tail: npt.NDArray[np.float32], pcm: bytes) -> bytes:
        """`tail` is what went before, and becomes what goes before the next chunk."""
        line, mixed = self._line, self._mixed
        line[: self._tail] = tail
        line[self._tail :] = np.frombuffer(pcm, "<i2")
        tail[:] = line[-self._tail :]
        np.matmul(self._windows, self._weights, out=mixed)
        np.rint(mixed, out=mixed)
        # Cheaper than np.clip, whose own arithmetic is the least of it.
        np.minimum(mixed, 32767, out=mixed)
        np.maximum(mixed, -32768, out=mixed)
        return mixed.astype("<i2").tobytes()


class Converter:
    """PCM16 little-endian mono from one rate to another, as a stream: one per direction and call. Equal rates pass
    untouched.

    Whole blocks (`source / gcd` samples, at most 3 between 8, 16 and 24 kHz) come out at once; what does not fill one
    waits. 20 ms cost about 8 µs, a quarter of `media.resample`, whose output is as long as its filter likes.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        """Rates from 8000 to 48000. Raises ValueError."""
        if not all(LOWEST <= rate <= MOST for rate in (source_rate, target_rate)):
            raise ValueError(f"sample rates are from {LOWEST} to {MOST}")
        common = gcd(source_rate, target_rate)
        self._take, give = source_rate // common, target_rate // common
        self._weights = None if self._take == give else _weights(self._take, give)
        self._half = b""
        self._odd = b""
        """Whole samples that did not fill a block."""
        self._tail = np.zeros(0, np.float32)
        self._plans: dict[int, _Plan] = {}
        self.reset()

    def process(self, pcm: bytes) -> bytes:
        """Convert the next chunk; a chunk may end in the middle of a sample."""
        if self._half:
            pcm, self._half = self._half + pcm, b""
        if len(pcm) % 2:
            pcm, self._half = pcm[:-1], pcm[-1:]
        if self._weights is None:
            return pcm
        if self._odd:
            pcm, self._odd = self._odd + pcm, b""
        blocks, rest = divmod(len(pcm), 2 * self._take)
        if rest:
            pcm, self._odd = pcm[:-rest], pcm[-rest:]
        if not blocks:
            return b""
        plan = self._plans.get(blocks)
        if plan is None:
            if len(self._plans) >= PLANS:
                self._plans.clear()
            plan = self._plans[blocks] = _Plan(self._weights, self._take, blocks)
        return plan.run(self._tail, pcm)

    def reset(self) -> None:
        """Forget what went before: the next sound has nothing to do with it."""
        self._half = self._odd = b""
        if self._weights is not None:
            self._tail = np.zeros(len(self._weights) - self._take, np.float32)
