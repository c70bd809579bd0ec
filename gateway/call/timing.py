"""Where the time of a reply went, from the caller's last word to the first frame that goes out. Pure."""

from __future__ import annotations

from gateway.ports import TurnTiming

__all__ = ["Stopwatch"]


class Stopwatch:
    def __init__(self) -> None:
        self._turns = 0
        self.committed_at: float | None = None
        """When the model took the caller's turn; None once the caller speaks again, or was answered."""
        self._audio_at: float | None = None
        self._timed: set[str] = set()

    def onset(self) -> None:
        """The caller begins to speak: the turn before is not what a reply answers."""
        self.committed_at = None

    def committed(self, now: float) -> None:
        self._turns += 1
        self.committed_at = now

    def asked(self) -> None:
        self._audio_at = None

    def audio(self, now: float) -> None:
        """The model's first audio of the reply."""
        if self._audio_at is None:
            self._audio_at = now

    def first_frame(
        self, response_id: str, now: float, *, last_speech: float | None, asked: float | None
    ) -> TurnTiming | None:
        """The first frame of a response went out. None when it answers no turn, or was timed already."""
        if response_id in self._timed:
            return None
        self._timed.add(response_id)
        committed, audio = self.committed_at, self._audio_at
        if last_speech is None or committed is None or committed < last_speech:
            return None
        self.committed_at = None
        return TurnTiming(
            turn=self._turns,
            reply_ms=_ms(now - last_speech),
            endpointing_ms=_ms(committed - last_speech),
            model_ms=None if audio is None or asked is None else _ms(audio - asked),
            playout_ms=None if audio is None else _ms(now - audio),
        )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
