"""When the agent's voice goes to a carrier, and how much of it the caller has heard. Pure; no clock, no socket.

A carrier plays what it is sent one after the other, as long as it has any. So the moment at which each piece begins to
be heard is known as it is sent: at once, or when the one before it ends. Marks correct that reckoning. A mark that
comes back `late` milliseconds after the piece before it should have ended tells the way there and back; half of the
least lateness ever seen is taken for the way to the ear, all that is beyond it for a carrier that plays behind time.

Played milliseconds are those of `gateway.ports.Ear`: every frame that was pulled counts 20, from the first on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gateway.carriage.codec import carried
from gateway.wire import Encoding, Pacing
from media.audio import FRAME_MS, PCM24, AudioFormat
from media.transcoder import Transcoder

__all__ = ["MARK_MS", "MOST_AHEAD_MS", "Out", "Pacer"]

Out = bytes | str
"""What is to be sent: audio in the carrier's encoding, or a mark of this name."""

MARK_MS = 200
"""A mark after so much audio, and one after the last."""
MOST_AHEAD_MS = 250
"""Nothing is sent further ahead of real time, whatever a carrier's pacing says."""
SPARE_MS = 40
"""Two beats: what a carrier still has to play when the next piece goes out at the latest."""
STALLED_S = 0.05
"""A carrier that is behind time by more than this is sent less, until it has caught up."""
OVERDUE_S = 0.06
"""A mark so much later than the last one was: its piece has not been played yet."""
HELD_UP_S = 0.04
"""Without a pump for so long this process was held up."""
MISSING_S = 2.0
"""A mark so much later will not come."""
UNSURE_S = 1.0
"""So long after its end by the clock a carrier without marks may still be playing."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """What was sent in one message, and when the caller hears it, the way to the ear not counted."""

    begins: float
    ends: float
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class _Mark:
    after_ms: int
    due: float


class Pacer:
    """One call's. `pump` it at every beat and whenever there may be something to play."""

    def __init__(self, encoding: Encoding, pacing: Pacing, form: AudioFormat = PCM24) -> None:
        """`form`: the call's. Raises ValueError for audio that no telephone has."""
        self._form = form
        self.marks = True
        """Whether the carrier knows marks."""
        self.rtt_ms: float | None = None
        """The least lateness of a mark."""
        self.pieces = 0
        """Messages of audio that were sent."""
        self._pulled_ms = 0
        self._sent_ms = 0
        self._heard_ms = 0
        self._underway: deque[_Piece] = deque()
        self._frames: deque[tuple[int, bytes]] = deque()
        """The frames that may not have been heard, and where each ends: what a broken line is given again."""
        self._again: deque[bytes] = deque()
        self._outstanding: dict[str, _Mark] = {}
        self._named = 0
        self._late = 0.0
        """Of the latest mark, in seconds."""
        self._pumped_at = self._seen_at = float("-inf")
        """The last pump and the one before: what came back before that was told. A mark that waits to be read because
        we were held up is not one that did not come."""
        self._held_until = float("-inf")
        self._rests_until = float("-inf")
        """Before this a pump has nothing to do, unless it is woken."""
        self._cuts = 0
        """How often what was sent or pulled became void."""
        self._begin(encoding, pacing)

    def _begin(self, encoding: Encoding, pacing: Pacing) -> None:
        self._encoding, self._pacing = encoding, pacing
        self._silence = carried(encoding).silence
        self._encoder = Transcoder(self._form, carried(encoding))
        self._frame = pacing.frame_ms * encoding.bytes_per_ms
        self._message_ms = pacing.frame_ms * max(1, pacing.frames)
        bearable = pacing.lead_ms >= self._message_ms + FRAME_MS
        self._lead = min(pacing.lead_ms if bearable else self._message_ms + SPARE_MS, MOST_AHEAD_MS) / 1000
        self._waiting = b""
        """Encoded, and not enough for a message."""
        self._unmarked_ms = 0
        self._ends = float("-inf")
        """When the carrier has played everything, by the clock."""
        self._spoken_until = float("-inf")
        """The same without the silence after it."""

    # ── sending ───────────────────────────────────────────────────────────────────────────────────────────

    def rests(self, now: float) -> bool:
        """In the place of a `pump` at a beat: whether it would send nothing, and forget nothing."""
        if now >= self._rests_until:
            return False
        self._seen_at, self._pumped_at = self._pumped_at, now
        return True

    def wake(self) -> None:
        """There may be something to play, after there was nothing."""
        self._rests_until = float("-inf")

    def pump(self, pull: Callable[[], bytes | None], now: float) -> list[Out]:
        """What is to be sent now, in order. `pull` gives the next 20 ms or None, and is asked for no
        more than can be sent. What it calls may recall: then nothing that it gave counts."""
        self._seen_at, self._pumped_at = self._pumped_at, now
        self._forget_missing(now)
        if now < self._held_until:
            return []
        out: list[Out] = []
        cuts, dry = self._cuts, False
        message = self._message_ms * self._encoding.bytes_per_ms
        while not dry and self._ahead(now) + self._message_ms / 1000 <= self._lead + 1e-9:
            while len(self._waiting) < message:
                pcm = self._again.popleft() if self._again else pull()
                if cuts != self._cuts:
                    return []
                if pcm is None:
                    dry = True
                    break
                self._pulled_ms += FRAME_MS
                self._frames.append((self._pulled_ms, pcm))
                self._waiting += self._encoder.process(pcm)
            self._send(message, out, now, dry=dry)
        if dry:
            self._run_dry(out, now)
        self._rests_until = self._rest_until(dry=dry)
        return out

    def _rest_until(self, *, dry: bool) -> float:
        """When there is something to do at the soonest, should nobody say so before."""
        if self._outstanding and dry:
            return float("-inf")  # one may not come back
        if not dry:
            return self._ends + self._message_ms / 1000 - self._lead - 1e-9
        return float("-inf") if self._waiting or self._pacing.silence else float("inf")

    def _send(self, message: int, out: list[Out], now: float, *, dry: bool) -> None:
        """One message of what waits: a full one; less when there is no more and the carrier runs out."""
        if len(self._waiting) < message and not (dry and self._ahead(now) <= SPARE_MS / 1000):
            return
        piece, self._waiting = self._waiting[:message], self._waiting[message:]
        if not piece:
            return
        length_ms = len(piece) // self._encoding.bytes_per_ms
        if self._pacing.exact:
            piece += self._silence * (-len(piece) % self._frame)
        self._put(piece, length_ms, out, now)
        self._unmarked_ms += length_ms
        if self._unmarked_ms >= MARK_MS:
            self._mark(out)

    def _run_dry(self, out: list[Out], now: float) -> None:
        if self._waiting:
            return
        if self._unmarked_ms:
            self._mark(out)
        if self._pacing.silence and self._ahead(now) <= self._pacing.frame_ms / 1000:
            self._put(self._silence * self._frame, 0, out, now)

    def _put(self, piece: bytes, length_ms: int, out: list[Out], now: float) -> None:
        begins = max(now, self._ends)
        self._ends = begins + len(piece) / self._encoding.bytes_per_ms / 1000
        if length_ms:
            sent_ms, self._sent_ms = self._sent_ms, self._sent_ms + length_ms
            self._spoken_until = begins + length_ms / 1000
            self._underway.append(_Piece(begins, self._spoken_until, sent_ms, self._sent_ms))
        self.pieces += 1
        out.append(piece)

    def _mark(self, out: list[Out]) -> None:
        self._unmarked_ms = 0
        if not self.marks:
            return
        self._named += 1
        name = f"m{self._named}"
        self._outstanding[name] = _Mark(self._sent_ms, self._spoken_until)
        out.append(name)

    def hold(self, until: float) -> None:
        """Send nothing before this: the carrier asked for it."""
        self._held_until = until
        self.wake()

    # ── hearing ───────────────────────────────────────────────────────────────────────────────────────────

    def played(self, name: str, now: float) -> None:
        """A mark came back: all before it was played. One that nobody waits for says nothing."""
        mark = self._outstanding.get(name)
        if mark is None:
            return
        for earlier in list(self._outstanding):
            del self._outstanding[earlier]
            if earlier == name:
                break
        late = now - mark.due
        if self.rtt_ms is not None and now - self._pumped_at > HELD_UP_S:
            # It came some time since then.
            late = min(max(self._late, self._pumped_at - mark.due), late)
        self._late = max(0.0, late)
        late_ms = self._late * 1000
        self.rtt_ms = late_ms if self.rtt_ms is None else min(self.rtt_ms, late_ms)
        self._heard(mark.after_ms)

    def heard_ms(self, now: float) -> int:
        """How much the caller has heard by now."""
        self._forget_missing(now)
        ear = now - self._late + self._way
        due = self._next_due
        if due is not None and self._seen_at - due - self._late > OVERDUE_S:
            ear = min(ear, due)
        while self._underway and self._underway[0].ends <= ear:
            self._heard(self._underway.popleft().to_ms)
        if self._underway:
            piece = self._underway[0]
            self._heard(min(piece.to_ms, piece.from_ms + int((ear - piece.begins) * 1000 + 1e-6)))
        while self._frames and self._frames[0][0] <= self._heard_ms:
            self._frames.popleft()
        return self._heard_ms

    def holds(self, now: float) -> bool:
        """Whether the carrier may have something that was not played."""
        if self.heard_ms(now) < self._sent_ms or self._outstanding:
            return True
        return not (self.marks and self.rtt_ms is not None) and now < self._ends + UNSURE_S

    def recall(self, now: float, *, cleared: bool) -> int:
        """The carrier was told to drop what it has not played, or cannot be told (`cleared` is False): then what it
        has will be heard. What was heard stands, and pulling goes on from there."""
        heard_ms = self.heard_ms(now)
        if not cleared:
            heard_ms = self._heard_ms = self._sent_ms
        else:
            self._ends = float("-inf")
        self._cut()
        self._again.clear()
        self._frames.clear()
        self._pulled_ms = self._sent_ms = heard_ms
        return heard_ms

    def lost(self, now: float) -> None:
        """The line broke: what was on its way is lost, and is sent again on the next line."""
        heard_ms = self.heard_ms(now)
        again = [pcm for ends_ms, pcm in self._frames if ends_ms > heard_ms]
        self._again = deque([*again, *self._again])
        self._frames.clear()
        self._pulled_ms -= FRAME_MS * len(again)
        self._sent_ms = self._pulled_ms
        self._cut()

    def attached(self, encoding: Encoding, pacing: Pacing) -> None:
        """There is another line. Raises ValueError as `Pacer` does."""
        self._begin(encoding, pacing)
        self._late, self.rtt_ms = 0.0, None
        self.wake()
        self._held_until = float("-inf")

    @property
    def _way(self) -> float:
        """From us to the ear and back to us is `_late`; this is the way back, in seconds."""
        return 0.0 if self.rtt_ms is None else self.rtt_ms / 2000

    @property
    def _next_due(self) -> float | None:
        """When the next mark should come back, the ways not counted; None as long as none ever came."""
        if self.rtt_ms is None or not self._outstanding:
            return None
        return next(iter(self._outstanding.values())).due

    def _cut(self) -> None:
        self._cuts += 1
        self.wake()
        self._underway.clear()
        self._outstanding.clear()
        self._waiting = b""
        self._unmarked_ms = 0
        self._encoder.reset()

    def _heard(self, played_ms: int) -> None:
        self._heard_ms = max(self._heard_ms, played_ms)

    def _ahead(self, now: float) -> float:
        """How much the carrier has to play, in seconds."""
        late, due = self._late, self._next_due
        if due is not None:
            late = max(late, self._seen_at - due)
        behind = late - 2 * self._way
        return max(0.0, self._ends - now + max(0.0, behind - STALLED_S))

    def _forget_missing(self, now: float) -> None:
        if not self._outstanding:
            return
        for name, mark in list(self._outstanding.items()):
            if now - mark.due - self._late <= MISSING_S:
                return
            del self._outstanding[name]
            if self.rtt_ms is None:
                self.marks = False
