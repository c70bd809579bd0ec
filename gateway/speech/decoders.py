"""The recogniser, inside a worker process: one general decoder, one per learned script, and the choice between."""

from __future__ import annotations

import math
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pocketsphinx

from gateway.speech.lexicon import Lexicon, Spell
from gateway.speech.ports import Heard
from gateway.speech.script import grammar, written

__all__ = ["Decoders"]

SCRIPTS = 12
"""Script decoders kept at once in one worker, about 8 MB each; the least used is built again when needed."""
SURE = -0.28
"""Rate from which the script's words are believed without asking the general decoder, which takes three times as
long. Right ones measure -0.13 to -0.30, in noise down to -0.39; of twenty sentences off the script the best got
-0.31. The general decoder itself seldom gets beyond -0.28."""
MOST_PATHS = 3000
"""Hypotheses the general decoder follows at once: a fifth less time than with 30 000, and no more errors."""
SEED = 1
"""Of the half bit of noise laid over digital silence, which else weighs in the mean and is heard as a word."""
FRAMES_PER_S = 100


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    text: str
    rate: float
    """Natural logarithm of the path's score, per second of audio; 0 would be a perfect match. Comparable
    between decoders of the same audio and acoustic model."""


NOTHING = _Hypothesis("", -9.0)


class Decoders:
    """All that one worker can hear with. Not thread-safe; loading takes about half a second."""

    def __init__(self, spell: Spell | None = None) -> None:
        pocketsphinx.set_loglevel("FATAL")
        self._model = Path(pocketsphinx.get_model_path()) / "en-us"
        self._open = _decoder(maxhmmpf=MOST_PATHS)
        self._lexicon = Lexicon(self._model / "cmudict-en-us.dict", spell)
        self._sentences: dict[str, tuple[str, ...]] = {}
        self._built: OrderedDict[str, pocketsphinx.Decoder] = OrderedDict()

    def learn(self, script: str, sentences: Sequence[str]) -> None:
        """Build the decoder of a script. Sentences with a word that nobody can pronounce are left out."""
        self._sentences[script] = tuple(sentences)
        self._built.pop(script, None)
        self._script(script)

    def transcribe(self, pcm: bytes, script: str | None) -> Heard:
        """One whole utterance, PCM16 mono 16 kHz. Raises ValueError for a script never learned."""
        by_script = NOTHING
        if script is not None:
            by_script = _decode(self._script(script), pcm)
            if by_script.rate >= SURE and by_script.text:
                return _heard(by_script, "script")
        by_open = _decode(self._open, pcm)
        return _heard(by_open, "open") if by_open.rate > by_script.rate else _heard(by_script, "script")

    def _script(self, name: str) -> pocketsphinx.Decoder:
        if name in self._built:
            self._built.move_to_end(name)
            return self._built[name]
        if name not in self._sentences:
            raise ValueError("a script that was never learned")
        decoder = self._built[name] = self._build(self._sentences[name])
        while len(self._built) > SCRIPTS:
            self._built.popitem(last=False)
        return decoder

    def _build(self, sentences: Sequence[str]) -> pocketsphinx.Decoder:
        made = grammar(sentences, self._lexicon)
        with tempfile.TemporaryDirectory(prefix="parley-ears-") as folder:
            model, dictionary = Path(folder, "script.arpa"), Path(folder, "script.dict")
            model.write_text(made.model, encoding="utf-8")
            dictionary.write_text(made.dictionary, encoding="utf-8")
            return _decoder(lm=str(model), dict=str(dictionary))


def _decoder(**options: str | int) -> pocketsphinx.Decoder:
    return pocketsphinx.Decoder(cmn="batch", dither=True, seed=SEED, loglevel="FATAL", **options)


def _decode(decoder: pocketsphinx.Decoder, pcm: bytes) -> _Hypothesis:
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    frames = decoder.n_frames()
    if hypothesis is None or frames == 0 or hypothesis.score <= 0.0:
        return NOTHING
    return _Hypothesis(written(hypothesis.hypstr), math.log(hypothesis.score) * FRAMES_PER_S / frames)


def _heard(best: _Hypothesis, source: Literal["script", "open"]) -> Heard:
    """The score is 1 for a perfect match; right words measure 0.5 to 0.87, noise and other languages below 0.45."""
    if not best.text:
        return Heard("", 0.0, "none")
    return Heard(best.text, max(0.0, min(1.0, 1.0 + best.rate)), source)
