"""The conversation so far, as the call was told it: items in order, with what was said in each. Pure.

It is what a next provider is given, and what answers for items that only this one knows. No audio is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.continuity.spoken import said_so_far, until
from media.audio import PCM24, AudioFormat

__all__ = ["MOST_CHARACTERS", "MOST_ITEMS", "ROOT", "Entry", "History"]

Item = dict[str, Any]

MOST_ITEMS = 2000
"""Items that are remembered; beyond it the oldest are forgotten."""

MOST_CHARACTERS = 400_000
"""Text of all remembered items together."""

ROOT = "root"
"""Before the first item (OpenAI API reference: `conversation.item.create`)."""

MOST_PICTURE = 200_000
"""Characters of one picture that is still remembered."""


@dataclass(slots=True)
class Entry:
    """One item."""

    id: str
    kind: str
    """Its `type`: message, function_call, function_call_output, …"""
    role: str = ""
    item: Item = field(default_factory=dict)
    """The item as it was told last, without audio."""
    text: str = ""
    """What was said in it, as far as it is known."""
    voiced: bool = False
    """It was spoken, by the caller or by the agent; otherwise it was written."""
    open: bool = False
    """What it says is not known yet: speech without its transcript, a tool call without all its arguments."""
    lost: bool = False
    """The caller's words in it will never be known: their audio is gone."""
    audio_bytes: int = 0
    """The agent's audio that the call was given of it."""
    form: AudioFormat = PCM24
    """Of that audio."""
    kept_ms: int | None = None
    """Where it was truncated."""
    broken: bool = False
    """The agent's provider was lost in the midst of it: the text may run ahead of the audio."""
    mute: bool = False
    """Never told to a provider: the bridging phrase, a tool call that was never complete."""
    doomed: bool = False
    """The call has asked for its deletion, and no provider has told that it is gone."""
    wished: bool = False
    """The call has asked for it, and no provider has told that it is there."""
    added: bool = False
    """The call was told that it is there."""
    done: bool = False
    """The call was told that it is complete."""
    told_by: int | None = None
    """The link that tells the words of it piece by piece."""

    @property
    def audio_ms(self) -> int:
        return self.form.to_ms(self.audio_bytes)

    @property
    def spoken(self) -> str:
        """What of it was said and heard, in words."""
        text = self.text
        if self.kept_ms is not None:
            return until(text, self.kept_ms, self.audio_ms)
        return said_so_far(text, self.audio_ms) if self.broken and self.voiced else text.strip()

    def cut(self, end_ms: int) -> None:
        """Truncate it: never to more than it was truncated to before."""
        self.kept_ms = end_ms if self.kept_ms is None else min(end_ms, self.kept_ms)

    def whole(self) -> Item:
        """The item as it is given back, its words in it."""
        if self.kind != "message":
            return self.item
        status = "incomplete" if self.broken or self.kept_ms is not None else "completed"
        item = {"object": "realtime.item", "status": status, **self.item}
        if self.voiced and self.role == "user":
            item["content"] = [{"type": "input_audio", "transcript": self.text or None}]
        elif self.role == "assistant":
            item["content"] = [
                {"type": "output_audio", "transcript": self.spoken}
                if self.voiced
                else {"type": "output_text", "text": self.text}
            ]
        return item

    @property
    def call_id(self) -> str:
        """Of a tool call or its output."""
        return str(self.item.get("call_id") or "")

    def weight(self) -> int:
        content = self.item.get("content") or ()
        written = sum(len(str(part.get("text") or part.get("image_url") or "")) for part in content)
        written += len(str(self.item.get("arguments") or self.item.get("output") or ""))
        return len(self.text) + written


class History:
    """Entries by id, in the conversation's order."""

    def __init__(self, form: AudioFormat = PCM24) -> None:
        """`form`: of the call's audio."""
        self._form = form
        self._order: list[str] = []
        self._entries: dict[str, Entry] = {}
        self.outstanding: dict[str, str] = {}
        """Tool calls that are complete and whose output has not come: call id → item id."""

    def __iter__(self) -> Iterator[Entry]:
        return iter([self._entries[item_id] for item_id in self._order])

    def __len__(self) -> int:
        return len(self._order)

    @property
    def last_settled(self) -> str:
        """The latest item that a provider has in its conversation; `root` when there is none."""
        return next((i for i in reversed(self._order) if not self._entries[i].wished), ROOT)

    def find(self, item_id: str | None) -> Entry | None:
        return None if item_id is None else self._entries.get(item_id)

    def before(self, item_id: str) -> Iterator[Entry]:
        """The entries before this one, the nearest first; none of an item that is not there."""
        found = False
        # What is asked about is nearly always at the end.
        for known in reversed(self._order):
            if found:
                yield self._entries[known]
            found = found or known == item_id

    def told_before(self, item_id: str) -> str | None:
        """The item that the call has before this one; None when that would be the first."""
        return next((entry.id for entry in self.before(item_id) if entry.added), None)

    def past(self, item_id: str, passed: Callable[[Entry], bool]) -> str:
        """The item itself, or the last of those right behind it that are to be passed over."""
        for at in range(len(self._order) - 1, -1, -1):
            if self._order[at] == item_id:
                while at + 1 < len(self._order) and passed(self._entries[self._order[at + 1]]):
                    at += 1
                return self._order[at]
        return item_id

    def put(self, item: Item, after: str | None = None) -> Entry:
        """Take an item in, or what is new about a known one. A new one stands `after` that item, at the beginning
        after `root`, at the end when there is none such."""
        item_id = item["id"]
        entry = self._entries.get(item_id)
        if entry is None:
            entry = Entry(item_id, str(item.get("type")), str(item.get("role") or ""), form=self._form)
            self._entries[item_id] = entry
            self._insert(item_id, after)
            self._shrink()
        _learn(entry, item)
        if entry.kind == "function_call" and not entry.open and not entry.done:
            self.outstanding[entry.call_id] = item_id
        elif entry.kind == "function_call_output":
            self.outstanding.pop(entry.call_id, None)
        return entry

    def place(self, item_id: str, after: str | None) -> None:
        """Have a known item stand elsewhere."""
        if after != item_id:
            self._order.remove(item_id)
            self._insert(item_id, after)

    def remove(self, item_id: str) -> Entry | None:
        entry = self._entries.pop(item_id, None)
        if entry is not None:
            self._order.remove(item_id)
            if entry.kind == "function_call":
                self.outstanding.pop(entry.call_id, None)
        return entry

    def _insert(self, item_id: str, after: str | None) -> None:
        if after == ROOT:
            self._order.insert(0, item_id)
        elif after in self._entries and after != item_id and self._order[-1:] != [after]:
            self._order.insert(self._order.index(after) + 1, item_id)
        else:
            self._order.append(item_id)

    def _shrink(self) -> None:
        """Forget the oldest. Now and then only: counting the text is dear."""
        count = len(self._order)
        if count <= MOST_ITEMS and count % 64:
            return
        weight = sum(entry.weight() for entry in self._entries.values())
        while len(self._order) > 1 and (len(self._order) > MOST_ITEMS or weight > MOST_CHARACTERS):
            weight -= self._entries.pop(self._order.pop(0)).weight()


def _learn(entry: Entry, item: Item) -> None:
    entry.item = {**entry.item, **{k: v for k, v in item.items() if k != "content" and v is not None}}
    if entry.kind == "function_call":
        entry.open = entry.item.get("status", "completed") != "completed"
    content = item.get("content")
    if not content:
        return
    entry.item["content"] = [_light(part) for part in content]
    voiced = [part for part in content if part.get("type") in ("input_audio", "output_audio", "audio")]
    if voiced:
        entry.voiced = True
        said = " ".join(str(part["transcript"]) for part in voiced if part.get("transcript"))
    else:
        said = " ".join(str(part["text"]) for part in content if part.get("text"))
    if said and not entry.broken:
        entry.text = said


def _light(part: Item) -> Item:
    """The part without its audio, and without a picture that is too big."""
    kept = {k: v for k, v in part.items() if k != "audio"}
    if len(str(kept.get("image_url") or "")) > MOST_PICTURE:
        del kept["image_url"]
    return kept
