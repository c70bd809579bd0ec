"""Errors of the provider in force: whose event each is about, and what is then not so. Pure."""

from __future__ import annotations

from typing import Any

from gateway.continuity.effects import Effect
from gateway.continuity.history import Entry
from gateway.continuity.pending import OWN, Wish
from gateway.continuity.state import State
from gateway.ports import Event

__all__ = ["Refusals"]

UNASKED = {
    "input_audio_buffer_commit_empty": "input_audio_buffer.commit",
    "conversation_already_has_active_response": "response.create",
}
"""Errors that tell which event they are about even when they name none."""


class Refusals:
    def __init__(self, state: State) -> None:
        self._state = state

    def error(self, event: Event) -> list[Effect]:
        state = self._state
        told: dict[str, Any] = event.get("error") or {}
        event_id = told.get("event_id") or ""
        wish = state.pending.refused(event_id) if event_id else None
        if wish is None and not event_id and (kind := UNASKED.get(told.get("code") or "")):
            wish = next((w for w in state.pending.of(kind) if w.sent), None)
            if wish is not None:
                state.pending.remove(wish)
        if wish is None:
            return self._own_error(event_id) if event_id.startswith(OWN) else [state.tell(event)]
        self._undo(wish)
        if wish.own:
            return []
        if not wish.named:
            event = {**event, "error": {**told, "event_id": None}}
        return [state.tell(event)]

    def _undo(self, wish: Wish) -> None:
        """The provider refused it: what was noted down about it is not so."""
        state = self._state
        match wish.kind:
            case "session.update":
                state.inforce.refused(wish.event_id)
                state.marks.manual = state.inforce.turns is None
            case "conversation.item.create":
                entry = state.history.find(wish.item_id)
                if entry is not None and not entry.added:
                    state.history.remove(entry.id)
            case "conversation.item.delete":
                entry = state.history.find(wish.item_id)
                if entry is not None:
                    entry.doomed = False
            case "input_audio_buffer.commit":
                self._not_adopted(wish.event_id)
            case _:
                pass

    def _own_error(self, event_id: str) -> list[Effect]:
        """The provider refused what we asked for ourselves: speech it cannot commit will have no words."""
        item_id = self._not_adopted(event_id)
        entry = self._state.history.find(item_id)
        return [] if entry is None else [self.unheard(entry)]

    def unheard(self, entry: Entry) -> Effect:
        """Nobody will ever tell the words of this item."""
        entry.open, entry.lost = False, True
        self._state.marks.understood(entry.id)
        told = {"type": "transcription_error", "code": "audio_lost", "message": "The audio was lost."}
        kind = "conversation.item.input_audio_transcription.failed"
        return self._state.tell({"type": kind, "item_id": entry.id, "content_index": 0, "error": told})

    def _not_adopted(self, event_id: str) -> str | None:
        for commit in self._state.adopted:
            if commit[0] == event_id:
                self._state.adopted.remove(commit)
                return commit[1]
        return None
