"""Who is speaking, and since when: 20 ms frames in, verdicts out. Sans-IO; time is counted in audio fed.

A frame is *active* when its classifier says speech (webrtcvad or Silero, `media.speech_likeness`) and it is loud
enough above room, echo and its own speaker (`media.speech_gate`). Speech starts with `min_speech_ms` of active
frames within a short span, is backdated to where the sound rose, and stops `silence_ms` after the last.

Measured on the 22 recorded callers (median, worst; milliseconds; `silence_ms` 500):

=====================  ===========  =============  ==========  ===========  =======================
callers                onset error  onset latency  end error   CPU per s    starts per utterance
=====================  ===========  =============  ==========  ===========  =======================
clean, local           -10, 50      70, 130        0, -147     2.8          1 of 1, each
clean, engine          -10, 50      90, 190        0, -147     6.7          1 of 1, each
10 dB white, local     10, 150      90, 230        -72, -282                one caller in two parts
10 dB pink, hum        10, 150      90, 230        -50, -261                1 of 1, each
15 dB babble           20, 170      90, 250        -54, -167                1 of 1, each
10 dB babble           30, 470      150, 550       -117, -447               a lone "uh huh" is missed
=====================  ===========  =============  ==========  ===========  =======================

White noise, pink noise and hum start nothing, from the beginning of a call or in the middle. A babble of ten voices
starts nothing when the call begins in it; beginning suddenly in a quiet room, it is taken for a speaker.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from media.audio import FRAME_MS, PCM24
from media.speech_gate import SILENT, Bands, Gate
from media.speech_likeness import Likeness, Silero, SpotCheck, Webrtc

__all__ = [
    "Quiet",
    "Resumed",
    "SpeechDetector",
    "SpeechStarted",
    "SpeechStopped",
    "Verdict",
    "engine_detector",
    "local_detector",
]

QUIET_MS = 200
"""Silence after which a speculative decode is worth starting."""
SPAN_FRAMES = 3
"""Frames beyond the needed ones within which they must fall: consonants leave gaps."""
BACK_FRAMES = 15
"""An onset is backdated by 300 ms at most."""
HYSTERESIS = 0.15
"""So much less likeness is enough to go on than to begin."""
CONFIRM = 0.4
"""Silero's likeness from which it confirms what webrtcvad found: the first syllable of a word gives 0.4 to 1 within
100 ms, the burst with which a hum begins 0.28."""
REFUTE = 0.15
"""Below it, what went on is speech no longer."""
RECHECK_FRAMES = (2, 2, 3, 5, 10)
"""How long to wait after each refusal before Silero is asked again."""
REVIEW_FRAMES = 25
"""Within speech it is asked every half second, so that hum does not hold a turn open."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Someone began to speak at `at_ms` of the audio fed (a little earlier than it could be known)."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Quiet:
    """At `at_ms` there have been 200 ms of silence since `end_ms`: the speaker may be done."""

    at_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """The speaker went on after a `Quiet`."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """At `at_ms` there have been `silence_ms` of silence; the speech itself ended at `end_ms`."""

    at_ms: int
    end_ms: int


Verdict = SpeechStarted | Quiet | Resumed | SpeechStopped


class SpeechDetector:
    """One stream. `threshold` (0–1) is the classifier's likeness from which a frame is speech."""

    def __init__(
        self,
        likeness: Likeness,
        *,
        threshold: float = 0.5,
        silence_ms: int = 500,
        min_speech_ms: int = 60,
        check: SpotCheck | None = None,
    ) -> None:
        self.threshold = threshold
        self.silence_ms = silence_ms
        self.min_frames = max(1, min_speech_ms // FRAME_MS)
        self._likeness = likeness
        self._check = check
        self._bands = Bands()
        self._gate = Gate()
        self._fed = 0
        self._loud: deque[float] = deque([SILENT] * 3, maxlen=BACK_FRAMES)
        self._active: deque[bool] = deque(maxlen=self.min_frames + SPAN_FRAMES)
        self._refused = 0
        self._next_check = 0
        self._doubted = False
        self._speaking = False
        self._quiet = False
        self._run = 0
        self._last_speech: int | None = None

    # ── what is known ─────────────────────────────────────────────────────────────────────────────────────

    @property
    def speaking(self) -> bool:
        return self._speaking

    @property
    def fed_ms(self) -> int:
        """Audio fed so far."""
        return self._fed * FRAME_MS

    @property
    def last_speech_ms(self) -> int | None:
        """Where the last frame of speech ended; None before any."""
        return self._last_speech

    # ── what happens ──────────────────────────────────────────────────────────────────────────────────────

    def far_level(self, dbfs: float) -> None:
        """What is being played to the caller with the next frame. Speech then needs to be louder than its echo,
        20 dB below; the echo may come up to 300 ms later."""
        self._gate.far(dbfs)

    def feed(self, pcm: bytes) -> tuple[Verdict, ...]:
        """The next 20 ms, PCM16 24 kHz. Raises ValueError for anything but 960 bytes."""
        if len(pcm) != PCM24.frame_bytes:
            raise ValueError(f"a frame of {len(pcm)} bytes; 20 ms at 24 kHz are {PCM24.frame_bytes}")
        frame = np.frombuffer(pcm, "<i2").astype(np.float32)
        frame *= np.float32(1 / 32768)
        narrow = self._bands.narrow(frame)
        loudness = self._bands.loudness(narrow)
        likeness = self._likeness.feed(frame, narrow)
        if self._check is not None:
            self._check.feed(frame)
        self._loud.append(loudness)
        self._fed += 1
        return self._within(likeness, loudness) if self._speaking else self._outside(likeness, loudness)

    def close(self) -> None:
        """Give the classifier back. Nothing can be fed afterwards."""
        self._likeness.close()

    def _outside(self, likeness: float, loudness: float) -> tuple[Verdict, ...]:
        self._active.append(likeness >= self.threshold and self._smooth() >= self._gate.on)
        if not any(self._active):
            self._refused = 0
        if self._active[-1] and sum(self._active) >= self.min_frames and self._confirmed():
            return (self._start(),)
        self._gate.room(loudness)
        return ()

    def _smooth(self) -> float:
        """The loudness over 40 ms, so that a click is no onset."""
        return max(self._loud[-1] + self._loud[-2], self._loud[-2] + self._loud[-3]) / 2

    def _confirmed(self) -> bool:
        if self._check is None:
            return True
        if self._refused and self._fed < self._next_check:
            return False
        if self._check.ask() >= CONFIRM:
            return True
        self._next_check = self._fed + RECHECK_FRAMES[min(self._refused, len(RECHECK_FRAMES) - 1)]
        self._refused += 1
        return False

    def _start(self) -> SpeechStarted:
        floor, back = self._gate.off, 1
        past = [*self._loud][::-1]
        while back + 1 < len(past) and max(past[back], past[back + 1]) > floor:
            back += 1
        self._speaking, self._quiet, self._doubted, self._refused = True, False, False, 0
        self._run = 2
        self._next_check = self._fed + REVIEW_FRAMES
        self._last_speech = self.fed_ms
        for loudness in list(self._loud)[-back:]:
            self._gate.spoken(loudness)
        self._active.clear()
        return SpeechStarted(self.fed_ms - back * FRAME_MS)

    def _within(self, likeness: float, loudness: float) -> tuple[Verdict, ...]:
        self._gate.spoken(loudness)
        active = likeness >= self.threshold - HYSTERESIS and loudness >= self._gate.off
        if active and self._check is not None and self._fed >= self._next_check:
            self._doubted = self._check.ask() < REFUTE
            self._next_check = self._fed + (2 if self._doubted else REVIEW_FRAMES)
        self._run = self._run + 1 if active and not self._doubted else 0
        if self._run >= 2 or (self._run == 1 and not self._quiet):
            self._last_speech = self.fed_ms
            if self._quiet:
                self._quiet = False
                return (Resumed(self.fed_ms - self._run * FRAME_MS),)
            return ()
        end = self._last_speech or 0
        silence = self.fed_ms - end
        verdicts: list[Verdict] = []
        if silence >= QUIET_MS and not self._quiet:
            self._quiet = True
            verdicts.append(Quiet(self.fed_ms, end))
        if silence >= self.silence_ms:
            self._speaking = False
            self._gate.over()
            verdicts.append(SpeechStopped(self.fed_ms, end))
        return tuple(verdicts)


def local_detector(*, silence_ms: int = 500) -> SpeechDetector:
    """For barge-in on legs we play to: cheap, quick, hard to fool. webrtcvad, with a spot check by Silero."""
    return SpeechDetector(
        Webrtc(), threshold=0.5, silence_ms=silence_ms, min_speech_ms=60, check=SpotCheck()
    )


def engine_detector(threshold: float = 0.5, silence_ms: int = 500) -> SpeechDetector:
    """For the embedded engine's `server_vad`: Silero on every frame; webrtcvad where Silero cannot be loaded."""
    likeness: Likeness
    try:
        likeness = Silero()
    except (OSError, RuntimeError):
        likeness = Webrtc()
    return SpeechDetector(likeness, threshold=threshold, silence_ms=silence_ms, min_speech_ms=60)
