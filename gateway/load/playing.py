"""What a caller hears of audio that is queued: a carrier's or a client's player, exact to the sample."""

from __future__ import annotations

from gateway.load.call import Call
from gateway.softphone.player import Player
from gateway.softphone.sound import decoded
from gateway.wire import Encoding

__all__ = ["Playing"]


class Playing:
    """One stream. Times are the loop's, in seconds."""

    def __init__(self, call: Call, encoding: Encoding, began: float, limit_s: float) -> None:
        self._call = call
        self._encoding = encoding
        self._player = Player(encoding, began, limit_s)
        self._piece = encoding.bytes_per_ms * 20

    def advance(self, now: float) -> list[str]:
        """Hears what was played by now; the marks that were reached."""
        audio = self._player.advance(now)
        at = now - len(audio) / self._encoding.bytes_per_ms / 1000
        for begin in range(0, len(audio), self._piece):
            piece = audio[begin : begin + self._piece]
            self._call.talk.hear(decoded(piece, self._encoding), at, self._encoding.rate)
            at += len(piece) / self._encoding.bytes_per_ms / 1000
        return self._player.reached()

    def play(self, audio: bytes) -> None:
        """At the time of the last `advance`."""
        if not self._player.play(audio):
            self._call.gaps += 1
            self._call.lost_ms += len(audio) / self._encoding.bytes_per_ms
        self._call.underruns = len(self._player.underruns)

    def mark(self, name: str) -> list[str]:
        self._player.mark(name)
        return self._player.reached()

    def clear(self, now: float) -> tuple[float, list[str]]:
        """At the time of the last `advance`: the seconds that are not heard, and the marks before which they were."""
        dropped, marks = self._player.clear()
        if dropped:
            self._call.talk.cut(now)
        return dropped, marks
