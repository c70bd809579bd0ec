from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.rates import Converter

pytestmark = pytest.mark.unit

PAIRS = [(24000, 8000), (8000, 24000), (24000, 16000), (16000, 24000), (24000, 24000), (48000, 24000)]


def tone(hz: float, rate: int, seconds: float = 0.5) -> bytes:
    time = np.arange(int(rate * seconds)) / rate
    voice: bytes = np.rint(np.sin(2 * np.pi * hz * time) * 10000).astype("<i2").tobytes()
    return voice


def level(pcm: bytes) -> float:
    samples = np.frombuffer(pcm, "<i2").astype(float)
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    return float(np.sqrt(np.mean(middle**2)))


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_20_ms_in_are_20_ms_out_from_the_first_frame(source: int, target: int) -> None:
    converter = Converter(source, target)
    for _ in range(5):
        assert len(converter.process(bytes(source // 50 * 2))) == target // 50 * 2


@given(cuts=st.lists(st.integers(0, 999), max_size=20), pair=st.sampled_from(PAIRS))
def test_where_the_stream_is_cut_makes_no_difference(cuts: list[int], pair: tuple[int, int]) -> None:
    voice = tone(440, pair[0], 0.05)
    whole, parts = Converter(*pair), Converter(*pair)
    places = sorted({0, len(voice), *(cut % len(voice) for cut in cuts)})
    out = b"".join(parts.process(voice[a:b]) for a, b in pairwise(places))
    one, other = (np.frombuffer(x, "<i2").astype(int) for x in (whole.process(voice), out))
    assert len(one) == len(other)
    assert np.abs(one - other).max() <= 1


@pytest.mark.parametrize(("source", "target"), PAIRS)
@pytest.mark.parametrize("hz", [100.0, 1000.0, 3300.0])
def test_a_telephones_band_passes_whole(source: int, target: int, hz: float) -> None:
    before = tone(hz, source)
    assert 20 * np.log10(level(Converter(source, target).process(before)) / level(before)) == pytest.approx(
        0, abs=0.5
    )


@pytest.mark.parametrize("hz", [4700.0, 6000.0, 9000.0, 11000.0])
def test_what_8_khz_cannot_hold_is_not_folded_into_it(hz: float) -> None:
    before = tone(hz, 24000)
    assert 20 * np.log10(max(level(Converter(24000, 8000).process(before)), 1e-3) / level(before)) < -50


def test_after_a_reset_nothing_is_left_of_what_went_before() -> None:
    converter = Converter(24000, 8000)
    converter.process(tone(440, 24000))
    converter.reset()
    assert not any(converter.process(bytes(960)))


def test_full_scale_does_not_wrap() -> None:
    square = np.where(np.arange(4800) // 240 % 2, 32767, -32768).astype("<i2").tobytes()
    out = np.frombuffer(Converter(24000, 8000).process(square), "<i2").astype(int)
    assert np.abs(np.diff(out)).max() < 66000
    assert out[100:1500].max() == 32767


@pytest.mark.parametrize("rate", [0, -8000, 7999, 96000])
def test_rates_that_no_telephone_has_are_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="sample rates"):
        Converter(rate, 24000)
