"""One response as the call was told it, part by part, and how it is ended when its provider cannot. Pure.

The order of the closing events is that of a response that ends by itself (OpenAI API reference: server events).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.ports import Event
from gateway.realtime.response import PROVIDER_LOST, Usage, status_details

__all__ = ["Part", "Reply"]

Item = dict[str, Any]


@dataclass(slots=True)
class Part:
    """One output item."""

    item: Item
    index: int
    written: bool = False
    """Its content is text; otherwise it is audio with a transcript."""
    opened: bool = False
    """Its content part was told."""
    text: str = ""
    text_done: bool = False
    sounds: bool = False
    """Some audio of it was told."""
    audio_done: bool = False
    part_done: bool = False
    arguments_done: bool = False
    listed: bool = False
    """The call was told that it is in the conversation."""
    list_done: bool = False
    """And that it is complete there."""
    done: bool = False

    @property
    def id(self) -> str:
        return str(self.item["id"])

    @property
    def whole(self) -> bool:
        """Whether nothing of it is missing: a message that was said to its end, a call with all its arguments."""
        if self.done or self.list_done:
            return True
        if self.item.get("type") == "message":
            return self.text_done if self.written else self.audio_done
        return self.arguments_done


@dataclass(slots=True)
class Reply:
    """A response that runs."""

    id: str
    response: Item
    """The response object as it was told at its beginning."""
    wishes: int = 0
    """How much the call had asked for when it began."""
    cancelled: bool = False
    """The call does not want it any more."""
    parts: dict[str, Part] = field(default_factory=dict)

    @property
    def beside(self) -> bool:
        """Whether it is out-of-band: nothing of it enters the conversation."""
        return self.response.get("conversation_id", "") is None

    @property
    def whole(self) -> bool:
        return bool(self.parts) and all(part.whole for part in self.parts.values())

    def tell(self, event: Event) -> None:
        """The call is told this of the response."""
        kind = event["type"]
        if kind == "response.output_item.added":
            self.parts.setdefault(event["item"]["id"], Part(event["item"], event.get("output_index", 0)))
            return
        item_id = event.get("item_id") or (event.get("item") or {}).get("id")
        part = self.parts.get(item_id or "")
        if part is None:
            return
        match kind:
            case "conversation.item.added" | "conversation.item.created":
                part.listed = True
            case "conversation.item.deleted":
                part.listed = False
            case "conversation.item.done":
                part.list_done, part.item = True, event["item"]
            case "response.output_item.done":
                part.done, part.item = True, event["item"]
            case "response.content_part.added":
                part.opened, part.written = True, (event.get("part") or {}).get("type") == "text"
            case "response.content_part.done":
                part.part_done = True
            case "response.output_text.delta":
                part.written, part.text = True, part.text + event["delta"]
            case "response.output_audio_transcript.delta":
                part.text += event["delta"]
            case "response.output_text.done":
                part.written, part.text_done, part.text = True, True, event["text"]
            case "response.output_audio_transcript.done":
                part.text_done, part.text = True, event["transcript"]
            case "response.output_audio.delta":
                part.sounds = True
            case "response.output_audio.done":
                part.audio_done = True
            case "response.function_call_arguments.done":
                part.arguments_done = True
                part.item = {**part.item, "arguments": event.get("arguments") or "{}"}
            case _:
                pass

    def ending(self) -> tuple[str, list[Event]]:
        """How it is ended in its provider's place: its status, and the events without their `event_id`. Complete when
        nothing of it is missing, cancelled when that was wanted, else failed as `provider_lost`."""
        status = "completed" if self.whole else "cancelled" if self.cancelled else "failed"
        events: list[Event] = []
        output: list[Item] = []
        for part in sorted(self.parts.values(), key=lambda part: part.index):
            events += self._close(part)
            output.append(part.item)
        details = None
        if status == "cancelled":
            details = status_details("cancelled", reason="client_cancelled")
        elif status == "failed":
            told = "The provider was lost in the midst of this response."
            details = status_details("failed", code=PROVIDER_LOST, message=told)
        response = {
            **self.response, "status": status, "status_details": details, "output": output,
            # The provider took the account of it along.
            "usage": Usage().to_json(),
        }  # fmt: skip
        return status, [*events, {"type": "response.done", "response": response}]

    def _close(self, part: Part) -> list[Event]:
        if part.done:
            return []
        whole = part.whole
        at = {"response_id": self.id, "item_id": part.id, "output_index": part.index}
        content = {**at, "content_index": 0}
        events: list[Event] = []
        if part.item.get("type") == "message":
            events += _close_content(part, content)
            kind, key = ("output_text", "text") if part.written else ("output_audio", "transcript")
            told = [{"type": kind, key: part.text}] if part.opened or part.text or part.sounds else []
            part.item = {**part.item, "content": told}
        part.item = {**part.item, "status": "completed" if whole else "incomplete"}
        if part.listed and not part.list_done:
            events.append({"type": "conversation.item.done", "item": part.item})
        where = {"response_id": self.id, "output_index": part.index, "item": part.item}
        events.append({"type": "response.output_item.done", **where})
        part.done = part.list_done = True
        return events


def _close_content(part: Part, where: dict[str, Any]) -> list[Event]:
    if not (part.opened or part.text or part.sounds):
        return []
    events: list[Event] = []
    if part.written:
        shape = {"type": "text", "text": part.text}
        if not part.text_done:
            events.append({"type": "response.output_text.done", **where, "text": part.text})
    else:
        shape = {"type": "audio", "transcript": part.text}
        if not part.audio_done:
            events.append({"type": "response.output_audio.done", **where})
        if not part.text_done:
            kind = "response.output_audio_transcript.done"
            events.append({"type": kind, **where, "transcript": part.text})
    if part.opened and not part.part_done:
        events.append({"type": "response.content_part.done", **where, "part": shape})
    return events
