"""What a next provider is given of the conversation so far. Pure.

Items go in with `conversation.item.create`, oldest first, under the ids that the call knows. What the agent said can
only be given as text (OpenAI API reference: conversation items); so is what the caller said, once it is known.
Where it is not, the caller's audio stands in the item's place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gateway.continuity.history import Entry

__all__ = ["MOST_SEEDED", "MOST_SEEDED_CHARACTERS", "Heard", "Written", "latest", "outline", "picture"]

Item = dict[str, Any]

MOST_SEEDED = 300
"""Items that a next provider is given; the oldest stay out."""

MOST_SEEDED_CHARACTERS = 60_000
"""Text of all of them: about half of the smallest context window (32 k tokens)."""

UNHEARD = "(inaudible)"
"""Words of a caller whose speech is known neither as text nor as audio."""


@dataclass(frozen=True, slots=True)
class Written:
    """Create these items: one, but for a tool that the provider ran, which is a call and its output."""

    entry: Entry
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """Append the caller's audio of this item and commit it."""

    entry: Entry


def outline(
    entries: Iterable[Entry], outstanding: Iterable[str], audible: Callable[[str], bool]
) -> list[Written | Heard]:
    """The conversation as a provider that knows nothing of it gets it. `outstanding` are the ids of tool calls whose
    output has not come: they stay out until it does. `audible` tells whether there is audio of an item."""
    waiting = frozenset(outstanding)
    steps: list[Written | Heard] = []
    for entry in entries:
        if entry.mute or entry.doomed or entry.id in waiting:
            continue
        if entry.open and entry.role == "user" and audible(entry.id):
            steps.append(Heard(entry))
        elif items := picture(entry):
            steps.append(Written(entry, tuple(items)))
    return latest(steps)


def picture(entry: Entry) -> list[Item]:
    """The item as a client may create it, without an id; none when there is nothing to tell."""
    match entry.kind:
        case "message":
            content = _content(entry)
            return [{"type": "message", "role": entry.role, "content": content}] if content else []
        case "function_call" if not entry.open:
            return [_call(entry.call_id, entry.item)]
        case "function_call_output":
            output = str(entry.item.get("output") or "")
            return [{"type": "function_call_output", "call_id": entry.call_id, "output": output}]
        case "mcp_call" if entry.item.get("output") is not None or entry.item.get("error") is not None:
            # The provider ran it: for the next one it is a call like any other, with its output.
            output = entry.item.get("output") or f"error: {entry.item['error']}"
            call_id = entry.id[:32]
            return [
                _call(call_id, entry.item),
                {"type": "function_call_output", "call_id": call_id, "output": str(output)},
            ]
        case _:
            return []


def latest(steps: list[Written | Heard]) -> list[Written | Heard]:
    """The latest of them, within the bounds; a call and its output stay together."""
    kept: list[Written | Heard] = []
    characters = 0
    for step in reversed(steps):
        characters += _weight(step)
        if len(kept) >= MOST_SEEDED or (characters > MOST_SEEDED_CHARACTERS and kept):
            break
        kept.append(step)
    kept.reverse()
    called: set[str] = set()
    whole: list[Written | Heard] = []
    for step in kept:
        if step.entry.kind == "function_call":
            called.add(step.entry.call_id)
        if step.entry.kind != "function_call_output" or step.entry.call_id in called:
            whole.append(step)
    return whole


def _content(entry: Entry) -> list[Item]:
    if entry.role == "assistant":
        return [{"type": "output_text", "text": entry.spoken}] if entry.spoken else []
    if entry.voiced:
        # Silence that was taken for a turn says nothing; speech that nobody understood says that much.
        text = entry.text.strip() or (UNHEARD if entry.open or entry.lost else "")
        return [{"type": "input_text", "text": text}] if text else []
    return [part for part in entry.item.get("content") or () if part.get("text") or part.get("image_url")]


def _call(call_id: str, item: Item) -> Item:
    return {
        "type": "function_call", "call_id": call_id, "name": item.get("name") or "unknown",
        "arguments": item.get("arguments") or "{}",
    }  # fmt: skip


def _weight(step: Written | Heard) -> int:
    if isinstance(step, Heard):
        return 0
    return sum(
        sum(len(part.get("text") or "") for part in item.get("content") or ())
        + len(item.get("arguments") or "")
        + len(item.get("output") or "")
        for item in step.items
    )
