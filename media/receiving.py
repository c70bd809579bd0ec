"""The caller's audio: Opus packets as the network brings them in, 20 ms frames of PCM 24 kHz in the caller's time out.

Sans-IO. Frames are never ahead of the clock. A packet in order passes at once, so no delay is kept in stock;
behind it stand `media.jitter`, which waits 20–60 ms for a missing one, and the decoder, which repairs what is
missing from the packet after it (in-band FEC) or makes it up.

When nothing comes at all there are two cases. A sender who has fallen silent (DTX) sends nothing: silence is given
after 60 ms. One who was heard speaking is held up by the network: nothing is given for 400 ms, shorter than the pause
that ends a turn (480 ms), and what then comes in a burst passes whole and at once. Only after that is time made up,
and words that come still later wait; the delay is won back in the next quiet moment.
"""

from __future__ import annotations

from collections import deque

from media.audio import FRAME_MS, PCM24
from media.fade import fade_away, fade_in
from media.framer import Framer
from media.jitter import Due, JitterBuffer
from media.level import rms
from media.libopus import Decoder, OpusError
from media.opus_packet import DTX, TICKS_PER_MS

__all__ = ["AudioReceiver"]

FRAME_S = FRAME_MS / 1000
SAMPLE_BYTES = PCM24.sample_bytes
TICKS_PER_S = 1000 * TICKS_PER_MS
TICKS_PER_SAMPLE = TICKS_PER_S // PCM24.rate
EARLY_S = 1e-6
"""Rounding of the clock."""
SILENT_S = 0.06
"""Without a packet for so long, one who was quiet is silent."""
STALLED_S = 0.4
"""Without a packet for so long, one who spoke is gone, or will be interrupted anyway."""
SLACK_S = 0.04
"""Behind the clock by so much when audio is made up, so that a packet that comes sooner than those before passes
at once."""
BEHIND_S = 0.14
"""Behind the clock by so much, a quiet moment is lengthened: the sender's clock is slow, or the way became longer."""
QUIET = 200.0
"""Root mean square of a frame without speech (-44 dBFS), unless there is more noise than that."""
CROWDED = 10
"""Ticks in a row with a frame waiting after which one is let go in the next quiet moment."""
WAITING = 15
"""Frames that may wait: 300 ms. Beyond, the quietest is let go."""
COMFORT = 5
"""Frames that the decoder makes up before there is silence: by then it has died away."""
BLOCKED_S = 0.06
"""A tick this late means that our own loop was blocked, so audio is probably waiting in the socket."""
MOST_S = 1.0
"""Made up at once; time beyond is skipped (the process was suspended)."""


class AudioReceiver:
    """One per call: `packet` for each one that arrives and `tick` every 20 ms or so. Gives nothing before `begin`."""

    def __init__(self) -> None:
        """Raises OpusMissing, OpusError."""
        self._decoder = Decoder(PCM24.rate)
        self._buffer = JitterBuffer()
        self._framer = Framer(PCM24.frame_bytes)
        self._waiting: deque[bytes] = deque()
        self._given_until: float | None = None
        """The time up to which frames were given, in the caller's clock."""
        self._ticked = 0.0
        self._arrived: float | None = None
        """When the last packet of use came."""
        self._span_s = FRAME_S
        """How long it sounds."""
        self._last = b""
        """The last piece that was decoded."""
        self._dtx = False
        self._made_up = 0
        """Bytes made up since then, while nothing came."""
        self._surplus = 0
        """Bytes made up for what then came after all."""
        self._broken = False
        self._crowded = 0
        self._loudest = 0.0
        self._concealed = self._recovered = self._dropped = 0

    @property
    def concealed_ms(self) -> int:
        """Made up so far, where nothing arrived in time."""
        return PCM24.to_ms(self._concealed)

    @property
    def recovered_ms(self) -> int:
        """Asked so far of the packet after a lost one."""
        return PCM24.to_ms(self._recovered)

    @property
    def dropped_ms(self) -> int:
        """Thrown away so far because it came too late."""
        return PCM24.to_ms(self._dropped)

    @property
    def lost(self) -> int:
        """Packets given up so far."""
        return self._buffer.lost

    @property
    def delay_ms(self) -> int:
        """Audio that is here and was not given yet."""
        held = len(self._waiting) * PCM24.frame_bytes + len(self._framer)
        return PCM24.to_ms(held) + self._buffer.waiting // TICKS_PER_MS

    def begin(self, now: float) -> None:
        """Time starts here, in seconds of a clock that never goes back; what arrived before is dropped."""
        self._given_until = self._ticked = now
        self._waiting.clear()

    def packet(
        self, sequence: int, timestamp: int, payload: bytes, now: float, ssrc: int = 0
    ) -> list[bytes]:
        """One RTP packet. Returns the frames that are now due: PCM16, 24 kHz, mono, 20 ms each."""
        ticks = 0 if self._made_up else self._buffer.passes(sequence, timestamp, payload, ssrc, now)
        if ticks:
            self._sound(payload, ticks, now)
            return self._due(now)
        if not self._buffer.add(sequence, timestamp, payload, ssrc, now):
            return []
        for due in self._buffer.due(now):
            self._play(due, now)
        return self._due(now)

    def tick(self, now: float) -> list[bytes]:
        """Time went by. Returns the frames now due, made up where nothing arrived in time."""
        if self._given_until is None:
            return []
        blocked, self._ticked = now - self._ticked > BLOCKED_S, now
        if not self._buffer.idle:
            for due in self._buffer.due(now):
                self._play(due, now)
        out = self._due(now) if self._waiting else []
        behind = now - self._given_until
        if behind > MOST_S:
            self._given_until = now - MOST_S
        if not blocked and not self._waiting and behind >= SLACK_S + FRAME_S:
            out += self._make_up(now)
        self._shrink()
        return out

    def close(self) -> None:
        """Free the decoder. Idempotent."""
        self._decoder.close()

    # ── what arrived ──────────────────────────────────────────────────────────────────────────────────────

    def _play(self, due: Due, now: float) -> None:
        if due.anew:
            self._decoder.reset()
        hole = due.hole // TICKS_PER_SAMPLE * SAMPLE_BYTES
        self._surplus += max(0, self._made_up - hole)
        if hole:
            self._fill(due, hole, now)
        self._sound(due.payload, due.ticks, now)

    def _sound(self, payload: bytes, ticks: int, now: float) -> None:
        try:
            audio = self._decoder.decode(payload)
        except OpusError:
            audio = bytes(ticks // TICKS_PER_SAMPLE * SAMPLE_BYTES)
            self._concealed += len(audio)
        if self._broken:
            audio, self._broken = fade_in(audio), False
        self._arrived, self._made_up = now, 0
        self._span_s = ticks / TICKS_PER_S
        self._last, self._dtx = audio, len(payload) <= DTX
        self._put(audio)

    def _fill(self, due: Due, hole: int, now: float) -> None:
        """A hole before a packet, as far as it was not filled while nothing came and there is time for it."""
        own = due.ticks // TICKS_PER_SAMPLE * SAMPLE_BYTES
        wanted = hole - self._made_up
        if wanted <= 0 or self._given_until is None:
            return
        held = len(self._waiting) * PCM24.frame_bytes + len(self._framer)
        # What is lost is made up whole; silence leaves room for words that come sooner.
        behind = now - self._given_until + (SLACK_S if due.lost else -SLACK_S)
        room = max(0, PCM24.to_bytes(int(behind * 1000)) - held - own)
        if not due.lost or room < wanted:
            # Not a piece of a frame more: all that follows would wait for its other piece.
            wanted = min(wanted, room)
            odd = (len(self._framer) + wanted) % PCM24.frame_bytes
            wanted += -odd if odd <= wanted else PCM24.frame_bytes - odd
        if not due.lost:
            self._put(self._invent(wanted, quiet=True))
            return
        fec = own <= wanted
        self._put(self._invent(wanted - own if fec else wanted, quiet=False))
        if fec:
            try:
                self._put(self._decoder.recover(due.payload, own // SAMPLE_BYTES))
            except OpusError:
                self._put(bytes(own))
            self._recovered += own

    def _put(self, audio: bytes) -> None:
        if self._given_until is None:
            return
        self._waiting.extend(self._framer.push(audio))
        while len(self._waiting) > WAITING:
            self._drop_quietest()

    def _due(self, now: float) -> list[bytes]:
        out: list[bytes] = []
        if self._given_until is None:
            return out
        while self._waiting and self._given_until + FRAME_S <= now + EARLY_S:
            out.append(self._waiting.popleft())
            self._given_until += FRAME_S
        return out

    # ── what did not ──────────────────────────────────────────────────────────────────────────────────────

    def _make_up(self, now: float) -> list[bytes]:
        """Frames for the time in which nothing came, if it is certain enough that nothing will."""
        assert self._given_until is not None
        if self._arrived is not None:
            without = now - self._arrived - (self._span_s - FRAME_S)
            patience = SILENT_S if self._made_up or self._quiet() else STALLED_S
            late = now - self._given_until >= BEHIND_S + self._span_s and patience == SILENT_S
            if without < patience and not late:
                return []
        out: list[bytes] = []
        while self._given_until + FRAME_S + SLACK_S <= now + EARLY_S:
            begun = self._framer.flush()
            missing = PCM24.frame_bytes - len(begun)
            out.append(begun + self._invent(missing, quiet=self._arrived is None))
            self._made_up += missing
            self._given_until += FRAME_S
        return out

    def _invent(self, count: int, *, quiet: bool) -> bytes:
        """`count` bytes of audio that never arrived: the sound before it dies away, then silence."""
        self._concealed += count
        comfort = COMFORT * PCM24.frame_bytes - self._made_up
        unit = PCM24.rate // 400  # libopus makes up whole 2.5 ms
        made = b""
        if not quiet and self._arrived is not None and comfort > 0:
            while len(made) < min(count, comfort):
                samples = min(PCM24.frame_bytes, count - len(made)) // SAMPLE_BYTES
                try:
                    made += self._decoder.conceal(-(-samples // unit) * unit)
                except OpusError:
                    break
            made = made[:count]
            if len(made) >= comfort:
                made = fade_away(made)
        if count > len(made):
            self._broken = True
        return made.ljust(count, b"\0")

    def _quiet(self) -> bool:
        return self._dtx or rms(self._last) <= max(QUIET, self._loudest / 10)

    # ── what came too late ────────────────────────────────────────────────────────────────────────────────

    def _shrink(self) -> None:
        """What always waits is delay, or the sender's clock is fast: let go of it in a pause of speech."""
        if not self._waiting:
            self._crowded = self._surplus = 0
            return
        self._crowded += 1
        while self._waiting and (self._surplus > 0 or self._crowded >= CROWDED):
            level = rms(self._waiting[0])
            self._loudest = max(level, self._loudest * 0.99)
            if level > max(QUIET, self._loudest / 10):
                return
            self._dropped += len(self._waiting.popleft())
            self._surplus -= PCM24.frame_bytes
            self._crowded = 0

    def _drop_quietest(self) -> None:
        quietest = min(range(len(self._waiting)), key=lambda place: rms(self._waiting[place]))
        self._dropped += len(self._waiting[quietest])
        del self._waiting[quietest]
