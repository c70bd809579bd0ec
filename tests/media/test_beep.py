"""Beeps are told from speech, noise, music and every other tone of a telephone line."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from media import g711
from media.audio import PCM24, PCMA, PCMU, AudioFormat, Law
from media.beep import BeepEnded, Beeps, FaxHeard, Heard, ToneEnded, ToneStarted
from media.rates import Converter
from tests.answering.calls import silence, tone
from tests.answering.phrases import PHRASES
from tests.caller_audio import pcm, recordings

pytestmark = pytest.mark.unit

Sound = NDArray[np.float64]


def heard(*parts: Sound, law: Law = "mu", noise: float = 6.0) -> list[Heard]:
    """What is heard of these after each other, on a line with a little noise."""
    line = np.concatenate([*parts, silence(400)])
    line += np.random.default_rng(1).normal(0.0, noise, line.size)
    data = g711.encode(np.clip(np.rint(line), -32768, 32767).astype("<i2").tobytes(), law)
    return listen(data, PCMU if law == "mu" else PCMA)


def listen(data: bytes, form: AudioFormat) -> list[Heard]:
    beeps, size = Beeps(form), form.frame_bytes
    frames = (data[at : at + size] for at in range(0, len(data) - size + 1, size))
    return [one for frame in frames for one in beeps.feed(frame)]


def beeps_of(found: list[Heard]) -> list[int]:
    return [one.at_ms for one in found if isinstance(one, BeepEnded)]


@pytest.mark.parametrize("hertz", [470, 500, 640, 700, 853, 950, 1000, 1400, 2000, 2490])
@pytest.mark.parametrize("ms", [125, 200, 430, 1000, 1900])
@pytest.mark.parametrize("dbfs", [-8, -33])
def test_a_beep_ends_once_and_when_it_ends(hertz: int, ms: int, dbfs: int) -> None:
    for late in (0, 7, 13):
        found = heard(silence(200 + late), tone((hertz,), ms, dbfs))
        assert [type(one) for one in found] == [ToneStarted, BeepEnded]
        assert abs(found[1].at_ms - (200 + late + ms)) <= 20


@pytest.mark.parametrize("hertz", [310, 345, 385])
def test_a_low_beep_takes_longer_to_be_sure_of(hertz: int) -> None:
    assert len(beeps_of(heard(silence(100), tone((hertz,), 220)))) == 1


def test_beeps_of_two_pitches() -> None:
    assert beeps_of(heard(tone((620, 910), 400))) == [400]
    assert beeps_of(heard(tone((1000,), 200), tone((800,), 200))) == [400]
    assert beeps_of(heard(tone((700,), 200), silence(160), tone((700,), 200))) == [200, 560]


def test_it_is_known_while_the_beep_lasts() -> None:
    beeps = Beeps(PCMU)
    data = g711.encode(np.rint(tone((1000,), 400)).astype("<i2").tobytes(), "mu")
    for at in range(0, len(data), 160):
        if beeps.feed(data[at : at + 160]):
            break
    assert at // 8 <= 120


@pytest.mark.parametrize("law", ["mu", "a"])
def test_both_laws_and_our_own_format(law: Law) -> None:
    assert beeps_of(heard(silence(100), tone((1000,), 400), law=law)) == [500]
    narrow = (
        np.rint(np.concatenate([silence(100), tone((1000,), 400), silence(300)])).astype("<i2").tobytes()
    )
    assert len(beeps_of(listen(Converter(8000, 24000).process(narrow), PCM24))) == 1


@pytest.mark.parametrize("name", [one.name for one in recordings()])
@pytest.mark.parametrize("gain", [1.0, 0.2])
def test_no_caller_and_no_noise_beeps(name: str, gain: float) -> None:
    wide = np.frombuffer(pcm(name), "<i2") * gain
    narrow = Converter(16000, 8000).process(np.rint(wide).astype("<i2").tobytes())
    assert listen(g711.encode(narrow, "mu"), PCMU) == []


@pytest.mark.parametrize("name", PHRASES)
def test_no_greeting_beeps(name: str) -> None:
    from tests.answering.calls import VOICES

    assert listen((VOICES / f"{name}.ul").read_bytes(), PCMU) == []


@pytest.mark.parametrize(
    ("hertz", "on", "off"),
    [
        ((440, 480), 2000, 4000), ((400, 450), 400, 200), ((425,), 1000, 4000), ((440,), 1500, 3500),
        ((450,), 1000, 4000), ((413, 438), 400, 200), ((480, 620), 500, 500), ((425,), 500, 500), ((425,), 250, 250),
        ((480, 620), 250, 250), ((350, 440), 4000, 0), ((425,), 4000, 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dbfs", [-12, -24])
def test_ringing_busy_and_dial_tones_are_no_beeps(
    hertz: tuple[float, ...], on: int, off: int, dbfs: int
) -> None:
    once = np.concatenate([tone(hertz, on, dbfs), silence(off)])
    assert heard(once, once, once) == []


@pytest.mark.parametrize("ms", [60, 120, 300])
def test_no_key_beeps(ms: int) -> None:
    for row, column in itertools.product((697, 770, 852, 941), (1209, 1336, 1477, 1633)):
        assert heard(silence(100), tone((row, column), ms), silence(60), tone((row, column), ms)) == []


@pytest.mark.parametrize("low", [913.8, 985.2])
@pytest.mark.parametrize("middle", [1370.6, 1428.5])
@pytest.mark.parametrize(("short", "long"), [(274, 380), (380, 274)])
def test_special_information_tones_are_no_beep(low: float, middle: float, short: int, long: int) -> None:
    found = heard(silence(100), tone((low,), short), tone((middle,), long), tone((1776.7,), 380))
    assert beeps_of(found) == []
    assert isinstance(found[-1], ToneEnded)


def test_a_tune_is_no_beep() -> None:
    assert beeps_of(heard(*[tone((f,), 250) for f in (523, 587, 659, 784, 523, 880)])) == []


def test_a_bell_is_no_beep() -> None:
    struck = tone((880,), 900) * np.exp(-np.arange(7200) / 1600)
    assert beeps_of(heard(silence(100), struck)) == []


def test_a_whistle_is_no_beep() -> None:
    at = np.arange(4800) / 8000
    assert heard(np.sin(2 * np.pi * (1100 * at + 40 * at * at)) * 6000) == []


def test_faxes() -> None:
    calling = np.concatenate([tone((1100,), 500), silence(3000)])
    found = heard(calling, calling)
    assert beeps_of(found) == []
    assert sum(isinstance(one, FaxHeard) for one in found) == 1
    found = heard(silence(200), tone((2100,), 3300))
    assert [type(one) for one in found] == [ToneStarted, ToneEnded, FaxHeard]
    at = np.arange(8 * 3300) / 8000
    turned = np.sin(2 * np.pi * 2100 * at + np.pi * ((at // 0.45) % 2)) * (
        1 + 0.2 * np.sin(2 * np.pi * 15 * at)
    )
    found = heard(silence(200), turned * 5000)
    assert beeps_of(found) == []
    assert isinstance(found[-1], FaxHeard)


def test_a_wrong_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="20 ms are 160"):
        Beeps(PCMU).feed(bytes(320))


def test_it_costs_little() -> None:
    """30 µs a frame of speech on a quiet machine; ten times that is a mistake."""
    beeps = Beeps(PCMU)
    data = g711.encode(Converter(16000, 8000).process(pcm("hard_01_story")), "mu")
    frames = [data[at : at + 160] for at in range(0, len(data) - 159, 160)]
    took = []
    for _ in range(5):
        before = time.perf_counter()
        for frame in frames:
            beeps.feed(frame)
        took.append((time.perf_counter() - before) / len(frames))
    assert min(took) < 300e-6
