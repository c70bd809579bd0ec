"""The items of one conversation, and what a client may do to them (sections 4, 5 and 9)."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from tests.peers.faults import Event, Refused

__all__ = ["ItemList", "Kept"]

PARTS = {
    "system": {"input_text"},
    "user": {"input_text", "input_audio", "input_image"},
    "assistant": {"output_text"},
}
REQUIRED = {"input_text": "text", "output_text": "text", "input_audio": "audio", "input_image": "image_url"}
SERVER_ONLY = ("mcp_list_tools", "mcp_call", "mcp_approval_request")
MAX_ID = 32


@dataclass(slots=True)
class Kept:
    """One item, as the server holds it."""

    item: Event
    audio_ms: float = 0.0
    """Audio that the model has made of it, after truncation."""
    truncated: bool = False


@dataclass(slots=True)
class ItemList:
    """In conversation order."""

    kept: list[Kept] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    """Call ids that have their output."""

    def find(self, item_id: str) -> Kept | None:
        return next((one for one in self.kept if one.item["id"] == item_id), None)

    @property
    def last_id(self) -> str | None:
        return self.kept[-1].item["id"] if self.kept else None

    def before(self, item_id: str) -> str | None:
        """The id of the item before this one."""
        ids = [one.item["id"] for one in self.kept]
        at = ids.index(item_id)
        return ids[at - 1] if at else None

    def add(self, item: Event, previous: str | None = None) -> Kept:
        """Insert after `previous` (`root`: at the beginning; None: at the end)."""
        kept = Kept(item)
        if previous == "root":
            self.kept.insert(0, kept)
        elif previous is None:
            self.kept.append(kept)
        else:
            at = next(n for n, one in enumerate(self.kept) if one.item["id"] == previous)
            self.kept.insert(at + 1, kept)
        return kept

    def outstanding(self) -> list[str]:
        """Call ids that wait for their output."""
        calls = [one.item["call_id"] for one in self.kept if one.item["type"] == "function_call"]
        return [call_id for call_id in calls if call_id not in self.answered]

    # ── what a client asks ────────────────────────────────────────────────────────────────────────────────

    def create(self, event: Event, fallback_id: str) -> Kept:
        """`conversation.item.create`: the item as it enters the conversation. Raises Refused."""
        item = copy.deepcopy(event["item"])
        self.check(item)
        item_id = item.get("id") or fallback_id
        if self.find(item_id):
            raise Refused(
                "item_create_duplicate_item_id",
                f"Error adding item: the item with id '{item_id}' already exists.",
                rule="4",
                param="item.id",
            )
        previous = event.get("previous_item_id")
        if previous not in (None, "root") and not self.find(previous):
            raise Refused(
                "item_create_invalid_previous_item_id",
                f"Error adding item: the previous item with id '{previous}' does not exist.",
                rule="5, previous_item_id",
                param="previous_item_id",
            )
        if item["type"] == "function_call_output":
            self._answer(item["call_id"])
        item |= {"id": item_id, "object": "realtime.item", "status": "completed"}
        return self.add(item, previous)

    def check(self, item: Event) -> None:
        """The rules of section 4 that the types do not tell. Raises Refused."""
        if len(item.get("id") or "") > MAX_ID:
            raise Refused(
                "string_above_max_length",
                f"Invalid 'item.id': string too long. Expected a string with maximum length {MAX_ID}.",
                rule="4, id",
                param="item.id",
            )
        kind = item["type"]
        if kind in SERVER_ONLY:
            raise Refused(
                "invalid_value",
                f"Items of type '{kind}' come from the server.",
                rule="4",
                param="item.type",
            )
        if kind == "function_call" and not item.get("call_id"):
            raise _missing("item.call_id")
        if kind != "message":
            return
        for at, part in enumerate(item["content"]):
            path = f"item.content[{at}]"
            if "type" not in part:
                raise _missing(f"{path}.type")
            allowed = PARTS[item["role"]]
            if part["type"] not in allowed:
                raise Refused(
                    "invalid_value",
                    f"Invalid value: '{part['type']}'. Supported values are: {sorted(allowed)}.",
                    rule="4, content parts by role",
                    param=f"{path}.type",
                )
            if part.get(REQUIRED[part["type"]]) is None:
                raise _missing(f"{path}.{REQUIRED[part['type']]}")

    def _answer(self, call_id: str) -> None:
        if not any(one.item.get("call_id") == call_id for one in self.kept):
            raise Refused(
                "invalid_tool_call_id",
                f"Tool call ID '{call_id}' not found in conversation.",
                rule="7, function call",
                param="item.call_id",
            )
        if call_id in self.answered:
            raise Refused(
                "invalid_tool_call_id",
                f"Tool call ID '{call_id}' already has an output.",
                rule="7, function call: one output for every call",
                param="item.call_id",
            )
        self.answered.add(call_id)

    def retrieve(self, item_id: str) -> Event:
        kept = self.find(item_id)
        if kept is None:
            raise _unknown("retrieve", item_id)
        return copy.deepcopy(kept.item)

    def delete(self, item_id: str) -> None:
        kept = self.find(item_id)
        if kept is None:
            raise _unknown("delete", item_id)
        self.kept.remove(kept)

    def truncate(self, event: Event) -> None:
        """`conversation.item.truncate`, by the rules of section 9. Raises Refused."""
        kept = self.find(event["item_id"])
        if kept is None:
            raise _unknown("truncate", event["item_id"])
        rule = "9, rules of audio_end_ms"
        if kept.item.get("role") != "assistant" or not (kept.audio_ms or kept.truncated):
            raise Refused(
                "unsupported_content_type",
                "Only model output audio messages can be truncated",
                rule=rule,
                param="item_id",
            )
        end = event["audio_end_ms"]
        if event["content_index"] != 0:
            raise Refused(
                "invalid_value", "content_index: use 0.", rule="5, truncate", param="content_index"
            )
        if end < 0:
            raise Refused(
                "integer_below_min_value", "audio_end_ms is negative.", rule=rule, param="audio_end_ms"
            )
        if end > kept.audio_ms:
            raise Refused(
                "invalid_value",
                f"Audio content of {int(kept.audio_ms)}ms is already shorter than {end}ms",
                rule=rule,
                param="audio_end_ms",
            )
        kept.audio_ms, kept.truncated = end, True
        for part in kept.item["content"]:
            part["transcript"] = ""


def _unknown(verb: str, item_id: str) -> Refused:
    return Refused(
        f"item_{verb}_invalid_item_id",
        f"Error: the item with id '{item_id}' does not exist.",
        rule=f"10, conversation.item.{verb}",
        param="item_id",
    )


def _missing(path: str) -> Refused:
    return Refused(
        "missing_required_parameter", f"Missing required parameter: '{path}'.", rule="4", param=path
    )
