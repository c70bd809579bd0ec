"""Keys as tones, as a receiver at the far end of a telephone line hears them."""

from __future__ import annotations

import numpy as np
import pytest

from media.audio import PCM24
from media.dtmf import DIGITS, FREQUENCIES, tones
from media.g711 import Law, decode, encode
from media.rates import Converter

pytestmark = pytest.mark.unit

LOW = sorted({low for low, _ in FREQUENCIES.values()})
HIGH = sorted({high for _, high in FREQUENCIES.values()})
BLOCK = 205
"""Samples at 8 kHz: the classic block of a Goertzel receiver, 25.6 ms."""


def power(block: np.ndarray, hertz: float) -> float:
    """Goertzel's: the power of one frequency, on the scale of a sine wave's squared amplitude."""
    coefficient = 2 * np.cos(2 * np.pi * hertz / 8000)
    before = last = 0.0
    for sample in block:
        before, last = last, float(sample) + coefficient * last - before
    return float((before * before + last * last - coefficient * before * last) / (len(block) / 2) ** 2)


def dbm0(squared_amplitude: float) -> float:
    return float(10 * np.log10(max(squared_amplitude, 1e-9) / 32124.0**2) + 3.17)


def key(block: np.ndarray) -> str:
    """The key that this block is, by the rules of a receiver: both tones above -25 dBm0, all others in their group 8 dB
    below, no more than 4 dB between them; empty for none."""
    groups = []
    for group in (LOW, HIGH):
        levels = sorted(((dbm0(power(block, hertz)), hertz) for hertz in group), reverse=True)
        if levels[0][0] < -25 or levels[0][0] - levels[1][0] < 8:
            return ""
        groups.append(levels[0])
    if not -4 <= groups[1][0] - groups[0][0] <= 4:
        return "twisted"
    found = (int(groups[0][1]), int(groups[1][1]))
    return next(name for name, pair in FREQUENCIES.items() if pair == found)


def received(pcm24: bytes, law: Law) -> str:
    """What a receiver at the other end of a G.711 line takes down."""
    converter = Converter(PCM24.rate, 8000)
    line = np.frombuffer(decode(encode(converter.process(pcm24), law), law), "<i2")
    blocks = [key(line[at : at + BLOCK]) for at in range(0, len(line) - BLOCK, BLOCK // 2)]
    out, now, run = "", "", 0
    for one in blocks:
        run = run + 1 if one == now else 1
        now = one
        if now and run == 3:  # 50 ms of it
            out += now
    return out


@pytest.mark.parametrize("law", ["mu", "a"])
def test_every_key_is_understood_at_the_other_end(law: Law) -> None:
    keys = "".join(sorted(DIGITS)) + "1100##**7"
    assert received(tones(keys), law) == keys


def test_both_tones_are_as_loud_as_lines_want_them_and_do_not_clip() -> None:
    pcm = np.frombuffer(tones("5"), "<i2")
    assert np.abs(pcm.astype(int)).max() < 32000
    low, high = FREQUENCIES["5"]
    middle = pcm[: len(pcm) // 2][::3][200:600]
    for hertz in (low, high):
        assert -9 < dbm0(power(middle, hertz)) < -5


@pytest.mark.parametrize("wrong", ["", "E", "12w", "+1", "１"])
def test_what_is_on_no_telephone(wrong: str) -> None:
    with pytest.raises(ValueError, match="keys"):
        tones(wrong)
