from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.resample import Resampler

pytestmark = pytest.mark.unit

RATES = [(48000, 24000), (24000, 48000), (24000, 16000), (16000, 24000), (24000, 8000), (8000, 24000)]
Samples = npt.NDArray[np.float64]


def tone(rate: int, hertz: float, seconds: float = 0.5, amplitude: float = 20000) -> bytes:
    time = np.arange(int(rate * seconds)) / rate
    return np.rint(np.sin(2 * np.pi * hertz * time) * amplitude).astype("<i2").tobytes()


def samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64)


def convert(pcm: bytes, source: int, target: int, chunk: int) -> bytes:
    resampler = Resampler(source, target)
    pieces = [resampler.process(pcm[start : start + chunk]) for start in range(0, len(pcm), chunk)]
    return b"".join(pieces) + resampler.flush()


@pytest.mark.parametrize(("source", "target"), RATES)
def test_a_tone_keeps_pitch_level_phase_and_length(source: int, target: int) -> None:
    out = samples(convert(tone(source, 1000), source, target, source // 50 * 2))
    want = samples(tone(target, 1000))
    assert len(out) == len(want)
    edge = target // 100
    error = out[edge:-edge] - want[edge:-edge]
    assert np.mean(error**2) < np.mean(want**2) / 10**8  # 80 dB below


@pytest.mark.parametrize(("source", "target"), [(48000, 24000), (24000, 16000), (24000, 8000)])
def test_what_the_lower_rate_cannot_hold_is_gone(source: int, target: int) -> None:
    out = samples(convert(tone(source, target * 0.65), source, target, source // 50 * 2))
    edge = target // 50
    assert np.sqrt(np.mean(out[edge:-edge] ** 2)) < 20


@settings(max_examples=20)
@given(st.sampled_from(RATES), st.lists(st.integers(min_value=0, max_value=2500), min_size=1, max_size=30))
def test_chunk_borders_leave_no_trace(rates: tuple[int, int], cuts: list[int]) -> None:
    source, target = rates
    pcm = tone(source, 440, 0.2)
    resampler = Resampler(source, target)
    pieces, start = [], 0
    for cut in cuts:
        pieces.append(resampler.process(pcm[start : start + cut]))
        start += cut
    pieces += [resampler.process(pcm[start:]), resampler.flush()]
    assert b"".join(pieces) == convert(pcm, source, target, len(pcm))


def test_loud_input_is_clipped_not_wrapped() -> None:
    square = np.repeat(np.array([32767, -32768] * 50, dtype="<i2"), 24).tobytes()
    out = samples(convert(square, 24000, 48000, 960))
    assert np.mean(np.abs(out)) > 30000
    assert np.all(np.sign(out[20:40]) == 1)


def test_equal_rates_pass_untouched() -> None:
    pcm = tone(24000, 300)
    assert convert(pcm, 24000, 24000, 333) == pcm


def test_after_a_flush_the_past_is_forgotten() -> None:
    resampler = Resampler(24000, 48000)
    first = resampler.process(tone(24000, 440)) + resampler.flush()
    again = resampler.process(tone(24000, 440)) + resampler.flush()
    assert first == again


def test_rates_are_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        Resampler(0, 8000)
