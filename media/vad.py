"""Who is speaking, and since when: 20 ms frames in, verdicts out. Sans-IO; time is counted in audio fed.

A frame is *active* when its classifier says speech (webrtcvad or Silero, `media.speech_likeness`) and it is loud
enough above room, echo and its own speaker (`media.speech_gate`). A sound is found with `min_speech_ms` of active
frames within a short span, and is backdated to where it rose. It is speech once it shows to be one voice
(`media.one_voice`). With `on_trial` it starts when it is found, and is retracted, `SpeechStopped` with no speech in
it, unless it has shown to be one voice within 600 ms: for barge-in, where a pause that proves needless does no harm.
Speech stops `silence_ms` after its last active frame.

Measured on the 22 recorded callers (median, worst; milliseconds; `silence_ms` 500):

=====================  ===========  =============  ==========  =======================
callers                onset error  onset latency  end error   starts per utterance
=====================  ===========  =============  ==========  =======================
clean, local           -10, 50      70, 150        0, -147     1 of 1, each
clean, engine          -10, 50      110, 250       0, -147     1 of 1, each
clean, telephone       -10, 50      70, 210        0, -136     1 of 1, each
20 dB quieter, local   20, 170      110, 230       -59, -261   1 of 1, each
20 dB quieter, engine  20, 170      250, 350       -45, -167   1 of 1, each
10 dB white, local     10, 150      90, 230        -72, -282   one caller in two parts
10 dB white, engine    10, 150      110, 230       -37, -167   1 of 1, each
10 dB pink, hum        10, 150      120, 330       -49, -261   1 of 1, each
15 dB babble           20, 170      120, 250       -53, -167   1 of 1, each
10 dB babble           30, 470      150, 550       -117, -447  a lone "uh huh" is missed
=====================  ===========  =============  ==========  =======================

White noise, pink noise, hum and a babble of ten voices start nothing, from the beginning of a call or in the middle,
suddenly in a quiet room too, at -45 to -20 dB below full scale; on trial each is retracted. A few voices at once
(five) are taken for one when one of them is much louder, or when all of them pause. A hole in the sound, where packets
were late, is no pause (`media.holes`).
"""

from __future__ import annotations

from collections import deque

from media.audio import FRAME_MS, PCM24, AudioFormat
from media.holes import Holes
from media.level import dbfs as level
from media.one_voice import OneVoice
from media.speech_gate import LOWEST_OFF, SILENT, Bands, Front, Gate
from media.speech_likeness import Likeness, Silero, SpotCheck, Webrtc
from media.verdicts import Quiet, Resumed, SpeechStarted, SpeechStopped, Verdict, VoiceDetector

try:
    from media.compiled_vad import CompiledDetector
except ImportError:  # nothing was compiled here, or not of what is here now (media.native)
    CompiledDetector = None  # type: ignore[assignment,misc]

__all__ = [
    "Quiet",
    "Resumed",
    "SpeechDetector",
    "SpeechStarted",
    "SpeechStopped",
    "Verdict",
    "VoiceDetector",
    "engine_detector",
    "local_detector",
    "plain_detector",
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

STEADY = 12.0
"""Decibels within 300 ms: a hum keeps within three, syllables do not."""

TRIAL_FRAMES = 30
"""A start on trial is sure within 600 ms of where the sound rose, or retracted."""
LATEST_FRAMES = 50
"""Whoever shows to be one voice later than a second after a sound rose was not the one who made it rise."""


class SpeechDetector:
    """One stream. `threshold` (0–1) is the classifier's likeness from which a frame is speech."""

    def __init__(
        self,
        likeness: Likeness,
        form: AudioFormat = PCM24,
        *,
        threshold: float = 0.5,
        silence_ms: int = 500,
        min_speech_ms: int = 60,
        check: SpotCheck | None = None,
        on_trial: bool = False,
    ) -> None:
        self.threshold = threshold
        self.silence_ms = silence_ms
        self.min_frames = max(1, min_speech_ms // FRAME_MS)
        self._likeness = likeness
        self._check = check
        self.form = form
        """Of what is fed: PCM16 at 24 kHz, or a telephone's G.711."""
        self._frame_bytes = form.frame_bytes
        self._front = Front(form)
        self._bands = Bands()
        self._holes = Holes(form)
        self._gate = Gate()
        self._fed = 0
        self._loud: deque[float] = deque([SILENT] * 3, maxlen=BACK_FRAMES)
        self._active: deque[bool] = deque(maxlen=self.min_frames + SPAN_FRAMES)
        self._on_trial = on_trial
        self._voice = OneVoice(hasty=not on_trial)
        self._begun: int | None = None
        self._sure = False
        self._tried = False
        self._refused = 0
        self._next_check = 0
        self._doubted = False
        self._speaking = False
        self._quiet = False
        self._run = 0
        self._last_speech: int | None = None
        self.voiced = False
        """Whether the classifier took the last frame for speech, however quiet it was: the first sign of any."""

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

    def played(self, frame: bytes) -> None:
        """The same of a frame in the format of what is fed."""
        self._gate.far(level(frame, self.form))

    def feed(self, frame: bytes) -> tuple[Verdict, ...]:
        """The next 20 ms. Raises ValueError for anything longer or shorter."""
        if len(frame) != self._frame_bytes:
            raise ValueError(f"a frame of {len(frame)} bytes; 20 ms are {self.form.frame_bytes}")
        narrow = self._front.take(frame)
        loudness = self._bands.loudness(narrow)
        likeness = self._likeness.feed(frame, narrow)
        self.voiced = likeness >= self.threshold
        if self._check is not None:
            self._check.feed(narrow)
        self._loud.append(loudness)
        self._fed += 1
        if not (self._speaking and self._sure):
            smooth, whole = self._smooth(), not self._holes.feed(frame)
            sounds = smooth >= LOWEST_OFF and smooth >= self._gate.off
            self._voice.feed(narrow, loudness, sounds=sounds, whole=whole)
        return self._within(likeness, loudness) if self._speaking else self._outside(likeness, loudness)

    def close(self) -> None:
        """Give the classifier back. Nothing can be fed afterwards."""
        self._likeness.close()

    def _outside(self, likeness: float, loudness: float) -> tuple[Verdict, ...]:
        self._active.append(likeness >= self.threshold and self._smooth() >= self._gate.on)
        if not any(self._active):
            self._refused = 0
            self._begun, self._tried = None, False
        if self._begun is None and self._found():
            self._begun = self._fed - self._begin()
        if self._begun is not None:
            self._sure = self._voice.heard()
            if self._sure and (self._tried or self._fed - self._begun > LATEST_FRAMES):
                self._begun = self._fed - self._begin()
            if self._sure or (self._on_trial and not self._tried):
                return (self._start(self._begun),)
        self._gate.room(loudness)
        return ()

    def _found(self) -> bool:
        return self._active[-1] and sum(self._active) >= self.min_frames and self._confirmed()

    def _smooth(self) -> float:
        """The loudness over 40 ms, so that a click is no onset."""
        loud = self._loud
        return (loud[-2] + max(loud[-1], loud[-3])) / 2

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

    def _begin(self) -> int:
        """How many frames ago the sound that was found rose."""
        floor, back = self._gate.off, 1
        past = [*self._loud][::-1]
        while back + 1 < len(past) and max(past[back], past[back + 1]) > floor:
            back += 1
        self._voice.begin(back, self._gate.quietest)
        return back

    def _start(self, begun: int) -> SpeechStarted:
        self._speaking, self._quiet, self._doubted, self._refused = True, False, False, 0
        self._run = 2
        self._next_check = self._fed + REVIEW_FRAMES
        self._last_speech = self.fed_ms
        for loudness in [*self._loud][begun - self._fed :]:
            self._gate.spoken(loudness)
        self._active.clear()
        return SpeechStarted(begun * FRAME_MS)

    def _retract(self) -> tuple[Verdict, ...]:
        """It showed not to be one voice: no more than a sound that the room makes."""
        self._speaking, self._tried = False, True
        self._last_speech = (self._begun or 0) * FRAME_MS
        self._gate.over()
        for loudness in self._loud:
            self._gate.room(loudness)
        # The sound goes on: it is the same one until it falls silent, and gets no second trial.
        self._active.append(True)
        return (SpeechStopped(self.fed_ms, self._last_speech),)

    def _within(self, likeness: float, loudness: float) -> tuple[Verdict, ...]:
        self._gate.spoken(loudness)
        if not self._sure:
            self._sure = self._voice.heard()
            if not self._sure and self._fed - (self._begun or 0) >= TRIAL_FRAMES:
                return self._retract()
        active = likeness >= self.threshold - HYSTERESIS and loudness >= self._gate.off
        if active and self._check is not None and self._fed >= self._next_check:
            # Whoever speaks rises and falls; what drones on is looked into.
            steady = max(self._loud) - min(self._loud) < STEADY
            self._doubted = (steady or self._doubted) and self._check.ask() < REFUTE
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
            self._speaking, self._begun, self._tried = False, None, False
            self._gate.over()
            verdicts.append(SpeechStopped(self.fed_ms, end))
        return tuple(verdicts)


def local_detector(form: AudioFormat = PCM24, *, silence_ms: int = 500) -> VoiceDetector:
    """For barge-in on legs we play to: cheap, quick, and on trial. webrtcvad, with a spot check by Silero; compiled,
    where that could be done. Raises ValueError for a format that is neither PCM24 nor G.711."""
    if CompiledDetector is None:
        return plain_detector(form, silence_ms=silence_ms)
    return CompiledDetector(form, silence_ms=silence_ms, min_frames=3)


def plain_detector(form: AudioFormat = PCM24, *, silence_ms: int = 500) -> SpeechDetector:
    """The same in Python: what the compiled one is held to."""
    return SpeechDetector(
        Webrtc(form), form, threshold=0.5, silence_ms=silence_ms, min_speech_ms=60, check=SpotCheck(),
        on_trial=True,
    )  # fmt: skip


def engine_detector(threshold: float = 0.5, silence_ms: int = 500) -> SpeechDetector:
    """For the embedded engine's `server_vad`: Silero on every frame; webrtcvad where Silero cannot be loaded."""
    likeness: Likeness
    try:
        likeness = Silero()
    except (OSError, RuntimeError):
        likeness = Webrtc()
    return SpeechDetector(likeness, threshold=threshold, silence_ms=silence_ms, min_speech_ms=60)
