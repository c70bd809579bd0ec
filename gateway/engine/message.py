"""The assistant message of a response while it is being said: its words, cut into clauses, and their audio."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from gateway.engine.effects import Effect, Emit, Speak
from gateway.engine.plan import Plan
from gateway.engine.spoken import Spoken
from gateway.realtime import server_events as say
from gateway.realtime.ids import new_id
from gateway.speech.clauses import Clause, ClauseCutter, Phrasing
from media.audio import PCM24

__all__ = ["Message"]

Item = dict[str, Any]


class Message:
    """Words in, effects out. In text they go straight to the client; in speech clause by clause to the voice, and
    to the client just before the audio they belong to."""

    def __init__(self, plan: Plan, phrasing: Phrasing) -> None:
        self.item: Item = {
            "id": new_id("item"),
            "object": "realtime.item",
            "type": "message",
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }
        self.spoken = Spoken()
        self._plan = plan
        self._cutter = ClauseCutter(phrasing)
        self._clauses: list[Clause] = []
        self._begun = 0
        self._said = 0
        self._text = ""
        self._space = ""
        """White space at the end of the text so far: part of it if more follows."""

    @property
    def id(self) -> str:
        return str(self.item["id"])

    @property
    def said(self) -> bool:
        """Whether the voice has done all it was asked for."""
        return self._said == len(self._clauses)

    @property
    def words(self) -> str:
        """What has been given to the client of it."""
        return self._text if self._plan.text else self.spoken.transcript

    def open(self) -> list[Effect]:
        """Its first event, once its item is in the response."""
        part = {"type": "text", "text": ""} if self._plan.text else {"type": "audio", "transcript": ""}
        return [Emit(say.response_part_added(self._plan.response_id, self.id, 0, part))]

    def add(self, text: str) -> list[Effect]:
        """The next piece of its words."""
        if not self._plan.text:
            return self._ask(self._cutter.feed(text))
        text = self._space + text
        delta = text.rstrip()
        self._space = text[len(delta) :]
        self._text += delta
        return [Emit(say.response_text_delta(self._plan.response_id, self.id, 0, delta))] if delta else []

    def end(self) -> list[Effect]:
        """No more words come."""
        return [] if self._plan.text else self._ask(self._cutter.end())

    def chunk(self, number: int, pcm: bytes) -> list[Effect]:
        """Audio of clause `number`, PCM16 24 kHz. The words of a clause go out just before its first audio, and
        a clause is followed by its pause."""
        return [*self._begin(number + 1), *self._audio(pcm)]

    def spoke(self, number: int) -> list[Effect]:
        """The voice is done with clause `number`. It may have made no sound; its words are said all the same."""
        self._said = number + 1
        effects = self._begin(number + 1)
        self.spoken.end()
        return effects

    def close(self, status: str) -> list[Effect]:
        """Its last events before its item is done."""
        response_id, words = self._plan.response_id, self.words
        self.item["status"] = status
        if self._plan.text:
            self.item["content"] = [{"type": "output_text", "text": words}]
            part = {"type": "text", "text": words}
            events = [say.response_text_done(response_id, self.id, 0, words)]
        else:
            self.item["content"] = [{"type": "output_audio", "transcript": words}]
            part = {"type": "audio", "transcript": words}
            events = [
                say.response_audio_done(response_id, self.id, 0),
                say.response_transcript_done(response_id, self.id, 0, words),
            ]
        events.append(say.response_part_done(response_id, self.id, 0, deepcopy(part)))
        return [Emit(event) for event in events]

    def _ask(self, clauses: tuple[Clause, ...]) -> list[Effect]:
        plan, first = self._plan, len(self._clauses)
        self._clauses += clauses
        return [
            Speak(plan.response_id, number, clause.text, plan.voice, plan.speed)
            for number, clause in enumerate(clauses, first)
        ]

    def _begin(self, count: int) -> list[Effect]:
        """The words of the first `count` clauses, as far as they are not out yet, each after its pause."""
        effects: list[Effect] = []
        while self._begun < count:
            if self._begun and (pause := self._pause(self._clauses[self._begun - 1])):
                effects += self._audio(pause)
            delta = self.spoken.begin(self._clauses[self._begun].text)
            effects.append(Emit(say.response_transcript_delta(self._plan.response_id, self.id, 0, delta)))
            self._begun += 1
        return effects

    def _pause(self, clause: Clause) -> bytes:
        return bytes(PCM24.to_bytes(round(clause.pause_ms / self._plan.speed)))

    def _audio(self, pcm: bytes) -> list[Effect]:
        self.spoken.audio(len(pcm))
        return [Emit(say.response_audio_delta(self._plan.response_id, self.id, 0, pcm))]
