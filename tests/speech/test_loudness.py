"""What is done to synthesised speech before anybody hears it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.speech.loudness import RATE, finish
from media.level import rms

pytestmark = pytest.mark.unit


def hum(level: float, rate: int, before_s: float = 0.2, after_s: float = 0.3) -> bytes:
    """One second of a 300 Hz tone between silences."""
    tone = level * 32767 * np.sin(2 * np.pi * 300 * np.arange(rate) / rate)
    line = np.concatenate([np.zeros(round(before_s * rate)), tone, np.zeros(round(after_s * rate))])
    return line.astype("<i2").tobytes()


@given(st.floats(0.05, 1.0), st.sampled_from([16_000, 22_050, 24_000]))
def test_one_loudness_without_the_engine_s_silence(level: float, rate: int) -> None:
    pcm = finish(hum(level, rate), rate)
    assert len(pcm) / 2 / RATE == pytest.approx(1.07, abs=0.02)
    assert rms(pcm[RATE // 5 : RATE]) / 32768 == pytest.approx(0.1, rel=0.1)


def test_clauses_begin_and_end_in_silence() -> None:
    samples = np.frombuffer(finish(hum(0.5, 16_000, 0.0, 0.0), 16_000), "<i2")
    assert abs(int(samples[0])) < 5
    assert abs(int(samples[-1])) < 5
    assert np.abs(np.diff(samples.astype(int))).max() < 500


def test_silence_is_nothing_to_say() -> None:
    assert finish(bytes(3200), 16_000) == b""
    assert finish(b"", 16_000) == b""


def test_a_click_does_not_make_the_rest_clip() -> None:
    line = np.frombuffer(hum(0.02, 16_000), "<i2").copy()
    line[8000] = 32767
    samples = np.frombuffer(finish(line.tobytes(), 16_000), "<i2")
    assert np.abs(samples.astype(int)).max() <= 32767 * 0.95
