"""The caller's time: audio arrives in jumps and with holes, and leaves as exactly one frame per 20 ms.

Sans-IO: takes audio of one format and the time, returns the frames that are due. When a frame is due goes by the
earliest arrivals: what comes as early as they did passes at once, and nothing waits because the first frame was late.
What it gives runs ahead of the clock by at most `ahead` frames, and lags by at most `late`: that long it waits for
audio that is late, then it conceals; audio that comes after its time was concealed pushes out the quietest frame that
waits, so no time is counted twice.
"""

from __future__ import annotations

from collections import deque

from media.audio import FRAME_MS, PCM24, AudioFormat
from media.fade import FADE_MS, fade_in, fade_out
from media.framer import Framer
from media.level import rms

__all__ = ["Timeline"]

FRAME_S = FRAME_MS / 1000
LATE = 3
"""Frames that may be owed before the gap is concealed: 60 ms, the jitter of a bad Wi-Fi."""
WAITING = 5
"""Frames that may wait: 100 ms."""
CROWDED_S = 0.5
"""When whatever came for so long had to wait, frames are let go in the next quiet moment."""
BEGINNING_S = 1.0
"""The beginning of a call, in which a fifth of that is enough, and no moment need be quiet."""
QUIET = 200.0
"""Root mean square of a frame without speech (-44 dBFS), unless there is more noise than that."""
JUMP_S = 1
"""A hole longer than this is a jump of the sender's clock, not loss."""
AHEAD = 3
"""Frames that may be given ahead of the clock that began with the call: the one that was on its way, and two that the
first arrivals were late."""
DRIFT = 0.001
"""A sender's clock that is faster than ours is followed by so much; no sound card is worse."""
BLOCKED_S = 0.06
"""A tick this late means that our own loop was blocked, so audio is probably waiting in the socket."""
MOST = 50
"""Frames concealed at once; time beyond is skipped (the process was suspended)."""


class Timeline:
    """One per call: `arrive` for each decoded piece and `tick` every 20 ms or so. Gives nothing before `begin`."""

    def __init__(
        self, late: int = LATE, waiting: int = WAITING, form: AudioFormat = PCM24, ahead: int = AHEAD
    ) -> None:
        """`late`: frames that may be owed before the gap is concealed; `waiting`: frames that may wait. Both grow with
        the length of the sender's pieces. `ahead`: see `AHEAD`; 0 where pieces are to be evened out."""
        self._late, self._most, self._ahead_s = late, waiting, ahead * FRAME_S
        self._form = form
        self._frame_bytes, self._fade_bytes = form.frame_bytes, form.to_bytes(FADE_MS)
        self._sample_bytes, self._bytes_per_s = form.sample_bytes, form.to_bytes(1000)
        self._frame_samples = form.frame_bytes // form.sample_bytes
        self._framer = Framer(form.frame_bytes)
        self._waiting: deque[bytes] = deque()
        self._begun = 0.0
        self._start: float | None = None
        """Where the frames given are counted from. Moves on when time is skipped, and back again, at most to
        the beginning, when frames wait; and back for what arrives earlier than anything did before."""
        self._earliest = 0.0
        """Where the sender's time begins on our clock, by the earliest arrival."""
        self._given = 0
        self._ticked = 0.0
        self._expected: int | None = None
        self._last = b""
        """What came last."""
        self._broken = False
        self._easy = 0.0
        """When something came last that had not to wait."""
        self._spare = MOST
        """Frames that were not needed yet whenever something came since then, at the least."""
        self._loudest = 0.0
        self.concealed_ms = 0
        """Made up so far."""
        self.dropped_ms = 0
        """Thrown away so far because it came too late."""

    def begin(self, now: float) -> None:
        """Time starts here; what arrived before is dropped."""
        self._begun = self._start = self._ticked = self._easy = now
        self._waiting.clear()

    def arrive(self, audio: bytes, position: int, now: float, early_s: float = 0.0) -> list[bytes]:
        """Audio with its place in the sender's time, in samples. Returns the frames now due, or in less than
        `early_s`."""
        self._ticked = now
        now += early_s
        start = self._start
        if (
            position == self._expected
            and start is not None
            and not self._waiting
            and not self._broken
            and len(audio) == self._frame_bytes
            and not self._framer
            and now - (position + self._frame_samples) / self._form.rate >= self._earliest
            and (now - start) / FRAME_S + 1e-6 >= self._given + 1
        ):
            # The next frame, whole, on time: as nearly all are. The rest of this comes to the same.
            self._expected = position + self._frame_samples
            self._last, self._easy, self._spare = audio, now, MOST
            self._given += 1
            return [audio]
        form = self._form
        count = len(audio) // self._sample_bytes
        began = now - (position + count) / form.rate
        before = len(self._waiting)
        if self._expected is None:
            self._expected = position
            self._earliest = began
            if self._start is not None:
                # Nothing is owed but this: all of the patience is for what comes later than the first.
                length_s = len(audio) / self._bytes_per_s
                self._start = max(self._floor(now), now - self._given * FRAME_S - length_s)
        hole = position - self._expected
        self._expected = position + count
        if hole > JUMP_S * form.rate:
            self._earliest -= hole / form.rate
        elif hole > 0:
            # As far as the hole was not concealed already while nothing came.
            free = (self._owed(now) - len(self._waiting)) * form.frame_bytes - len(audio)
            fill = self._fill(min(form.sample_bytes * hole, max(0, free)))
            self._waiting.extend(self._framer.push(fill))
        if self._broken:
            audio, self._broken = fade_in(audio, form), False
        self._last = audio
        self._waiting.extend(self._framer.push(audio))
        if began < self._earliest:
            self._anchor(self._earliest - began, now)
            self._earliest = began
        if self._start is not None and self._start > self._begun:
            spare = min(int((self._start - self._begun) / FRAME_S), len(self._waiting) - self._owed(now))
            self._start -= max(0, spare) * FRAME_S
        spare = before - self._owed(now) + 1
        out = self._due(now)
        while len(self._waiting) > self._most:
            self._drop_quietest()
        if spare > 0:
            self._shrink(spare, now)
        else:
            self._rest(now)
        return out

    def tick(self, now: float) -> list[bytes]:
        """Returns the frames now due, made up where nothing arrived in time."""
        if self._start is None:
            return []
        blocked, self._ticked = now - self._ticked > BLOCKED_S, now
        out = self._due(now)
        owed = self._owed(now)
        if owed > MOST:
            self._start += (owed - MOST) * FRAME_S
            owed = MOST
        if owed > self._late and not blocked:
            out += [self._conceal() for _ in range(owed - self._late)]
            self._given += owed - self._late
        return out

    @property
    def waits(self) -> bool:
        """Whether a frame came that is not due yet."""
        return bool(self._waiting)

    def again(self) -> None:
        """The sender begins anew, on another way: the next to arrive is on time."""
        self._expected = None

    def _floor(self, now: float) -> float:
        return self._begun - self._ahead_s - DRIFT * (now - self._begun)

    def _anchor(self, earlier_s: float, now: float) -> None:
        """This came earlier than anything before, so all before was late: it is due now, not when the first was."""
        if self._start is None or len(self._waiting) <= self._owed(now):
            return
        early_s = self._start + (self._given + len(self._waiting)) * FRAME_S - now
        self._start -= max(0.0, min(earlier_s, early_s, self._start - self._floor(now)))

    def _owed(self, now: float) -> int:
        return 0 if self._start is None else int((now - self._start) / FRAME_S + 1e-6) - self._given

    def _due(self, now: float) -> list[bytes]:
        if not self._waiting:
            return []
        count = min(self._owed(now), len(self._waiting))
        out = [self._waiting.popleft() for _ in range(count)]
        self._given += len(out)
        return out

    def _conceal(self) -> bytes:
        """A frame where none arrived; begins with what arrived of it."""
        begun = self._framer.flush()
        return begun + self._fill(self._form.frame_bytes - len(begun))

    def _fill(self, count: int) -> bytes:
        """`count` bytes for a hole: the sound before it dies away, then silence."""
        self.concealed_ms += self._form.to_ms(count)
        tail = fade_out(self._last[-self._fade_bytes :], self._form) or b""
        self._last, self._broken = b"", True
        return tail[:count].ljust(count, self._form.silence)

    def _shrink(self, spare: int, now: float) -> None:
        """What came had to wait, behind so many frames and itself that were not needed yet. When everything has to,
        that is delay (or the sender's clock is fast): let go what was never needed, in the next pause of speech. At the
        beginning of a call nobody waits for that.

        Whether something waits is asked as it comes: ticks may fall anywhere between, and right before the next piece
        nothing waits though all was late."""
        self._spare = min(self._spare, spare)
        beginning = now - self._begun < BEGINNING_S
        if not self._waiting or now - self._easy < (CROWDED_S / 5 if beginning else CROWDED_S):
            return
        level = rms(self._waiting[0], self._form)
        self._loudest = max(level, self._loudest * 0.99)
        if beginning or level <= max(QUIET, self._loudest / 10):
            self._waiting.popleft()
            self.dropped_ms += FRAME_MS
            self._spare -= 1
            if not self._spare:
                self._rest(now)

    def _rest(self, now: float) -> None:
        self._easy, self._spare = now, MOST

    def _drop_quietest(self) -> None:
        quietest = min(range(len(self._waiting)), key=lambda place: rms(self._waiting[place], self._form))
        del self._waiting[quietest]
        self.dropped_ms += FRAME_MS
