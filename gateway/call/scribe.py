"""The transcript as it grows: who said what, when, and how much of it was heard. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.call.effects import Effect, Write
from gateway.call.heard import split_heard
from gateway.call.inputs import ItemProgress
from gateway.ports import TranscriptEntry

__all__ = ["Scribe"]


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
    revision: int = 0


class Scribe:
    """Lines by item id. Every change that a reader should see is a `Write` with a higher revision."""

    def __init__(self, call_id: str) -> None:
        self._call_id = call_id
        self.user: dict[str, UserLine] = {}
        self.agent: dict[str, AgentLine] = {}

    # the caller

    def user_began(self, item_id: str, at_ms: int) -> None:
        self.user.setdefault(item_id, UserLine(at_ms))

    def user_stopped(self, item_id: str, at_ms: int) -> None:
        if line := self.user.get(item_id):
            line.end_ms = max(at_ms, line.start_ms)

    def user_said(self, item_id: str, text: str, at_ms: int, *, final: bool) -> list[Effect]:
        """What the caller said in this item so far; silence is not written down."""
        line = self.user.setdefault(item_id, UserLine(at_ms))
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
        self.agent.setdefault(item_id, AgentLine(response_id, at_ms))

    def agent_said(self, item_id: str, text: str) -> None:
        """The words of the item so far, heard or not."""
        line = self.agent.get(item_id)
        if line is not None and not line.closed:
            line.text = text

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
        heard, unheard = split_heard(line.text, heard_ms, line.queued_ms)
        line.text = heard
        return [self._write(item_id, line, heard, at_ms, final=True, unheard=unheard)]

    def open_items(self) -> list[str]:
        """Agent items that have audio and are neither heard to the end nor cut off, oldest first."""
        return [item_id for item_id, line in self.agent.items() if line.begun and not line.closed]

    def _write(
        self,
        item_id: str,
        line: AgentLine,
        text: str,
        end_ms: int | None,
        *,
        final: bool,
        unheard: str = "",
    ) -> Write:
        line.revision += 1
        return Write(
            TranscriptEntry(
                call_id=self._call_id, item_id=item_id, revision=line.revision, role="assistant",
                text=text.strip(), start_ms=line.start_ms, end_ms=end_ms,
                heard_ms=line.heard_ms if line.begun else None,
                interrupted=line.interrupted, unheard=unheard, final=final,
            )
        )  # fmt: skip
