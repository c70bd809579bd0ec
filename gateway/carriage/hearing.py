"""The caller's voice from a carrier: 20 ms every 20 ms, whatever the carrier does with its timestamps. Sans-IO."""

from __future__ import annotations

from gateway.carriage.codec import carried
from gateway.wire import Audio, Encoding, StreamFault
from media.audio import FRAME_MS, PCM24, AudioFormat
from media.timeline import LATE, WAITING, Timeline
from media.transcoder import Transcoder

__all__ = ["Hearing"]

ROUNDING_MS = 15
"""A carrier's timestamps may be so far from what was before; no audio is missing or double for that."""
RESTART_MS = 1000
"""A timestamp so far back is a new count, not audio that comes late."""
EARLY_S = 0.01
"""A frame is passed on as it comes though it is due by so much later: no two come evenly, and none is to wait for the
next beat."""
LONGEST_MS = 1000
"""Of one message. No carrier sends more than a tenth of it."""
LONGEST_PIECES_MS = 200
"""Patience grows with the carrier's pieces up to this."""


class Hearing:
    """One call's, over all its lines."""

    def __init__(self, encoding: Encoding, form: AudioFormat = PCM24) -> None:
        """`form`: the call's. Raises ValueError for audio that no telephone has."""
        self._form = form
        self._sample_bytes = form.sample_bytes
        self._timeline = Timeline(form=form)
        self._begun = False
        self._position = 0
        """Where the next audio goes if nothing is missing, in samples of the call's format."""
        self._late_ms = 0
        self._attach(encoding)

    def _attach(self, encoding: Encoding) -> None:
        self._decoder = Transcoder(carried(encoding), self._form)
        self._bytes_per_ms = encoding.bytes_per_ms
        self._next_ms: int | None = None
        self._piece_bytes = 0
        """Of the message before."""
        self._piece_ms = 0

    def attached(self, encoding: Encoding) -> None:
        """There is another line: its timestamps begin anew. Raises ValueError."""
        self._attach(encoding)
        self._timeline.again()

    @property
    def lost(self) -> dict[str, float]:
        """`concealed_ms`: made up where nothing came in time; `dropped_ms`: came too late, or twice."""
        timeline = self._timeline
        return {"concealed_ms": timeline.concealed_ms, "dropped_ms": timeline.dropped_ms + self._late_ms}

    def begin(self, now: float) -> None:
        self._timeline.begin(now)

    def arrive(self, audio: Audio, now: float) -> list[bytes]:
        """The frames that are now due, or nearly so. Raises StreamFault for more than a second in one
        message."""
        data, at_ms = audio.data, audio.at_ms
        if at_ms == self._next_ms and len(data) == self._piece_bytes:
            # As long as the one before, and follows on it: nothing is to be asked.
            if at_ms is not None:
                self._next_ms = at_ms + self._piece_ms
            data = self._decoder.process(data)
            position = self._position
            self._position = position + len(data) // self._sample_bytes
            return self._timeline.arrive(data, position, now, EARLY_S)
        length_ms = len(data) // self._bytes_per_ms
        if length_ms > LONGEST_MS:
            raise StreamFault("more than a second of audio in one message")
        early_s = EARLY_S
        if not self._begun:
            self._begun, early_s = True, 0.0
            self._suit(length_ms, now)
        hole_ms = self._hole(at_ms)
        if hole_ms < 0:
            late_ms = min(-hole_ms, length_ms)
            self._late_ms += late_ms
            data = data[late_ms * self._bytes_per_ms :]
            if not data:
                return []
        elif hole_ms > 0:
            self._position += self._form.rate // 1000 * hole_ms
        if at_ms is not None:
            self._next_ms = at_ms + length_ms
        self._piece_bytes, self._piece_ms = len(audio.data), length_ms
        data = self._decoder.process(data)
        position, self._position = self._position, self._position + len(data) // self._sample_bytes
        return self._timeline.arrive(data, position, now, early_s)

    @property
    def waits(self) -> bool:
        """Whether a frame came that is not due yet: `tick` may give it."""
        return self._timeline.waits

    def tick(self, now: float) -> list[bytes]:
        """The frames that are due when nothing arrived. Call it every 20 ms or so."""
        return self._timeline.tick(now)

    def _suit(self, length_ms: int, now: float) -> None:
        """Wait longer where the pieces are longer."""
        more = (min(length_ms, LONGEST_PIECES_MS) - 1) // FRAME_MS
        if more > 0:
            self._timeline = Timeline(LATE + more, WAITING + more, self._form, ahead=0)
            self._timeline.begin(now)

    def _hole(self, at_ms: int | None) -> int:
        """Milliseconds that are missing before this audio; negative where it was there before."""
        if at_ms is None or self._next_ms is None:
            return 0
        hole_ms = at_ms - self._next_ms
        return 0 if abs(hole_ms) <= ROUNDING_MS or hole_ms < -RESTART_MS else hole_ms
