"""One response of the model, event by event (sections 6.3, 7, 8 and 15.8)."""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from tests.peers.faults import Event
from tests.peers.ids import new_id
from tests.peers.items import ItemList, Kept
from tests.peers.script import Call, Order, Reply
from tests.peers.sound import BYTES_PER_MS, encoded, pieces, tone
from tests.peers.usage import rate_limits, usage

__all__ = ["Speaking", "Steps"]

Steps = Iterator[Event | float]
"""Events to send, and between them seconds to wait."""

TONE_MS_PER_LETTER = 60


@dataclass(slots=True, eq=False)
class Speaking:
    """A response from the moment it is asked for until its `response.done`."""

    reply: Reply
    params: Event
    session: Event
    items: ItemList
    """The default conversation; an out-of-band response (`conversation: "none"`) only reads it."""
    conversation_id: str
    order: Order = Order.LIVE
    limits: bool = True
    id: str = field(default_factory=lambda: new_id("resp"))
    begun: bool = False
    over: bool = False
    audio_begun: bool = False
    stopped: bool = False
    """Cut: whatever `steps` had still to say is not said."""
    output: list[Kept] = field(default_factory=list)
    open: Kept | None = None
    said: str = ""
    left: list[bytes] = field(default_factory=list)

    @property
    def out_of_band(self) -> bool:
        return bool(self.params.get("conversation") == "none")

    @property
    def modality(self) -> str:
        wanted = self.params.get("output_modalities") or self.session["output_modalities"]
        return str(wanted[0])

    @property
    def format(self) -> Event:
        asked = ((self.params.get("audio") or {}).get("output") or {}).get("format")
        found: Event = asked or self.session["audio"]["output"]["format"]
        return found

    # ── the whole of it ───────────────────────────────────────────────────────────────────────────────────

    def steps(self) -> Steps:
        """Everything, unless it is cut before."""
        for step in self._all():
            if self.stopped:
                return
            yield step
            if self.stopped:
                return

    def _all(self) -> Steps:
        reply = self.reply
        if reply.wait_s:
            yield reply.wait_s
        yield from self._begin()
        if reply.think_s:
            yield reply.think_s
        if reply.text is not None:
            yield from self._message(reply.text)
        for call in reply.calls:
            yield from self._call(call)
        details: Event | None = None
        if reply.status != "completed":
            details = {"type": reply.status}
            if reply.reason:
                details["reason"] = reply.reason
            if reply.error:
                details["error"] = dict(reply.error)
        yield from self._end(reply.status, details)

    def cut(self, reason: str) -> Steps:
        """The end of a cancelled response. `reason`: `turn_detected` or `client_cancelled` (section 8)."""
        self.stopped = True
        if not self.begun:
            yield from self._begin()
        for piece in self.left[: self.reply.late_deltas]:
            yield self._audio_delta(piece)
        if self.reply.cancel_lag_s:
            yield self.reply.cancel_lag_s
        if self.open is not None:
            yield from self._close_item(self.open, "incomplete")
        yield from self._end("cancelled", {"type": "cancelled", "reason": reason})

    def _begin(self) -> Steps:
        self.begun = True
        yield {"type": "response.created", "response": self._response("in_progress", None, None)}
        if self.limits and self.order is Order.LIVE:
            yield rate_limits()

    def _end(self, status: str, details: Event | None) -> Steps:
        self.over = True
        counted = usage(self.items, [kept.item for kept in self.output], self._audio_out())
        yield {"type": "response.done", "response": self._response(status, details, counted)}
        if self.limits and self.order is Order.SAMPLE:
            yield rate_limits()

    def _response(self, status: str, details: Event | None, counted: Event | None) -> Event:
        params, session = self.params, self.session
        voice = ((params.get("audio") or {}).get("output") or {}).get("voice")
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [copy.deepcopy(kept.item) for kept in self.output] if status != "in_progress" else [],
            "conversation_id": None if self.out_of_band else self.conversation_id,
            "output_modalities": [self.modality],
            "max_output_tokens": params.get("max_output_tokens") or session["max_output_tokens"],
            "audio": {
                "output": {"format": self.format, "voice": voice or session["audio"]["output"]["voice"]}
            },
            "usage": counted,
            "metadata": params.get("metadata"),
        }

    def _audio_out(self) -> float:
        return sum(kept.audio_ms for kept in self.output)

    # ── its items ─────────────────────────────────────────────────────────────────────────────────────────

    def _open_item(self, item: Event) -> Steps:
        kept = Kept(item)
        previous = self.items.last_id
        if not self.out_of_band:
            kept = self.items.add(item)
        self.output.append(kept)
        self.open, self.said, self.left = kept, "", []
        yield self._of_item("response.output_item.added", kept)
        if not self.out_of_band:
            yield self._in_conversation("conversation.item.added", kept, previous)

    def _close_item(self, kept: Kept, status: str) -> Steps:
        """The ends of an open item, whatever it is."""
        kept.item["status"] = status
        if kept.item["type"] == "message":
            yield from self._close_part(kept)
        self.open = None
        done = self._of_item("response.output_item.done", kept)
        previous = None if self.out_of_band else self._previous(kept)
        final = (
            None if self.out_of_band else self._in_conversation("conversation.item.done", kept, previous)
        )
        ordered = (final, done) if self.order is Order.LIVE else (done, final)
        yield from (event for event in ordered if event)

    def _previous(self, kept: Kept) -> str | None:
        return self.items.before(kept.item["id"]) if self.items.find(kept.item["id"]) else None

    def _message(self, text: str) -> Steps:
        item: Event = {
            "id": new_id("item"),
            "object": "realtime.item",
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }
        yield from self._open_item(item)
        kept = self.output[-1]
        part = (
            {"type": "audio", "transcript": ""}
            if self.modality == "audio"
            else {"type": "text", "text": ""}
        )
        yield {"type": "response.content_part.added", **self._at(kept), "content_index": 0, "part": part}
        yield from self._spoken(text) if self.modality == "audio" else self._written(text)
        yield from self._close_item(kept, "completed" if self.reply.status == "completed" else "incomplete")

    def _spoken(self, text: str) -> Steps:
        kept = self.output[-1]
        pcm = self.reply.audio or tone(TONE_MS_PER_LETTER * max(4, len(text)))
        kind = self.format["type"]
        self.left = list(pieces(encoded(pcm, kind), self.reply.chunk_ms, kind))
        for words in _spread(text, len(self.left)):
            if words:
                self.said += words
                yield {
                    "type": "response.output_audio_transcript.delta",
                    **self._at(kept),
                    "content_index": 0,
                    "delta": words,
                }
            if self.reply.speed:
                yield self.reply.chunk_ms / 1000 / self.reply.speed
            yield self._audio_delta(self.left.pop(0))

    def _audio_delta(self, piece: bytes) -> Event:
        kept = self.output[-1]
        kept.audio_ms += len(piece) / BYTES_PER_MS[self.format["type"]]
        self.audio_begun = True
        return {
            "type": "response.output_audio.delta",
            **self._at(kept),
            "content_index": 0,
            "delta": base64.b64encode(piece).decode(),
        }

    def _written(self, text: str) -> Steps:
        kept = self.output[-1]
        for words in _spread(text, max(1, len(text) // 12)):
            self.said += words
            if self.reply.speed:
                yield self.reply.chunk_ms / 1000 / self.reply.speed
            yield {
                "type": "response.output_text.delta",
                **self._at(kept),
                "content_index": 0,
                "delta": words,
            }

    def _close_part(self, kept: Kept) -> Steps:
        at = {**self._at(kept), "content_index": 0}
        if self.modality == "audio":
            yield {"type": "response.output_audio.done", **at}
            yield {"type": "response.output_audio_transcript.done", **at, "transcript": self.said}
            kept.item["content"] = [
                {"type": "output_audio", "transcript": "" if kept.truncated else self.said}
            ]
            part = {"type": "audio", "transcript": self.said}
        else:
            yield {"type": "response.output_text.done", **at, "text": self.said}
            kept.item["content"] = [{"type": "output_text", "text": self.said}]
            part = {"type": "text", "text": self.said}
        yield {"type": "response.content_part.done", **at, "part": part}

    def _call(self, call: Call) -> Steps:
        item: Event = {
            "id": new_id("item"),
            "object": "realtime.item",
            "type": "function_call",
            "status": "in_progress",
            "name": call.name,
            "call_id": call.call_id or new_id("call"),
            "arguments": "",
        }
        yield from self._open_item(item)
        kept = self.output[-1]
        at = {**self._at(kept), "call_id": item["call_id"]}
        for words in _spread(call.arguments, max(1, len(call.arguments) // 8)):
            if self.reply.speed:
                yield self.reply.chunk_ms / 1000 / self.reply.speed
            yield {"type": "response.function_call_arguments.delta", **at, "delta": words}
        item["arguments"] = call.arguments
        done = {"type": "response.function_call_arguments.done", **at}
        yield {**done, "name": call.name, "arguments": call.arguments}
        yield from self._close_item(kept, "completed")

    # ── their coordinates ─────────────────────────────────────────────────────────────────────────────────

    def _at(self, kept: Kept) -> Event:
        return {
            "response_id": self.id,
            "item_id": kept.item["id"],
            "output_index": self.output.index(kept),
        }

    def _of_item(self, kind: str, kept: Kept) -> Event:
        return {
            "type": kind,
            "response_id": self.id,
            "output_index": self.output.index(kept),
            "item": copy.deepcopy(kept.item),
        }

    def _in_conversation(self, kind: str, kept: Kept, previous: str | None) -> Event:
        return {"type": kind, "previous_item_id": previous, "item": copy.deepcopy(kept.item)}


def _spread(text: str, count: int) -> list[str]:
    """The text in `count` pieces, some of them empty; together they are the text."""
    count = max(1, count)
    edges = [len(text) * n // count for n in range(count + 1)]
    return [text[low:high] for low, high in pairwise(edges)]
