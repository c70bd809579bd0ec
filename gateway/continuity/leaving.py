"""A link is gone: what ran on it is ended in its provider's place, and a phrase covers the gap. Pure."""

from __future__ import annotations

from typing import Any

from gateway.continuity.effects import Effect
from gateway.continuity.outward import Outward
from gateway.continuity.parts import Reply
from gateway.continuity.state import State
from gateway.realtime.response import BRIDGING, Usage, response_object

__all__ = ["Leaving"]

CHUNK_MS = 200
"""Of the phrase: what providers send at once."""

ANSWERED_HERE = ("conversation.item.truncate", "conversation.item.delete", "conversation.item.retrieve")


class Leaving:
    def __init__(self, state: State, outward: Outward) -> None:
        self._state = state
        self._outward = outward

    def leave(self, *, phrase: bool) -> list[Effect]:
        """The link in force is none any more. `phrase`: say the bridging phrase when a reply is owed."""
        state = self._state
        state.link = None
        state.native.clear()
        state.seeded.clear()
        state.pending.unsend()
        effects: list[Effect] = []
        owed = state.replies.owed or any(not wish.beside for wish in state.pending.of("response.create"))
        for reply in state.replies.running:
            owed = owed or not (reply.beside or reply.cancelled or reply.whole)
            effects += self._end(reply)
        for wish in state.pending.of(*ANSWERED_HERE):
            state.pending.remove(wish)
            effects += self._outward.answer(wish)
        if phrase and owed and state.marks.speech is None:
            effects += self._phrase()
        return effects

    def _end(self, reply: Reply) -> list[Effect]:
        """End one response: completed when nothing of it was missing."""
        state = self._state
        whole = {part.id for part in reply.parts.values() if part.whole}
        status, events = reply.ending()
        effects: list[Effect] = []
        for event in events:
            if event["type"] == "conversation.item.done":
                previous_id = state.history.told_before(event["item"]["id"])
                event = {**event, "previous_item_id": previous_id}
            effects.append(state.tell(event))
        state.replies.over(reply.id)
        if reply.beside:
            return effects
        for part in reply.parts.values():
            entry = state.history.find(part.id)
            if entry is None:
                continue
            state.history.put(part.item)
            entry.done = True
            if part.id in whole:
                continue
            if entry.kind == "message":
                entry.broken = True
                if status == "failed" and entry.spoken:
                    state.replies.unfinished = entry.id
            else:
                entry.mute = True
        return effects

    def _phrase(self) -> list[Effect]:
        """The bridging phrase, as a whole response that nobody asked for."""
        state = self._state
        found = (
            None
            if state.inforce.silent or state.replies.bridged
            else state.settings.phrase(state.inforce.voice)
        )
        if found is None:
            return []
        text, audio = found
        chunk = state.settings.form.to_bytes(CHUNK_MS)
        state.replies.bridged = True
        item_id, response_id = state.ids.items.new(), state.ids.responses.new()
        item: dict[str, Any] = {
            "id": item_id, "object": "realtime.item", "type": "message", "role": "assistant",
            "status": "in_progress", "content": [],
        }  # fmt: skip
        entry = state.history.put(item)
        entry.mute = entry.voiced = True
        entry.text, entry.audio_bytes = text, len(audio)
        done = {**item, "status": "completed", "content": [{"type": "output_audio", "transcript": text}]}
        listed = {"previous_item_id": state.history.told_before(item_id)}
        in_response = {"response_id": response_id, "output_index": 0}
        at = {**in_response, "item_id": item_id, "content_index": 0}
        told: list[dict[str, Any]] = [
            {"type": "response.created", "response": self._response(response_id, "in_progress")},
            {"type": "response.output_item.added", **in_response, "item": item},
            {"type": "conversation.item.added", **listed, "item": item},
            {"type": "response.content_part.added", **at, "part": {"type": "audio", "transcript": ""}},
            {"type": "response.output_audio_transcript.delta", **at, "delta": text},
        ]
        for start in range(0, len(audio), chunk):
            delta = audio[start : start + chunk]
            told.append({"type": "response.output_audio.delta", **at, "delta": delta})
        told += [
            {"type": "response.output_audio.done", **at},
            {"type": "response.output_audio_transcript.done", **at, "transcript": text},
            {"type": "response.content_part.done", **at, "part": {"type": "audio", "transcript": text}},
            {"type": "conversation.item.done", **listed, "item": done},
            {"type": "response.output_item.done", **in_response, "item": done},
            {"type": "response.done", "response": self._response(response_id, "completed", done)},
        ]
        state.history.put(done)
        entry.added = entry.done = True
        return [state.tell(event) for event in told]

    def _response(self, response_id: str, status: Any, *output: dict[str, Any]) -> dict[str, Any]:
        state = self._state
        return response_object(
            response_id=response_id,
            status=status,
            conversation_id=state.conversation_id or "conv_lasting",
            output_modalities=["audio"],
            audio_format=state.inforce.format,
            voice=state.inforce.voice,
            output=output,
            metadata=dict(BRIDGING),
            usage=Usage() if output else None,
        )
