"""The compiled voice detector (`media/native/voice.c`) in the place of its twin, `media.vad.SpeechDetector`.

A frame costs one call that says nothing, as long as nothing is to be told: about 6 µs in µ-law against 18
(docs/adr/0022-native-code.md).
"""

from __future__ import annotations

from media import g711, one_voice, speech_gate
from media.audio import PCM24, AudioFormat
from media.native import fresh, voice
from media.speech_likeness import SpotCheck, webrtc
from media.verdicts import Quiet, Resumed, SpeechStarted, SpeechStopped, Verdict

__all__ = ["CompiledDetector"]

fresh(voice)
voice.prepare(
    speech_gate.TO_8K, speech_gate.VOICE, speech_gate.CONSONANTS, one_voice.SHAPE, one_voice.FAIR,
    g711.DECODED["mu"], g711.DECODED["a"], speech_gate.UNFILTERED,
)  # fmt: skip

STARTED, QUIET, RESUMED, STOPPED = 1, 2, 4, 8
LAWS = {None: -1, "mu": 0, "a": 1}


class CompiledDetector:
    """On trial, webrtcvad with a spot check by Silero, as `media.vad.local_detector` wants it."""

    def __init__(self, form: AudioFormat = PCM24, *, silence_ms: int, min_frames: int) -> None:
        """Raises ValueError for a format that `speech_gate.Front` does not know."""
        speech_gate.Front.judge(form)
        self.form = form
        vad, process = webrtc(3)
        self.voice = voice.Detector(
            process, vad, LAWS[form.law], silence_ms, min_frames, 0.5, True, SpotCheck.judge
        )
        self.far_level, self.played = self.voice.far_level, self.voice.played
        self._feed = self.voice.feed

    @property
    def speaking(self) -> bool:
        return self.voice.speaking

    @property
    def voiced(self) -> bool:
        return self.voice.voiced

    @property
    def fed_ms(self) -> int:
        return self.voice.fed_ms

    @property
    def last_speech_ms(self) -> int | None:
        return self.voice.last_speech_ms

    @property
    def silence_ms(self) -> int:
        return self.voice.silence_ms

    @silence_ms.setter
    def silence_ms(self, silence_ms: int) -> None:
        self.voice.silence_ms = silence_ms

    def feed(self, frame: bytes) -> tuple[Verdict, ...]:
        told = self._feed(frame)
        return self._verdicts(told) if told else ()

    def close(self) -> None:
        """Nothing is held."""

    def _verdicts(self, told: int) -> tuple[Verdict, ...]:
        now, end = self.voice.fed_ms, self.voice.last_speech_ms or 0
        verdicts: list[Verdict] = []
        if told & STARTED:
            verdicts.append(SpeechStarted(self.voice.begun_ms))
        if told & RESUMED:
            verdicts.append(Resumed(self.voice.resumed_ms))
        if told & QUIET:
            verdicts.append(Quiet(now, end))
        if told & STOPPED:
            verdicts.append(SpeechStopped(now, end))
        return tuple(verdicts)
