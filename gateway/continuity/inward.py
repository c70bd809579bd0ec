"""Events of the provider in force on their way to the call: ids translated, state noted, repetitions left out. Pure."""

from __future__ import annotations

from typing import Any

from gateway.continuity.effects import Effect, Proven, ToModel
from gateway.continuity.history import ROOT
from gateway.continuity.pending import Wish
from gateway.continuity.refusals import Refusals
from gateway.continuity.state import State
from gateway.continuity.translation import Translation
from gateway.ports import Event

__all__ = ["Inward"]


class Inward:
    def __init__(self, state: State, refusals: Refusals) -> None:
        self._state = state
        self._refusals = refusals
        self._ids = Translation(state.ids)

    def event(self, event: Event) -> list[Effect]:
        """What follows from an event of the link in force."""
        state = self._state
        kind: str = event["type"]
        if kind == "error":
            return self._refusals.error(event)
        if kind.startswith("response."):
            return self._response(kind, event)
        if kind.startswith("input_audio_buffer."):
            return self._heard(kind, event)
        if kind.startswith("conversation.item.input_audio_transcription."):
            return self._words(kind, self._ids.translated(event))
        if kind.startswith("conversation.item."):
            return self._item(kind, event)
        if kind == "session.updated":
            return self._updated(event)
        if kind in ("session.created", "conversation.created") and not state.first:
            return []
        return [state.tell(self._ids.translated(event))]

    # ── the caller ──

    def _heard(self, kind: str, event: Event) -> list[Effect]:
        state, marks = self._state, self._state.marks
        known = self._repeated(kind, event)
        if known is not None:
            return known
        event = self._ids.translated(event)
        for key in ("audio_start_ms", "audio_end_ms"):
            if key in event and not state.first:
                event = {**event, key: marks.to_call(event[key])}
        match kind:
            case "input_audio_buffer.speech_started":
                state.replies.owed = False
                marks.began(event["item_id"], event["audio_start_ms"])
            case "input_audio_buffer.speech_stopped":
                repeated = marks.speech is not None and marks.speech.to_ms is not None
                marks.stopped(event["audio_end_ms"])
                if repeated:
                    return []
            case "input_audio_buffer.committed":
                return self._committed(event)
            case "input_audio_buffer.cleared":
                wish = state.pending.answered(event)
                marks.cleared(marks.total_ms if wish is None else wish.at_ms)
            case _:
                pass
        return [state.tell(event)]

    def _repeated(self, kind: str, event: Event) -> list[Effect] | None:
        """What follows from what the call was told before, by a provider that is gone: the item it is about has a
        name already. None when it is news."""
        state, speech = self._state, self._state.marks.speech
        items, theirs = state.ids.items, event.get("item_id", "")
        if kind == "input_audio_buffer.speech_started" and speech is not None and speech.carried:
            # The same speech, heard again from its beginning.
            items.bind(theirs, speech.item_id)
            speech.carried = False
            return []
        if kind != "input_audio_buffer.committed" or not state.adopted:
            return None
        _, known = state.adopted.popleft()
        if known is None:
            if speech is not None and speech.carried:
                # Its end is news; what it would be called was told when it began.
                items.bind(theirs, speech.item_id)
            return None
        if state.history.find(known) is None:
            # The call has had it deleted meanwhile.
            state.hidden[theirs] = None
            return [state.command("conversation.item.delete", item_id=theirs)]
        items.bind(theirs, known)
        state.native.add(known)
        return []

    def _committed(self, event: Event) -> list[Effect]:
        state = self._state
        item_id = event["item_id"]
        speech = state.marks.speech
        # Speech that was told to have ended is committed by whoever told it, whatever the call asked for meanwhile.
        ended = speech is not None and speech.item_id == item_id and speech.to_ms is not None
        wish = None if ended else state.pending.committed()
        state.marks.committed(item_id, at_ms=None if wish is None else wish.at_ms)
        content = [{"type": "input_audio", "transcript": None}]
        shape = {
            "id": item_id, "object": "realtime.item", "type": "message", "role": "user", "status": "completed",
            "content": content,
        }  # fmt: skip
        entry = state.history.put(shape, self._after(event))
        entry.open = True
        state.native.add(item_id)
        # A turn that is taken anew is answered anew; what broke off before it is over.
        state.replies.unfinished = None
        if wish is None and state.inforce.answers:
            state.replies.owed = True
        return [state.tell(self._placed(event, item_id))]

    def _words(self, kind: str, event: Event) -> list[Effect]:
        state = self._state
        entry = state.history.find(event["item_id"])
        if entry is None:
            return [state.tell(event)]
        if kind.endswith(".delta"):
            # What a lost provider began to tell, its successor tells whole at the end only.
            if entry.told_by not in (None, state.link):
                return []
            entry.told_by = state.link
        elif kind.endswith((".completed", ".failed")):
            entry.text = event.get("transcript") or ""
            entry.open = False
            state.marks.understood(entry.id)
        return [state.tell(event)]

    # ── items ──

    def _item(self, kind: str, event: Event) -> list[Effect]:
        state = self._state
        theirs = event.get("item_id") or (event.get("item") or {}).get("id")
        if theirs in state.hidden:
            if kind == "conversation.item.deleted":
                state.hidden.pop(theirs)
            return []
        event = self._ids.translated(event)
        match kind:
            case "conversation.item.added" | "conversation.item.created" | "conversation.item.done":
                return self._listed(kind, event)
            case "conversation.item.deleted":
                state.history.remove(event["item_id"])
                state.pending.answered(event)
            case "conversation.item.truncated" | "conversation.item.retrieved":
                state.pending.answered(event)
            case _:
                pass
        return [state.tell(event)]

    def _listed(self, kind: str, event: Event) -> list[Effect]:
        state = self._state
        item_id = event["item"]["id"]
        wish = state.pending.answered(event)
        known = state.history.find(item_id)
        state.arriving.discard(item_id)
        if known is not None and (known.done if kind.endswith("done") else known.added):
            return []
        if item_id in state.seeded and known is not None:
            # Its own words, and not those it was given anew with.
            event = {**event, "item": {**event["item"], **known.item}}
        after = ROOT if _at_root(wish) else self._after(event)
        if known is not None and not known.added and item_id not in state.seeded:
            # Only now its place is known.
            state.history.place(item_id, after)
        entry = state.history.put(event["item"], after)
        entry.wished = False
        if item_id not in state.seeded:
            state.native.add(item_id)
        entry.added = True
        entry.done = not kind.endswith("added")
        return [state.tell(self._placed(event, item_id))]

    # ── responses ──

    def _response(self, kind: str, event: Event) -> list[Effect]:
        state = self._state
        event = self._ids.translated(event)
        if kind == "response.created":
            response = self._of_conversation(event["response"])
            beside = response.get("conversation_id", "") is None
            # A turn that the provider answers by itself comes first, whatever the call asked for meanwhile.
            if beside or not state.replies.owed:
                state.pending.created(beside=beside)
            state.replies.began(response, state.pending.count)
            return [state.tell({**event, "response": response})]
        if kind == "response.done":
            return self._done({**event, "response": self._of_conversation(event["response"])})
        if "response_id" not in event:
            return [state.tell(event)]
        reply = state.replies.find(event["response_id"])
        if reply is None:
            return []
        if not reply.beside:
            self._remember(kind, event)
        return [state.tell(event)]

    def _remember(self, kind: str, event: Event) -> None:
        """What a response in the conversation adds to it."""
        history = self._state.history
        if kind in ("response.output_item.added", "response.output_item.done"):
            item_id = event["item"]["id"]
            known = history.find(item_id) is not None
            # What ends and is not there was deleted while it was being said.
            if known or kind.endswith("added"):
                history.put(event["item"], history.last_settled)
            if not known:
                self._state.native.add(item_id)
            return
        entry = history.find(event.get("item_id"))
        if entry is None:
            return
        match kind:
            case "response.output_audio.delta":
                entry.voiced = True
                entry.audio_bytes += len(event["delta"])
            case "response.output_audio_transcript.delta" | "response.output_text.delta":
                entry.text += event["delta"]
            case "response.output_audio_transcript.done":
                entry.text = event["transcript"]
            case "response.output_text.done":
                entry.text = event["text"]
            case _:
                pass

    def _done(self, event: Event) -> list[Effect]:
        state = self._state
        response = event["response"]
        reply = state.replies.over(response["id"])
        if reply is None:
            return []
        effects: list[Effect] = [state.tell(event)]
        if not reply.beside:
            state.pending.passed(reply.wishes)
            state.replies.unfinished = None
            effects += self._forget_carry_on()
        if response.get("status") == "completed" and state.link is not None:
            state.replies.bridged = False
            effects.append(Proven(state.link))
        return effects

    def _forget_carry_on(self) -> list[ToModel]:
        state = self._state
        theirs, state.carry_on = state.carry_on, None
        return [] if theirs is None else [state.command("conversation.item.delete", item_id=theirs)]

    # ── the rest ──

    def _updated(self, event: Event) -> list[Effect]:
        state = self._state
        if state.own_updates:
            state.own_updates -= 1
            return []
        wish = state.pending.answered(event)
        if wish is not None:
            state.inforce.accepted(wish.event_id)
        return [state.tell(event)]

    # ── ids ──

    def _after(self, event: Event) -> str:
        """After which item of the call's the provider has put the one that this event is about."""
        state, previous = self._state, event.get("previous_item_id")
        ours = (
            state.hidden[previous]
            if previous in state.hidden
            else previous and state.ids.items.inward(previous)
        )
        if not ours or state.history.find(ours) is None:
            return state.history.last_settled
        # What it did not know of when it said so stands before whatever it adds.
        return state.history.past(
            ours,
            lambda entry: not entry.wished and (entry.id in state.arriving or not state.knows(entry.id)),
        )

    def _placed(self, event: Event, item_id: str) -> Event:
        """The event with the item that the call has before it."""
        if self._state.first or "previous_item_id" not in event:
            return event
        return {**event, "previous_item_id": self._state.history.told_before(item_id)}

    def _of_conversation(self, response: dict[str, Any]) -> dict[str, Any]:
        """The response in the one conversation that the call knows."""
        state = self._state
        told = response.get("conversation_id")
        if told is None:
            return response
        if state.conversation_id is None:
            state.conversation_id = told
        return (
            response
            if told == state.conversation_id
            else {**response, "conversation_id": state.conversation_id}
        )


def _at_root(wish: Wish | None) -> bool:
    return wish is not None and wish.event.get("previous_item_id") == "root"
