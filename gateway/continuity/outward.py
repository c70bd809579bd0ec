"""Events of the call on their way to the provider in force: noted, ids translated, sent or answered here. Pure.

What is about an item that the provider knows only as seeded text, or not at all, is answered here: it has no audio of
it to truncate, and could not give the item back as it was.
"""

from __future__ import annotations

from typing import Any

from gateway.continuity.effects import Effect, ToModel
from gateway.continuity.history import Entry
from gateway.continuity.pending import Wish
from gateway.continuity.seeding import picture
from gateway.continuity.spoken import rest_of
from gateway.continuity.state import State
from gateway.ports import Event
from personas.prompt import said_exactly, say_exactly

__all__ = ["HOLD_S", "Outward"]

HOLD_S = 30.0
"""How long a reply is held back for the result of a tool that a lost provider called."""


class Outward:
    def __init__(self, state: State) -> None:
        self._state = state

    def event(self, event: Event, now: float) -> list[Effect]:
        """What follows from an event of the call."""
        state = self._state
        match event["type"]:
            case "session.update":
                wish = state.wish(event, now)
                state.inforce.update(wish.event_id, wish.event["session"])
                state.marks.manual = state.inforce.turns is None
                return self._send(wish)
            case "input_audio_buffer.commit" | "input_audio_buffer.clear":
                return self._send(state.wish(event, now))
            case "conversation.item.create":
                return self._create(event, now)
            case "conversation.item.retrieve" | "conversation.item.truncate" | "conversation.item.delete":
                return self._about(event, now)
            case "response.create":
                return self.release(now, state.wish(event, now))
            case "response.cancel":
                return self._cancel(event, now)
            case _:
                return [] if state.link is None else [ToModel(state.link, event)]

    def release(self, now: float, *wishes: Wish) -> list[Effect]:
        """Send these `response.create`, or all that were held back, unless a tool's result is still to come."""
        state = self._state
        effects: list[Effect] = []
        for wish in wishes or state.pending.of("response.create"):
            held = state.awaits_tool and not wish.beside and now - wish.since < HOLD_S
            if not wish.sent and not held:
                effects += self._send(wish)
        return effects

    def send(self, wish: Wish) -> list[Effect]:
        """Send a wish as it is, once there is a link."""
        return self._send(wish)

    # ── items ──

    def _create(self, event: Event, now: float) -> list[Effect]:
        state = self._state
        item = dict(event["item"])
        if not item.get("id"):
            item["id"] = state.ids.items.new()
        wish = state.wish({**event, "item": item}, now)
        effects: list[Effect] = []
        called = self._called(item)
        if called is not None and state.link is not None:
            effects += self._seed_call(called)
        previous_id = event.get("previous_item_id")
        if state.history.find(item["id"]) is None and (
            previous_id in (None, "root") or state.history.find(previous_id) is not None
        ):
            # It counts from now on; should the provider refuse it, it never was.
            entry = state.history.put(item, previous_id)
            entry.wished = True
            entry.open = entry.open and entry.kind == "function_call"
        effects += self._send(wish)
        return [*effects, *self.release(now)]

    def _called(self, item: dict[str, Any]) -> Entry | None:
        """The call whose output this is, when the provider in force has not heard of it."""
        if item.get("type") != "function_call_output":
            return None
        state = self._state
        entry = state.history.find(state.history.outstanding.get(item.get("call_id") or ""))
        return None if entry is None or state.knows(entry.id) else entry

    def _seed_call(self, entry: Entry) -> list[Effect]:
        state = self._state
        (item,) = picture(entry)
        state.seed(entry.id, "")
        theirs = state.ids.items.for_seeding(entry.id)
        item = {**item, "id": theirs, "call_id": state.ids.calls.for_pair(entry.call_id)}
        return [
            state.command("conversation.item.create", item=item, previous_item_id=self._place(entry.id))
        ]

    def _about(self, event: Event, now: float) -> list[Effect]:
        state = self._state
        kind, item_id = event["type"], event["item_id"]
        entry = state.history.find(item_id)
        # What was just asked for is on its way there, ahead of this.
        known = entry is None or entry.wished or item_id in state.native
        if kind == "conversation.item.truncate" and entry is not None and known:
            entry.cut(event["audio_end_ms"])
        if state.link is not None and known:
            wish = state.wish(event, now)
            if kind == "conversation.item.delete" and entry is not None:
                entry.doomed = True
            return self._send(wish)
        return self.answer(event)

    def answer(self, event: Event | Wish) -> list[Effect]:
        """Answer in the provider's place what is asked about an item."""
        state = self._state
        asked = event.event if isinstance(event, Wish) else event
        kind, item_id = asked["type"], asked["item_id"]
        entry = state.history.find(item_id)
        verb = kind.rpartition(".")[2]
        if entry is None:
            told = f"Item with item_id '{item_id}' not found."
            return [state.fault(event, f"item_{verb}_invalid_item_id", told, "item_id")]
        if verb == "retrieve":
            return [state.tell({"type": "conversation.item.retrieved", "item": entry.whole()})]
        if verb == "delete":
            effects = self._drop(entry)
            state.history.remove(item_id)
            return [*effects, state.tell({"type": "conversation.item.deleted", "item_id": item_id})]
        if not isinstance(event, Wish):
            if not entry.audio_bytes:
                told = "Only model output audio messages can be truncated."
                return [state.fault(event, "unsupported_content_type", told, "item_id")]
            end_ms = asked["audio_end_ms"]
            if end_ms > entry.audio_ms:
                told = f"Audio content of {entry.audio_ms}ms is already shorter than {end_ms}ms."
                return [state.fault(event, "invalid_value", told, "audio_end_ms")]
            entry.cut(end_ms)
        where = {key: asked[key] for key in ("item_id", "content_index", "audio_end_ms")}
        return [*self._reword(entry), state.tell({"type": "conversation.item.truncated", **where})]

    def _reword(self, entry: Entry) -> list[Effect]:
        """Have the provider know the item as it now is: it is created anew in its place."""
        state = self._state
        if entry.id not in state.seeded or state.seeded[entry.id] == entry.spoken:
            return []
        effects = self._drop(entry)
        for item in picture(entry):
            state.seed(entry.id, entry.spoken)
            place = self._place(entry.id)
            item = {**item, "id": state.ids.items.for_seeding(entry.id)}
            effects.append(state.command("conversation.item.create", item=item, previous_item_id=place))
        return effects

    def _drop(self, entry: Entry) -> list[Effect]:
        """Have the provider forget a seeded item, without the call hearing of it."""
        state = self._state
        if state.link is None or state.seeded.pop(entry.id, None) is None:
            return []
        theirs = state.ids.items.outward(entry.id)
        state.hidden[theirs] = None
        return [state.command("conversation.item.delete", item_id=theirs)]

    def _place(self, item_id: str) -> str:
        """The nearest item before this one that the provider knows, by its id; `root` when there is none."""
        state = self._state
        # What was just sent will be there by then.
        known = (e.id for e in state.history.before(item_id) if e.wished or state.knows(e.id))
        before = next(known, None)
        return "root" if before is None else state.ids.items.outward(before)

    # ── responses ──

    def _cancel(self, event: Event, now: float) -> list[Effect]:
        state = self._state
        response_id = event.get("response_id")
        state.replies.cancel(response_id)
        if state.link is None:
            # What ran has been ended; what is only asked for is asked for no more.
            waiting = None if response_id else next(iter(state.pending.of("response.create")), None)
            if waiting is None:
                return []
            state.pending.remove(waiting)
            told = "The response was cancelled before it began."
            return [] if waiting.own else [state.fault(waiting, "response_cancelled", told)]
        if response_id is not None and state.ids.responses.is_foreign(response_id):
            return []
        return [ToModel(state.link, self._theirs(event))]

    # ── sending ──

    def _send(self, wish: Wish) -> list[Effect]:
        state = self._state
        if state.link is None:
            return []
        wish.sent = True
        return [ToModel(state.link, self._theirs(wish.event))]

    def _theirs(self, event: Event) -> Event:
        """The event with the ids that the provider in force knows."""
        state = self._state
        if state.first:
            return event
        ids = state.ids
        changes: dict[str, Any] = {}
        for key, table in (("item_id", ids.items), ("response_id", ids.responses)):
            if event.get(key):
                changes[key] = table.outward(event[key])
        previous_id = event.get("previous_item_id")
        if previous_id not in (None, "root") and state.history.find(previous_id) is not None:
            known = state.knows(previous_id)
            changes["previous_item_id"] = (
                ids.items.outward(previous_id) if known else self._place(previous_id)
            )
        item = event.get("item")
        if item is not None and item.get("call_id"):
            changes["item"] = {**item, "call_id": ids.calls.outward(item["call_id"])}
        if event["type"] == "response.create":
            changes["response"] = self._asked(event.get("response") or {})
            if not changes["response"]:
                del changes["response"]
        return {**event, **changes} if changes else event

    def _asked(self, response: dict[str, Any]) -> dict[str, Any]:
        """The parameters of a reply: references to items translated, and of words that were to be said exactly only
        those that the caller has not heard yet."""
        state = self._state
        changes: dict[str, Any] = {}
        given = response.get("input")
        if given:
            changes["input"] = [
                {**one, "id": state.ids.items.outward(one["id"])}
                if one.get("type") == "item_reference"
                else one
                for one in given
            ]
        exact = said_exactly(response.get("instructions"))
        broken = state.history.find(state.replies.unfinished)
        if exact is not None and broken is not None:
            changes["instructions"] = say_exactly(rest_of(exact, broken.spoken))
        return {**response, **changes} if changes else response
