"""One caller: what it says when, and what it hears. Pure; times come in, as seconds of any clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gateway.load.speech import Speech

__all__ = ["Conversation", "Turn"]

LOUD = 184.0
"""RMS of what is heard as speech: -45 dBFS, as the softphone's."""
POLITE_S = 0.9
"""Silence of the agent after which the caller goes on."""
AUDIBLE_S = 0.1
"""So soon after its last sound the agent still speaks."""
PAUSE_S = 0.15
"""Silence after which what is heard is no longer the reply that was interrupted."""
CLICK = 4000
CLICK_RATIO = 2.5
"""A step between two samples that is so large, and so many times the next largest of its 20 ms, is heard as a click.
Speech has nothing above 2.1 of the kind, through G.711 and Opus (measured over the recordings of the tests)."""
PITCH_S = 0.5


@dataclass(slots=True)
class Turn:
    """One utterance of the caller and what it got. `began` and `ended` are when its first and last frame left."""

    began: float
    interrupts: bool
    ended: float | None = None
    old_until: float | None = None
    """End of the last sound of the reply that was interrupted."""
    early: bool = False
    """The agent spoke into it without having been interrupted."""
    reply_at: float | None = None
    heard_s: float = 0.0
    cut_off: bool = False
    """The caller interrupted the reply, or hung up in it."""
    pitch: float | None = None

    @property
    def first_audio_ms(self) -> float | None:
        """Last word → first sound of the reply."""
        if self.ended is None or self.reply_at is None or self.early:
            return None
        return (self.reply_at - self.ended) * 1000

    @property
    def barge_in_ms(self) -> float | None:
        """First sample of the interruption → silence."""
        if not self.interrupts or self.old_until is None:
            return None
        return max(0.0, self.old_until - self.began) * 1000


@dataclass(slots=True)
class Conversation:
    """`frame` each 20 ms; `hear` whenever something was audible."""

    speech: Speech
    barge_in_every: int = 3
    barge_in_after_s: float = 1.2
    lead_s: float = 3.0
    patience_s: float = 10.0
    number: int = 0
    """Of the call: where in the sequence of utterances it begins."""
    tones: bool = False
    turns: list[Turn] = field(default_factory=list)
    missed: int = 0
    clicks: int = 0
    last_loud: float = float("-inf")
    first_loud: float | None = None
    _saying: deque[bytes] = field(default_factory=deque)
    _since: float | None = None
    """The call began, or the caller's last word was said."""
    _before: int = 0
    """The last sample heard."""
    _tone: list[npt.NDArray[np.int16]] = field(default_factory=list)
    _rate: int = 8000

    def frame(self, now: float) -> bytes:
        """What leaves now."""
        if self._since is None:
            self._since = now
        if not self._saying:
            self._decide(now, self._since)
        if not self._saying:
            return self.speech.silence
        frame = self._saying.popleft()
        if not self._saying:
            self.turns[-1].ended = self._since = now
        return frame

    def _decide(self, now: float, since: float) -> None:
        silent_s = now - self.last_loud
        turn = self.turns[-1] if self.turns else None
        if turn is None:
            if now - since >= self.lead_s and silent_s >= POLITE_S:
                self._say(now, interrupts=False)
        elif turn.reply_at is None and not turn.early:
            if now - since >= self.patience_s:
                self.missed += 1
                self._say(now, interrupts=False)
        elif self._interrupts_next() and turn.reply_at is not None and silent_s < AUDIBLE_S:
            if now - turn.reply_at >= self.barge_in_after_s:
                turn.cut_off = True
                self._say(now, interrupts=True)
        elif silent_s >= POLITE_S:
            self._say(now, interrupts=False)

    def _interrupts_next(self) -> bool:
        every = self.barge_in_every
        return every > 0 and (self.number + len(self.turns)) % every == 0

    def _say(self, now: float, *, interrupts: bool) -> None:
        self._close_pitch()
        self.turns.append(Turn(now, interrupts))
        said = self.speech.said
        self._saying.extend(
            self.speech.interruption if interrupts else said[(self.number + len(self.turns)) % len(said)]
        )

    def hear(self, pcm: bytes, at: float, rate: int) -> bool:
        """`pcm` (16 bits) is audible from `at`. True when somebody speaks in it."""
        samples = np.frombuffer(pcm, "<i2")
        if not len(samples):
            return False
        wide = samples.astype(np.int32)
        if float(np.dot(samples.astype(np.float64), samples)) / len(samples) <= LOUD * LOUD:
            self._step(wide)
            return False
        self._step(wide)
        seconds = len(samples) / rate
        self._audible(at, at + seconds, seconds)
        if self.tones and self.turns and self.turns[-1].reply_at is not None:
            self._rate = rate
            if sum(map(len, self._tone)) < PITCH_S * rate:
                self._tone.append(samples)
        return True

    def _step(self, wide: npt.NDArray[np.int32]) -> None:
        steps = np.abs(np.diff(wide, prepend=self._before))
        self._before = int(wide[-1])
        at = int(steps.argmax())
        most = int(steps[at])
        if most > CLICK and len(steps) > 3:
            steps[max(0, at - 1) : at + 2] = 0
            self.clicks += most > CLICK_RATIO * int(steps.max())

    def _audible(self, at: float, until: float, seconds: float) -> None:
        if self.first_loud is None:
            self.first_loud = at
        went_on = at - self.last_loud < PAUSE_S
        self.last_loud = until
        if not self.turns:
            return
        turn = self.turns[-1]
        over = turn.ended is None or at < turn.ended
        if turn.reply_at is not None and not over:
            turn.heard_s += seconds
        elif turn.interrupts and (over or went_on):
            turn.old_until = until
        elif over:
            turn.early = True
        elif not turn.early:
            turn.reply_at = at
            turn.heard_s += seconds

    def cut(self, now: float) -> None:
        """The caller's own player threw its queue away: silence from `now`, and no click of the server's."""
        self._before = 0
        if self.turns and self.turns[-1].interrupts and self.turns[-1].reply_at is None:
            self.turns[-1].old_until = min(now, self.turns[-1].old_until or now)
            self.last_loud = min(self.last_loud, now - PAUSE_S)

    def over(self) -> None:
        """The call ends."""
        self._close_pitch()
        if self.turns:
            self.turns[-1].cut_off = True

    def _close_pitch(self) -> None:
        if self._tone and self.turns:
            joined = np.concatenate(self._tone).astype(np.float64)
            if len(joined) >= PITCH_S * self._rate * 0.8:
                size = 1 << 16
                spectrum = np.abs(np.fft.rfft(joined * np.hanning(len(joined)), size))
                low = int(100 * size / self._rate)
                self.turns[-1].pitch = (low + int(np.argmax(spectrum[low:]))) * self._rate / size
        self._tone = []
