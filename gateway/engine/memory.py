"""What a session knows of its conversation beyond the items: words, sounds and lengths behind them."""

from __future__ import annotations

import binascii
from collections import OrderedDict
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from gateway.engine.spoken import Spoken
from gateway.realtime.events import decode_audio
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.ids import new_id
from gateway.realtime.items import ItemList
from gateway.speech.ports import Heard
from media.audio import PCM24

__all__ = ["Memory"]

Item = dict[str, Any]


class Memory:
    """One conversation. `keep_audio_ms` bounds the user audio kept for `conversation.item.retrieve`: beyond it
    the oldest is forgotten, its transcript stays."""

    def __init__(self, keep_audio_ms: int) -> None:
        self.items = ItemList()
        self.heard: dict[str, Heard] = {}
        """By item: what the ears understood."""
        self.audio_ms: dict[str, int] = {}
        """By user item: length of what was said."""
        self.pending: set[str] = set()
        """User items that the ears still work on."""
        self.spoken: dict[str, Spoken] = {}
        """By assistant item: its audio."""
        self._keep = PCM24.to_bytes(keep_audio_ms)
        self._audio: OrderedDict[str, bytes] = OrderedDict()
        self._held = 0

    def commit(self, item_id: str, pcm: bytes) -> Item:
        """A user item of committed audio; pending until `understood`. Raises ProtocolFault when it has no room."""
        item: Item = {
            "id": item_id,
            "object": "realtime.item",
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        self.items.insert(item)
        self._keep_audio(item_id, pcm)
        return item

    def create(self, wanted: Item, previous_item_id: str | None) -> tuple[Item, str | None, bytes]:
        """Put in the item of a client. Returns it, the id before it, and the audio in it that needs ears (PCM16
        24 kHz, mostly empty). Raises ProtocolFault and changes nothing."""
        item: Item = {"object": "realtime.item", "status": "completed", **_said(wanted)}
        item["id"] = item.get("id") or new_id("item")
        if item["type"] == "function_call" and item.get("call_id") is None:
            item["call_id"] = new_id("call")
        parts = [part for part in item.get("content", ()) if part["type"] == "input_audio"]
        pcm = b""
        for number, part in enumerate(parts):
            try:
                pcm += decode_audio(part.pop("audio", None) or "")
            except ValueError as error:
                where = f"item.content[{number}].audio"
                raise ProtocolFault(
                    "invalid_value", f"Invalid value for '{where}': {error}.", where
                ) from None
            part.setdefault("transcript", None)
        before = self.items.insert(item, previous_item_id)
        if pcm:
            self._keep_audio(item["id"], pcm)
        told = any(part["transcript"] for part in parts)
        return item, before, b"" if told else pcm

    def understood(self, item_id: str, heard: Heard | None, *, show: bool) -> None:
        """The ears are done with an item; None: they failed. `show`: the session has transcription on."""
        self.pending.discard(item_id)
        item = self.items.find(item_id)
        if item is None or heard is None:
            return
        self.heard[item_id] = heard
        if show:
            next(part for part in item["content"] if part["type"] == "input_audio")["transcript"] = (
                heard.text
            )

    def delete(self, item_id: str) -> None:
        """Raises ProtocolFault when there is no such item."""
        self.items.delete(item_id)
        self.pending.discard(item_id)
        self._held -= len(self._audio.pop(item_id, b""))
        for known in (self.heard, self.audio_ms, self.spoken):
            known.pop(item_id, None)

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Cut an assistant item at what was heard of it, its transcript too. Raises ProtocolFault."""
        spoken = self.spoken.get(item_id)
        length = spoken.audio_ms if spoken is not None and spoken.made_ms else None
        item = self.items.truncatable(item_id, content_index, audio_end_ms, length)
        if spoken is not None:
            spoken.truncate(audio_end_ms)
            for part in item["content"]:
                part["transcript"] = spoken.transcript

    def retrieve(self, item_id: str) -> Item:
        """A copy of the item, with its audio where that is still kept. Raises ProtocolFault."""
        item = deepcopy(self.items.retrieve(item_id))
        if item_id in self._audio:
            part = next(part for part in item["content"] if part["type"] == "input_audio")
            part["audio"] = binascii.b2a_base64(self._audio[item_id], newline=False).decode()
        return item

    def view(self, items: Iterable[Item] | None = None) -> tuple[Item, ...]:
        """The items as a mind reads them: what was spoken stands there in words, whatever the client sees."""
        return tuple(self._in_words(item) for item in (self.items if items is None else items))

    def _in_words(self, item: Item) -> Item:
        content = item.get("content", ())
        if not any(part["type"] == "input_audio" for part in content):
            return item
        heard = self.heard.get(item["id"])
        words = "" if heard is None else heard.text
        parts = [
            {**part, "transcript": part.get("transcript") or words}
            if part["type"] == "input_audio"
            else part
            for part in content
        ]
        return {**item, "content": parts}

    def _keep_audio(self, item_id: str, pcm: bytes) -> None:
        self.audio_ms[item_id] = PCM24.to_ms(len(pcm))
        self._audio[item_id] = pcm
        self._held += len(pcm)
        while self._held > self._keep:
            _, oldest = self._audio.popitem(last=False)
            self._held -= len(oldest)


def _said(item: Item) -> Item:
    """The item without the keys that the client left null."""
    return {k: v for k, v in deepcopy(item).items() if v is not None}
