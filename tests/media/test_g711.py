"""G.711 against the tables of the recommendation, and against itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.g711 import Law, decode, encode

pytestmark = pytest.mark.unit


def samples(pcm: bytes) -> list[int]:
    return [int(s) for s in np.frombuffer(pcm, "<i2")]


def pcm(*values: int) -> bytes:
    return np.array(values, "<i2").tobytes()


@pytest.mark.parametrize(
    ("law", "code", "value"),
    [
        # Values of tables 2a/2b (µ, scaled by 4) and 1a/1b (A, scaled by 8) of the recommendation.
        ("mu", 0xFF, 0), ("mu", 0x7F, 0), ("mu", 0xFE, 8), ("mu", 0x7E, -8), ("mu", 0xF0, 120),
        ("mu", 0xEF, 132), ("mu", 0xDF, 396), ("mu", 0x8F, 16764), ("mu", 0x80, 32124), ("mu", 0x00, -32124),
        ("a", 0xD5, 8), ("a", 0x55, -8), ("a", 0xC5, 264), ("a", 0xF5, 528), ("a", 0xE5, 1056),
        ("a", 0xAA, 32256), ("a", 0x2A, -32256), ("a", 0xBA, 16128),
    ],
)  # fmt: skip
def test_known_codes(law: Law, code: int, value: int) -> None:
    assert samples(decode(bytes([code]), law)) == [value]


@pytest.mark.parametrize("law", ["mu", "a"])
def test_every_code_survives(law: Law) -> None:
    every = bytes(range(256))
    again = encode(decode(every, law), law)
    # µ-law has a second zero, which nobody sends.
    assert again == (every.replace(b"\x7f", b"\xff") if law == "mu" else every)


@pytest.mark.parametrize("law", ["mu", "a"])
def test_the_loudest_and_the_softest(law: Law) -> None:
    loudest = 32124 if law == "mu" else 32256
    assert samples(decode(encode(pcm(32767, -32768), law), law)) == [loudest, -loudest]
    assert all(abs(s) <= 8 for s in samples(decode(encode(pcm(0, 1, -1), law), law)))


@pytest.mark.parametrize("law", ["mu", "a"])
@given(value=st.integers(-32768, 32767))
def test_a_sample_comes_back_within_its_step(law: Law, value: int) -> None:
    back = samples(decode(encode(pcm(value), law), law))[0]
    # Half the widest step of its segment: a sixteenth of its size, at least that of the first segment.
    assert abs(back - value) <= max(16, abs(value) / 16 + 8, abs(value) - 32124)
