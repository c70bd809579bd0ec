"""Which utterance the ears are working on, and which answer of theirs counts.

Once the caller has been quiet for a moment a guess is begun. When they go on speaking it is void; when the turn
ends there, it is the answer, so that the words are mostly known by then.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.engine.effects import CancelTranscribe, Effect, Transcribe
from gateway.realtime.ids import new_id
from gateway.speech.ports import Heard

__all__ = ["Recognition"]


@dataclass(slots=True)
class Guess:
    job: str
    heard: Heard | None = None


class Recognition:
    """Jobs of the ears, by id."""

    def __init__(self) -> None:
        self._guess: Guess | None = None
        self._items: dict[str, str] = {}
        """Job → the user item it is for."""

    def guess(self, pcm: bytes) -> list[Effect]:
        """The caller paused."""
        effects = self.drop()
        self._guess = Guess(new_id("job"))
        return [*effects, Transcribe(self._guess.job, pcm, final=False)]

    def drop(self) -> list[Effect]:
        """The caller went on, or what was said is not wanted."""
        guess, self._guess = self._guess, None
        return [CancelTranscribe(guess.job)] if guess is not None and guess.heard is None else []

    def commit(self, item_id: str, pcm: bytes, *, guessed: bool) -> tuple[list[Effect], Heard | None]:
        """The utterance is `item_id` now. `guessed`: it ended where the last guess was made. Gives the words if
        they are known."""
        guess = self._guess if guessed else None
        if guess is None:
            effects = self.drop()
            job = new_id("job")
            self._items[job] = item_id
            return [*effects, Transcribe(job, pcm, final=True)], None
        self._guess = None
        if guess.heard is None:
            self._items[guess.job] = item_id
        return [], guess.heard

    def answer(self, job: str, heard: Heard | None) -> str | None:
        """The ears are done with a job; None: they failed. Returns the item that was waiting for it, if any."""
        if self._guess is not None and self._guess.job == job:
            self._guess.heard = heard
            if heard is None:
                self._guess = None
            return None
        return self._items.pop(job, None)

    def forget(self, item_id: str) -> list[Effect]:
        """The item is gone."""
        jobs = [job for job, item in self._items.items() if item == item_id]
        for job in jobs:
            del self._items[job]
        return [CancelTranscribe(job) for job in jobs]
