"""espeak-ng as a program of its own (it is GPL): text on its standard input, a WAV on its standard output."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import wave

__all__ = ["Espeak", "EspeakMissing"]

WORDS_PER_MINUTE = 165
SLOWEST, FASTEST = 80, 450
DEADLINE_S = 8.0


class EspeakMissing(Exception):
    """The program is not installed."""


class Espeak:
    """Raises EspeakMissing."""

    def __init__(self) -> None:
        program = shutil.which("espeak-ng")
        if program is None:
            raise EspeakMissing("espeak-ng is not there: install it")
        self._program = program
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=True, timeout=DEADLINE_S
        )
        found = re.search(r"\d+(?:\.\d+)+", said.stdout)
        self.version = found[0] if found else "of unknown version"

    def speak(self, text: str, variant: str, *, speed: float = 1.0) -> tuple[bytes, int]:
        """PCM16 mono and its rate. Raises OSError and subprocess errors when the program fails."""
        pace = round(min(FASTEST, max(SLOWEST, WORDS_PER_MINUTE * speed)))
        made = subprocess.run(
            [self._program, "--stdin", "--stdout", "-v", variant, "-s", str(pace)],
            input=text.encode("ascii", "ignore"), capture_output=True, check=True, timeout=DEADLINE_S,
        )  # fmt: skip
        with wave.open(io.BytesIO(made.stdout)) as sound:
            # Written to a pipe, the header claims an endless file: take what there is.
            return made.stdout[made.stdout.index(b"data") + 8 :], sound.getframerate()
