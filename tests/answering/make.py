"""Makes the voices of this folder again: python -m tests.answering.make (needs libflite1 and espeak-ng).

Speech of flite and espeak-ng (its output is not covered by its licence) from phrases of our own, G.711 µ-law at 8 kHz
without a header. Everything else of a call is made as the test runs: `tests/answering/calls.py`.
"""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from gateway.speech.flite import Flite
from media import g711
from media.resample import Resampler
from tests.answering.phrases import PHRASES

VOICES = Path(__file__).parent / "voices"
SPEECH_RMS = 2600.0


def main() -> None:
    flite = Flite()
    for name, (voice, text) in PHRASES.items():
        pcm, rate = _espeak(voice[3:], text) if voice.startswith("es:") else _flite(flite, voice, text)
        resampler = Resampler(rate, 8000)
        samples = np.frombuffer(resampler.process(pcm) + resampler.flush(), "<i2").astype(np.float64)
        (VOICES / f"{name}.ul").write_bytes(g711.encode(_levelled(samples), "mu"))


def _flite(flite: Flite, voice: str, text: str) -> tuple[bytes, int]:
    return flite.speak(text, voice)


def _espeak(voice: str, text: str) -> tuple[bytes, int]:
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "said.wav")
        subprocess.run(["espeak-ng", "-v", voice, "-s", "160", "-w", path, text], check=True)
        with wave.open(path, "rb") as file:
            return file.readframes(file.getnframes()), file.getframerate()


def _levelled(samples: NDArray[np.float64]) -> bytes:
    """Without the silence round it, as loud as the others."""
    loud = np.flatnonzero(np.abs(samples) > 300)
    cut = samples[max(0, loud[0] - 160) : loud[-1] + 160]
    said = cut[np.abs(cut) > 200]
    scaled = np.clip(np.rint(cut * SPEECH_RMS / np.sqrt((said**2).mean())), -32768, 32767)
    return bytes(scaled.astype("<i2").tobytes())


if __name__ == "__main__":
    main()
