"""A call as two channels on one timeline: the caller left, the agent right, as it was heard. Sans-IO.

The timeline begins with the call, so a place in the recording is the same place in the transcript. Time comes with
every call, in seconds of the loop's clock. What nobody said is silence; what was taken back before it was heard is not
in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from media.audio import AudioFormat

__all__ = ["Chunk", "TwoChannels"]

TOLERANCE_MS = 30
"""Sound that comes so much off its time follows on what was before: timers are no better, and a hole in the midst of a
word is worse."""
WINDOW = 50
"""Frames of the caller (a second) by which lost or surplus time is told from a process that was held up: after that
frames come in a burst, and are none too few."""
CHUNK_MS = 1000
PATIENCE_MS = 5000
"""Sound of the caller is waited for so long before its silence is passed on."""
UNHEARD_MS = 5000
"""Most that is kept of what the agent's far end has not played; no carrier is sent a tenth of it ahead."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of the timeline: both channels, equally long."""

    position: int
    """In samples since the call began."""
    caller: bytes
    agent: bytes


def samples_in(form: AudioFormat, ms: float) -> int:
    return round(ms * form.rate / 1000)


def silence(form: AudioFormat, samples: int) -> bytes:
    return form.silence * (samples * form.sample_bytes)


class _Channel:
    """Sound that is not passed on yet."""

    def __init__(self, form: AudioFormat) -> None:
        self._form = form
        self._base = 0
        self._sound = bytearray()

    @property
    def end(self) -> int:
        """Where sound without a hole goes next, in samples."""
        return self._base + len(self._sound) // self._form.sample_bytes

    def put(self, at: int, sound: bytes) -> None:
        hole = at - self.end
        if hole > 0:
            self._sound += silence(self._form, hole)
        self._sound += sound

    def cut(self, until: int) -> bytes:
        count = (until - self._base) * self._form.sample_bytes
        piece = bytes(self._sound[:count])
        del self._sound[:count]
        missing = (count - len(piece)) // self._form.sample_bytes
        self._base = until
        return piece + silence(self._form, missing)


class TwoChannels:
    """One call's. Holds a second or so of sound, and five at most."""

    def __init__(self, form: AudioFormat, began: float) -> None:
        self.form = form
        self.paused = False
        """While it is, time goes on in silence."""
        self._began = began
        self._caller = _Channel(form)
        self._agent = _Channel(form)
        self._passed = 0
        """Samples that were given away."""
        self._tolerance = samples_in(form, TOLERANCE_MS)
        self._begun = False
        self._frames = 0
        self._least = self._most = 0
        """How late the caller's frames came in this window, in samples; negative is early."""
        self._unheard = bytearray()
        self._heard_ms = 0

    # ── the caller ──

    def hear(self, frame: bytes, now: float) -> None:
        """The caller's next frame, which ends about now."""
        at = self._caller.end
        late = self._at(now) - len(frame) // self.form.sample_bytes - at
        if not self._begun:
            self._begun = True
            self._caller.put(at + max(0, late), self._audible(frame))
            return
        if not self._frames:
            self._least = self._most = late
        self._frames += 1
        self._least, self._most = min(self._least, late), max(self._most, late)
        if self._frames >= WINDOW:
            self._frames = 0
            if self._least > self._tolerance:
                at += self._least
            elif self._most < -self._tolerance:
                # The caller's clock is faster than ours.
                return
        self._caller.put(at, self._audible(frame))

    # ── the agent ──

    def speak(self, frame: bytes, now: float) -> None:
        """A frame of the agent's that is heard from now on, or when the one before it is over."""
        self._agent.put(self._after(self._at(now)), self._audible(frame))

    def send(self, frame: bytes) -> None:
        """A frame of the agent's that waits at the far end until it is heard."""
        self._unheard += frame
        surplus = len(self._unheard) - self.form.to_bytes(UNHEARD_MS)
        if surplus > 0:
            del self._unheard[:surplus]

    def heard(self, ms: int, now: float) -> None:
        """So much of all that was sent was heard by now, in milliseconds; what was taken back counts as never sent."""
        new, self._heard_ms = ms - self._heard_ms, max(ms, self._heard_ms)
        if new <= 0:
            return
        count = self.form.to_bytes(new)
        piece = bytes(self._unheard[:count])
        del self._unheard[:count]
        begin = self._after(self._at(now) - len(piece) // self.form.sample_bytes)
        self._agent.put(begin, self._audible(piece))

    def recall(self, ms: int, now: float) -> None:
        """The far end dropped what was not heard."""
        self.heard(ms, now)
        self._unheard.clear()

    # ── out ──

    def take(self, now: float, *, last: bool = False) -> Chunk | None:
        """What nothing can be added to any more: a second or more of it, or with `last` all that there is. To be called
        after `heard`."""
        until = min(self._at(now), max(self._caller.end, self._at(now - PATIENCE_MS / 1000)))
        if last:
            until = max(self._at(now), self._caller.end)
        if until - self._passed < (1 if last else samples_in(self.form, CHUNK_MS)):
            return None
        position, self._passed = self._passed, until
        return Chunk(position, self._caller.cut(until), self._agent.cut(until))

    def _at(self, now: float) -> int:
        return max(0, samples_in(self.form, (now - self._began) * 1000))

    def _after(self, at: int) -> int:
        """Where sound that is due at `at` goes: behind the sound before it."""
        end = self._agent.end
        return at if at > end + self._tolerance else end

    def _audible(self, sound: bytes) -> bytes:
        return self.form.silence * len(sound) if self.paused else sound
