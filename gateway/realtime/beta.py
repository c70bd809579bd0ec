"""The old (beta) protocol, translated both ways: client events to it, server events from it. Sans-IO.

Sources: the renames of Azure OpenAI's migration from preview to GA, and both families of types in the `openai` package
(`openai.types.beta.realtime`, `openai.types.realtime`). Servers that speak it: Azure OpenAI with an api-version, Azure
Voice Live, older servers of other makers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.realtime.beta_items import item_from_beta, item_to_beta, response_from_beta, response_to_beta
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.flat_session import is_flat, only, session_from_beta, session_to_beta
from gateway.realtime.ids import new_id
from gateway.realtime.server_fields import FIELDS

__all__ = ["RENAMED", "Beta", "complete"]

Event = dict[str, Any]

RENAMED = {
    f"response.{old}.{step}": f"response.output_{old}.{step}"
    for old in ("text", "audio", "audio_transcript")
    for step in ("delta", "done")
}
"""Server events whose name changed, and nothing else about them."""

ERROR = ("type", "code", "message", "param", "event_id")
PART = ("type", "text", "audio", "transcript")
ALWAYS = frozenset({"type", "event_id"})
CREATED = "conversation.item.created"
MADE_BY_A_RESPONSE = frozenset({"function_call", "mcp_call", "mcp_list_tools", "mcp_approval_request"})


@dataclass(slots=True)
class Begun:
    """An item that a response makes, until it is done."""

    response_id: str | None = None
    name: str = ""
    """Of a function call."""
    call_id: str = ""
    added: Event | None = None
    """The `conversation.item.added` that told of it; None while the conversation has not got it."""


class Beta:
    """One connection: what is under way there decides how `conversation.item.created` is told.

    Today's protocol tells an item twice, when it begins and when it is final. An item that a client or committed audio
    made is both at once; one that a response makes is done only with its `response.output_item.done`. What is under
    way is forgotten with its response, so its number is bounded by what a response may put out.
    """

    def __init__(self) -> None:
        self._begun: dict[str, Begun] = {}

    # ── up ─────────────────────────────────────────────────────────────────────────────────────────────────

    def up(self, event: Event) -> list[Event]:
        """The client event as the old protocol has it. Raises ProtocolFault for what that cannot say."""
        match event["type"]:
            case "session.update":
                return [{**event, "session": session_to_beta(event["session"])}]
            case "conversation.item.create":
                return [{**event, "item": item_to_beta(event["item"])}]
            case "response.create" if event.get("response"):
                return [{**event, "response": response_to_beta(event["response"])}]
            case "output_audio_buffer.clear":
                told = "This model plays nothing itself, so there is nothing to clear."
                raise ProtocolFault("invalid_value", told, "type")
            case _:
                return [event]

    # ── down ───────────────────────────────────────────────────────────────────────────────────────────────

    def down(self, event: Event) -> list[Event]:
        """What today's protocol says instead of one server event: nothing for a kind that it does not know. Audio
        deltas are decoded already, and stay as they are."""
        kind = event["type"] = RENAMED.get(event["type"], event["type"])
        if kind != CREATED and kind not in FIELDS:
            return []
        match kind:
            case "session.created" | "session.updated" if is_flat(event["session"]):
                event["session"] = session_from_beta(event["session"])
            case "conversation.item.created":
                return self._created(event)
            case "conversation.item.retrieved" | "conversation.item.added" | "conversation.item.done":
                event["item"] = item_from_beta(event.get("item"))
                if event["item"] is None:
                    return []
            case "conversation.item.deleted":
                self._begun.pop(event["item_id"], None)
            case "response.output_item.added" | "response.output_item.done":
                return self._output_item(event)
            case "response.function_call_arguments.delta" | "response.function_call_arguments.done":
                self._name(event)
            case "response.created":
                event["response"] = response_from_beta(event["response"])
            case "response.done":
                return self._response_done(event)
            case _:
                pass
        return [known(complete(event))]

    def _created(self, event: Event) -> list[Event]:
        item = item_from_beta(event.get("item"))
        if item is None or "id" not in item:
            return []
        begun = self._begun.get(item["id"])
        if begun is None and "object" in item:
            item.setdefault("status", "completed")  # Voice Live leaves it out where it can be no other
        before = event.get("previous_item_id")
        added = _event("conversation.item.added", event, item=item, previous_item_id=before)
        if begun is None and item.get("status") == "in_progress" and _by_response(item):
            begun = self._begun[item["id"]] = Begun(
                name=item.get("name", ""), call_id=item.get("call_id", "")
            )
        if begun is not None:
            begun.added = added
            return [added]
        return [added, _event("conversation.item.done", {}, item=item, previous_item_id=before)]

    def _output_item(self, event: Event) -> list[Event]:
        item = event["item"] = item_from_beta(event.get("item"))
        if item is None or "id" not in item:
            return []
        event = known(complete(event))
        if event["type"] == "response.output_item.added":
            begun = self._begun.setdefault(item["id"], Begun())
            begun.response_id = event.get("response_id")
            begun.name, begun.call_id = item.get("name", ""), item.get("call_id", "")
            return [event]
        return [*self._item_done(self._begun.pop(item["id"], None), item), event]

    def _item_done(self, begun: Begun | None, item: dict[str, Any]) -> list[Event]:
        """The conversation's item is final, if the conversation ever got it (out of band it does not)."""
        if begun is None or begun.added is None:
            return []
        before = begun.added.get("previous_item_id")
        return [_event("conversation.item.done", {}, item=item, previous_item_id=before)]

    def _response_done(self, event: Event) -> list[Event]:
        """No item outlives its response: what was cut short is done as the response shows it."""
        response = event["response"] = response_from_beta(event["response"])
        final = {item.get("id"): item for item in response["output"]}
        ended: list[Event] = []
        for item_id, begun in list(self._begun.items()):
            if begun.response_id not in (None, response["id"]):
                continue
            del self._begun[item_id]
            if begun.added is not None:
                item = final.get(item_id) or {**begun.added["item"], "status": "incomplete"}
                ended += self._item_done(begun, item)
        return [*ended, known(complete(event))]

    def _name(self, event: Event) -> None:
        begun = self._begun.get(event["item_id"], Begun())
        event.setdefault("call_id", begun.call_id)
        if event["type"].endswith(".done") and not event.get("name"):
            event["name"] = begun.name


def complete(event: Event) -> Event:
    """The same event with what today's protocol requires and other servers leave out."""
    if not event.get("event_id"):
        event["event_id"] = new_id("event")
    kind = event["type"]
    fields = FIELDS.get(kind, frozenset())
    for index in ("content_index", "output_index"):
        if index in fields and event.get(index) is None:
            event[index] = 0
    match kind:
        case "error":
            event["error"] = {"type": "server_error", "message": "", **only(event.get("error"), ERROR)}
        case "response.content_part.added" | "response.content_part.done":
            event["part"] = only(event.get("part"), PART)
        case "conversation.item.input_audio_transcription.completed":
            event["transcript"] = event.get("transcript") or ""
            # Such servers do not tell how much they transcribed; nothing is counted rather than guessed.
            event["usage"] = event.get("usage") or {"type": "duration", "seconds": 0.0}
        case "response.function_call_arguments.done":
            event.setdefault("name", "")
        case "response.mcp_call_arguments.done":
            event["arguments"] = event.get("arguments") or ""
        case _:
            pass
    return event


def known(event: Event) -> Event:
    """The event without fields that today's protocol does not know."""
    fields = FIELDS[event["type"]]
    if fields.issuperset(event.keys() - ALWAYS):
        return event
    return {k: v for k, v in event.items() if k in fields or k in ALWAYS}


def _by_response(item: dict[str, Any]) -> bool:
    return item.get("role") == "assistant" or item["type"] in MADE_BY_A_RESPONSE


def _event(kind: str, told: Event, **fields: Any) -> Event:
    return {"type": kind, "event_id": told.get("event_id") or new_id("event"), **fields}
