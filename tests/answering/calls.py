"""Twenty calls that we place: ten answered by machines with a beep, ten by people. What is heard from the far side is
put together here, always the same: the voices of this folder and the recordings of `tests/audio`, beeps, noise, a
little music, through µ-law.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media import g711
from media.rates import Converter
from tests.answering.phrases import PHRASES
from tests.caller_audio import pcm, recording, recordings

__all__ = ["CALLS", "MACHINES", "PEOPLE", "Beep", "FarSide", "Said", "beep", "silence", "tone"]

Sound = NDArray[np.float64]
VOICES = Path(__file__).parent / "voices"
RECORDINGS = {one.name for one in recordings()}


@dataclass(frozen=True, slots=True)
class Said:
    """Words, and when they were over."""

    begin_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class FarSide:
    """One call: what comes from whoever answered."""

    name: str
    audio: bytes
    """G.711 µ-law, 8 kHz."""
    machine: bool
    said: tuple[Said, ...]
    beep_end_ms: int = 0
    """Of the last one."""

    @property
    def length_ms(self) -> int:
        return len(self.audio) // 8


def silence(ms: float) -> Sound:
    return np.zeros(int(8 * ms))


def tone(hertz: tuple[float, ...], ms: float, dbfs: float = -12.0) -> Sound:
    """Of sines at once, each rising and falling within 3 ms."""
    at = np.arange(int(8 * ms)) / 8000
    line = sum((np.sin(2 * np.pi * f * at + i) for i, f in enumerate(hertz)), np.zeros(at.size))
    line *= 32768 * 10 ** (dbfs / 20) / max(1, len(hertz))
    edge = np.minimum(1.0, np.minimum(np.arange(at.size), np.arange(at.size)[::-1]) / 24)
    return np.asarray(line * edge, np.float64)


@dataclass(frozen=True, slots=True)
class Beep:
    ms: int
    hertz: tuple[float, ...]


def beep(ms: int, *hertz: float) -> Beep:
    return Beep(ms, hertz)


def _music(ms: int) -> Sound:
    """Plucked chords: three notes with overtones that die away, twice a second."""
    line = np.zeros(8 * ms)
    for number, root in enumerate([262, 220, 175, 196] * (ms // 2000 + 1)):
        at = np.arange(8 * 700) / 8000
        chord = sum(
            (
                np.sin(2 * np.pi * root * third * k * at) / k
                for third in (1.0, 1.26, 1.5)
                for k in (1, 2, 3)
            ),
            np.zeros(at.size),
        )
        begin = number * 8 * 500
        part = (chord * np.exp(-3 * at) * 900)[: max(0, line.size - begin)]
        line[begin : begin + part.size] += part
    return line


def _voice(name: str) -> Sound:
    if name in RECORDINGS:
        data = Converter(16000, 8000).process(pcm(name))
        return np.frombuffer(data, "<i2").astype(np.float64)
    return np.frombuffer(g711.decode((VOICES / f"{name}.ul").read_bytes(), "mu"), "<i2").astype(np.float64)


def _text(name: str) -> str:
    return recording(name).text if name in RECORDINGS else PHRASES[name][1]


Part = int | str | Beep | Sound
"""Silence in milliseconds, a voice, a beep, anything."""


def _call(name: str, *parts: Part, bed: Callable[[int], Sound] | None = None, gain: float = 1.0) -> FarSide:
    line: list[Sound] = []
    said: list[Said] = []
    beep_end, length = 0.0, 0
    for part in parts:
        match part:
            case int():
                sound = silence(part)
            case str():
                sound = _voice(part)
                said.append(Said(length // 8, (length + sound.size) // 8, _text(part)))
            case Beep(ms, hertz):
                sound = tone(hertz, ms)
                beep_end = (length + sound.size) / 8
            case _:
                sound = np.asarray(part)
        line.append(sound)
        length += sound.size
    whole = np.concatenate(line) * gain
    whole += np.random.default_rng(len(name)).normal(0.0, 5.0, whole.size)
    if bed is not None:
        whole += bed(whole.size)
    data = g711.encode(np.clip(np.rint(whole), -32768, 32767).astype("<i2").tobytes(), "mu")
    return FarSide(name, data, beep_end > 0, tuple(said), round(beep_end))


def _bed(name: str, dbfs: float) -> Callable[[int], Sound]:
    """A noise of `tests/audio`, which has a root mean square of 800."""

    def noise(size: int) -> Sound:
        return np.resize(_voice(name), size) * (32768 * 10 ** (dbfs / 20) / 800)

    return noise


TAPE = 14_000
"""A machine records for so long."""

MACHINES = (
    _call("a plain one", 600, "john", 400, beep(400, 1000), TAPE),
    _call("the carrier's", 300, "carrier", 700, beep(1000, 850), TAPE),
    _call("a curt one", 400, "curt", 120, beep(300, 640), TAPE),
    _call("a long one", 500, "office_1", 700, "office_2", 900, "office_3", 600, beep(500, 1400), TAPE),
    _call("two beeps", 500, "away", 300, beep(200, 700), 150, beep(200, 700), TAPE),
    _call("music before", _music(4000), "mailbox", 500, beep(500, 620, 910), TAPE),
    _call("a joker", 400, "prank_1", 1300, "prank_2", 500, beep(250, 950), TAPE),
    _call("slow to begin", 1800, "plain", 900, beep(150, 2000), TAPE, bed=_bed("noise_pink", -48)),
    _call("in Spanish", 400, "buzon", 600, beep(800, 500), TAPE, bed=_bed("noise_hum60", -45)),
    _call("a quiet one, and late to beep", 500, "mailbox", 2200, beep(350, 1200), TAPE, gain=0.35),
)

REST = 6000

PEOPLE = (
    _call("hello", 300, "hello", 5500, "common_yes", REST),
    _call("hello at once", 40, "hello_low", 5500, "dental_01_book", REST),
    _call("hello after a second", 1000, "hello", 5500, "common_no", REST),
    _call("a name", 350, "yes_john", 5500, "common_yes", REST),
    _call("a firm's long sentence", 400, "firm", 5500, "dental_05_confirm", REST),
    _call("in a crowd", 350, "hello", 5500, "common_yes", REST, bed=_bed("noise_babble", -38)),
    _call("nobody speaks at first", 3200, "who", 5500, "bargein_stop", REST),
    _call("screened", 400, "screening", 7000, "here", 5500, "common_yes", REST),
    _call("still ringing", tone((440, 480), 1500, -18), 500, "hello_low", 5500, "hard_01_story", REST),
    _call("a key is pressed", 300, "hello", 2500, tone((770, 1336), 250), 700, "sorry", 5500, "who", REST),
)

CALLS = (*MACHINES, *PEOPLE)
