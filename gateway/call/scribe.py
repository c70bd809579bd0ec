"""The transcript as it grows: who said what, when, and how much of it was heard. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.call.effects import Effect, Write
from gateway.call.heard import split_heard
from gateway.call.inputs import ItemProgress
from gateway.ports import Event, TranscriptEntry

__all__ = ["MOST_CHARS", "Scribe"]

MOST_CHARS = 64 * 1024
"""Characters that are kept of one item: an hour of speech. What a client types may be 16 MiB, and all calls share the
room in which rows wait for the database."""


@dataclass(slots=True)
class UserLine:
    start_ms: int
    end_ms: int | None = None
    text: str = ""
    revision: int = 0


@dataclass(slots=True)
class AgentLine:
    response_id: str
    start_ms: int
    """When it was first heard; until then, when it was made."""
    text: str = ""
    queued_ms: int = 0
    heard_ms: int = 0
    sent_ms: int = 0
    begun: bool = False
    """Some of its audio was queued."""
    playing: bool = False
    """Some of its audio was sent."""
    closed: bool = False
    interrupted: bool = False
    unheard: str = ""
    estimated: bool = False
    """What was heard is reckoned from the clock."""
    revision: int = 0


class Scribe:
    """Lines by item id. Every change that a reader should see is a `Write` with a higher revision."""

    def __init__(self, call_id: str, *, estimates: bool = False) -> None:
        """`estimates`: nobody tells how much of a reply was heard, unless a client does."""
        self._call_id = call_id
        self._estimates = estimates
        self.user: dict[str, UserLine] = {}
        self.agent: dict[str, AgentLine] = {}

    def follow(self, event: Event, at_ms: int) -> list[Effect]:
        """What an event of the model says of the words; most say nothing."""
        match event["type"]:
            case "conversation.item.added" | "conversation.item.created":
                return self._typed(event["item"], at_ms)
            case "response.output_item.added":
                if event["item"].get("type") == "message":
                    self.agent_began(event["item"]["id"], event["response_id"], at_ms)
            case "response.output_audio_transcript.delta" | "response.output_text.delta":
                line = self.agent.get(event["item_id"])
                self.agent_said(event["item_id"], (line.text if line else "") + event["delta"])
            case "response.output_audio_transcript.done":
                self.agent_said(event["item_id"], event["transcript"])
            case "response.output_text.done":
                self.agent_said(event["item_id"], event["text"])
                return self.agent_wrote(event["item_id"], at_ms)
            case _:
                pass
        return []

    def said(self) -> list[tuple[str, str]]:
        """What was said so far, in the order of speech: who (`user`, `assistant`) and what."""
        lines = [(line.start_ms, "user", line.text) for line in self.user.values()]
        lines += [(line.start_ms, "assistant", line.text) for line in self.agent.values()]
        return [(who, text) for _, who, text in sorted(lines, key=lambda one: one[0]) if text]

    # the caller

    def _typed(self, item: dict[str, Any], at_ms: int) -> list[Effect]:
        """A client put the caller's words into the conversation as text: they belong to the record too."""
        if item.get("type") != "message" or item.get("role") != "user":
            return []
        texts = (part.get("text") for part in item.get("content") or [] if part.get("type") == "input_text")
        text = " ".join(text for text in texts if text)
        return self.user_said(item["id"], text, at_ms, final=True) if text else []

    def user_began(self, item_id: str, at_ms: int) -> None:
        self.user.setdefault(item_id, UserLine(at_ms))

    def user_stopped(self, item_id: str, at_ms: int) -> None:
        if line := self.user.get(item_id):
            line.end_ms = max(at_ms, line.start_ms)

    def user_said(self, item_id: str, text: str, at_ms: int, *, final: bool) -> list[Effect]:
        """What the caller said in this item so far; silence is not written down."""
        line = self.user.setdefault(item_id, UserLine(at_ms))
        text = text[:MOST_CHARS]
        if text == line.text and not final:
            return []
        line.text = text
        if not text.strip():
            return []
        line.revision += 1
        return [
            Write(
                TranscriptEntry(
                    call_id=self._call_id, item_id=item_id, revision=line.revision, role="user",
                    text=text.strip(), start_ms=line.start_ms, end_ms=line.end_ms, final=final,
                )
            )
        ]  # fmt: skip

    # the agent

    def agent_began(self, item_id: str, response_id: str, at_ms: int) -> None:
        self.agent.setdefault(item_id, AgentLine(response_id, at_ms, estimated=self._estimates))

    def agent_said(self, item_id: str, text: str) -> None:
        """The words of the item so far, heard or not."""
        line = self.agent.get(item_id)
        if line is not None and not line.closed:
            line.text = text[:MOST_CHARS]

    def agent_wrote(self, item_id: str, at_ms: int) -> list[Effect]:
        """A text-only item is complete: nothing of it can be heard, all of it was delivered."""
        line = self.agent.get(item_id)
        if line is None or line.begun or line.closed or not line.text:
            return []
        line.closed = True
        return [self._write(item_id, line, line.text, at_ms, final=True)]

    def played(self, item: ItemProgress, at_ms: int) -> list[Effect]:
        """The playout moved on. Writes when the item becomes audible and when it was heard to its end."""
        line = self.agent.get(item.item_id)
        if line is None or line.closed:
            return []
        line.queued_ms = max(line.queued_ms, item.queued_ms)
        line.sent_ms = max(line.sent_ms, item.sent_ms)
        line.heard_ms = max(line.heard_ms, item.heard_ms)
        if line.sent_ms and not line.playing:
            line.playing = True
            line.start_ms = at_ms
            if not item.drained:
                return [self._write(item.item_id, line, line.text, None, final=False)]
        if item.drained:
            line.closed = True
            return [self._write(item.item_id, line, line.text, at_ms, final=True)]
        return []

    def interrupted(self, item_id: str, heard_ms: int, at_ms: int) -> list[Effect]:
        """The item was cut off: what was heard of it stays, the rest is kept apart."""
        line = self.agent.get(item_id)
        if line is None or line.closed:
            return []
        line.closed = line.interrupted = True
        line.heard_ms = heard_ms
        line.text, line.unheard = split_heard(line.text, heard_ms, line.queued_ms)
        return [self._write(item_id, line, line.text, at_ms, final=True)]

    def told(self, item_id: str, heard_ms: int, at_ms: int) -> list[Effect]:
        """The client told how much of the item it played before it cut it off: what was reckoned is corrected."""
        line = self.agent.get(item_id)
        if line is None:
            return []
        line.text = f"{line.text} {line.unheard}".strip() if line.unheard else line.text
        line.unheard = ""
        line.closed = line.estimated = False
        return self.interrupted(item_id, heard_ms, at_ms)

    def speakers(self) -> set[str]:
        """Responses of which something was said."""
        return {line.response_id for line in self.agent.values()}

    def open_items(self) -> list[str]:
        """Agent items that have audio and are neither heard to the end nor cut off, oldest first."""
        return [item_id for item_id, line in self.agent.items() if line.begun and not line.closed]

    def _write(self, item_id: str, line: AgentLine, text: str, end_ms: int | None, *, final: bool) -> Write:
        line.revision += 1
        return Write(
            TranscriptEntry(
                call_id=self._call_id, item_id=item_id, revision=line.revision, role="assistant",
                text=text.strip(), start_ms=line.start_ms, end_ms=end_ms,
                heard_ms=line.heard_ms if line.begun else None,
                interrupted=line.interrupted, unheard=line.unheard, final=final,
                estimated=line.estimated and line.begun,
            )
        )  # fmt: skip
