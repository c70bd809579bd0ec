"""48 kHz stereo → 24 kHz mono."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from media.halve import Halver

pytestmark = pytest.mark.unit


def stereo(mono: npt.NDArray[np.float64]) -> npt.NDArray[np.int16]:
    return np.repeat(np.rint(mono), 2).astype(np.int16)


def tone(hz: float, seconds: float = 1.0, rate: int = 48_000) -> npt.NDArray[np.float64]:
    return 10_000 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def halved(samples: npt.NDArray[np.int16], frame: int = 1920) -> npt.NDArray[np.int16]:
    halver = Halver()
    return np.frombuffer(
        b"".join(halver.process(samples[i : i + frame]) for i in range(0, len(samples), frame)), "<i2"
    )


def rms(samples: npt.NDArray[np.int16]) -> float:
    return float(np.sqrt((samples[2000:].astype(np.float64) ** 2).mean()))


def test_every_frame_comes_out_whole() -> None:
    halver = Halver()
    assert [len(halver.process(np.zeros(1920, np.int16))) for _ in range(5)] == [960] * 5


@pytest.mark.parametrize("hz", [100, 1000, 4000, 8000, 9500])
def test_speech_passes_unchanged_but_for_half_a_millisecond(hz: float) -> None:
    out = halved(stereo(tone(hz)))
    assert rms(out) == pytest.approx(10_000 / np.sqrt(2), rel=0.02)
    delay = np.arange(-24, 24)
    wanted = tone(hz, rate=24_000)
    best = max(
        delay, key=lambda d: float(np.dot(out[3000:9000].astype(float), wanted[3000 - d : 9000 - d]))
    )
    if hz <= 1000:
        assert 10 <= best <= 13


@pytest.mark.parametrize("hz", [14_500, 16_000, 20_000, 23_000])
def test_what_24_khz_cannot_hold_does_not_come_back_as_something_else(hz: float) -> None:
    assert rms(halved(stereo(tone(hz)))) < 10_000 / 1000


def test_frame_borders_leave_no_trace() -> None:
    samples = stereo(tone(440))
    assert np.array_equal(halved(samples, 1920), halved(samples, len(samples)))


def test_two_sides_are_mixed_and_the_loudest_sound_is_clipped_not_wrapped() -> None:
    one_sided = np.zeros(19_200, np.int16)
    one_sided[0::2] = 10_000
    assert halved(one_sided)[-1] == pytest.approx(5_000, abs=1)
    full = np.tile(np.array([32_767, 32_767, -32_768, -32_768] * 8, np.int16).repeat(8), 40)
    assert np.abs(halved(full).astype(np.int32)).max() <= 32_768
