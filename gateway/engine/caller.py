"""The caller's half of a session: audio in, user items in the conversation, the words in them once the ears know.

What it means for responses (interrupt, answer, think) is the core's to decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from gateway.engine.effects import Effect, Emit
from gateway.engine.input_buffer import Cue, DetectorMaker, InputBuffer
from gateway.engine.memory import Memory
from gateway.engine.recognition import Recognition
from gateway.realtime import server_events as say
from gateway.realtime.events import ItemCreate
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.ids import new_id
from gateway.realtime.session import TurnDetection
from gateway.speech.ports import Heard

__all__ = ["Caller"]

SHORTEST_COMMIT_MS = 100
"""Less than this in the buffer is nothing to commit."""


class Caller:
    """Returns effects; raises ProtocolFault where a client asked for what cannot be done."""

    def __init__(self, memory: Memory, detector: DetectorMaker) -> None:
        self.transcribing = False
        """Whether the session tells the client what was understood."""
        self._memory = memory
        self._recognition = Recognition()
        self._buffer = InputBuffer(detector)
        self._utterance: str | None = None
        """Id that the utterance being spoken will have as an item."""

    @property
    def speaking(self) -> bool:
        return self._buffer.speaking

    @property
    def total_ms(self) -> int:
        """Audio appended in the session so far."""
        return self._buffer.total_ms

    def configure(self, turns: TurnDetection | None) -> list[Effect]:
        """Turn detection as it now is. Switched on or off, the utterance being spoken is no turn any more."""
        self._buffer.configure(turns)
        return [] if self._buffer.speaking else self._forget_utterance()

    def close(self) -> None:
        """Give the voice detector back."""
        self._buffer.close()

    # ── audio ──

    def listen(self, pcm: bytes) -> Iterator[Cue]:
        """Append audio; each cue is to be acted upon before the next is asked for."""
        return self._buffer.append(pcm)

    def check_room(self, size: int) -> None:
        """Whether `size` more bytes can be appended."""
        if self._buffer.full(size):
            told = "The input audio buffer is full; commit or clear it first."
            raise ProtocolFault("input_audio_buffer_full", told, "audio")

    def began(self, start_ms: int) -> list[Effect]:
        self._utterance = new_id("item")
        return [Emit(say.speech_started(self._utterance, start_ms))]

    def paused(self, pcm: bytes) -> list[Effect]:
        return self._recognition.guess(pcm)

    def went_on(self) -> list[Effect]:
        return self._recognition.drop()

    def ended(self, end_ms: int) -> tuple[list[Effect], bool]:
        """The turn is over and committed; False: the conversation had no room for it, which is told."""
        item_id = self._utterance or new_id("item")
        told: list[Effect] = [Emit(say.speech_stopped(item_id, end_ms))]
        try:
            return [*told, *self._commit(item_id, guessed=True)], True
        except ProtocolFault as fault:
            return [*told, Emit(say.fault(fault))], False

    def commit(self) -> list[Effect]:
        """As the client asks."""
        if self._buffer.held_ms < SHORTEST_COMMIT_MS:
            told = "Error committing input audio buffer: buffer too small."
            told += f" Expected at least {SHORTEST_COMMIT_MS}ms of audio."
            raise ProtocolFault("input_audio_buffer_commit_empty", told)
        return self._commit(self._utterance or new_id("item"), guessed=False)

    def clear(self) -> list[Effect]:
        self._buffer.clear()
        return [*self._forget_utterance(), Emit(say.input_cleared())]

    def timed_out(self, start_ms: int) -> list[Effect]:
        """Nobody has spoken since `start_ms`: an empty user item stands for that."""
        item_id, end_ms, before = new_id("item"), self._buffer.total_ms, self._memory.items.last_id
        item = self._memory.commit(item_id, b"")
        self._buffer.clear()
        self._memory.understood(item_id, Heard("", 1.0, "none"), show=False)
        told = [say.input_timeout(item_id, start_ms, end_ms), say.input_committed(item_id, before)]
        return [*map(Emit, told), *_entered(item, before)]

    # ── items and their words ──

    def create(self, event: ItemCreate) -> list[Effect]:
        """An item as the client gives it; audio in it goes to the ears."""
        wanted = event.item.model_dump(exclude_unset=True)
        item, before, pcm = self._memory.create(wanted, event.previous_item_id)
        effects = _entered(item, before)
        if pcm:
            self._memory.pending.add(item["id"])
            effects += self._recognition.commit(item["id"], pcm, guessed=False)[0]
        return effects

    def delete(self, item_id: str) -> list[Effect]:
        self._memory.delete(item_id)
        return [*self._recognition.forget(item_id), Emit(say.item_deleted(item_id))]

    def heard(self, job: str, heard: Heard | None) -> list[Effect]:
        """The ears are done with a job; None: they failed, and the item stays without words."""
        item_id = self._recognition.answer(job, heard)
        return [] if item_id is None else self._understood(item_id, heard)

    def _commit(self, item_id: str, *, guessed: bool) -> list[Effect]:
        self._utterance = None
        pcm = self._buffer.take()
        before = self._memory.items.last_id
        item = self._memory.commit(item_id, pcm)
        effects, heard = self._recognition.commit(item_id, pcm, guessed=guessed)
        told: list[Effect] = [Emit(say.input_committed(item_id, before)), *_entered(item, before), *effects]
        if heard is None:
            self._memory.pending.add(item_id)
            return told
        return [*told, *self._understood(item_id, heard)]

    def _understood(self, item_id: str, heard: Heard | None) -> list[Effect]:
        self._memory.understood(item_id, heard, show=self.transcribing)
        if not self.transcribing:
            return []
        if heard is None:
            told = "The speech could not be recognised."
            return [Emit(say.transcription_failed(item_id, "transcription_failed", told))]
        seconds = self._memory.audio_ms.get(item_id, 0) / 1000
        completed = Emit(say.transcription_completed(item_id, heard.text, seconds))
        return (
            [Emit(say.transcription_delta(item_id, heard.text)), completed] if heard.text else [completed]
        )

    def _forget_utterance(self) -> list[Effect]:
        self._utterance = None
        return self._recognition.drop()


def _entered(item: dict[str, Any], before: str | None) -> list[Effect]:
    """A whole item is in the conversation."""
    return [Emit(say.item_added(deepcopy(item), before)), Emit(say.item_done(deepcopy(item), before))]
