"""How many values a JSON text holds, told without reading it: they are what parsing and checking cost by. Pure."""

from __future__ import annotations

__all__ = ["MAX_VALUES", "too_many_values"]

MAX_VALUES = 32_768
"""Values in one event. The largest honest ones, 128 tools or a history of 1000 items, have less than half of that;
what a message of 16 MiB could hold would keep the loop for half a minute and take gigabytes."""


def too_many_values(text: str, most: int = MAX_VALUES) -> bool:
    """Whether a JSON text holds more values than `most` below its topmost one; an empty array or object counts as two.
    What is no JSON is judged rightly up to its first mistake at least. Takes 0.1 s for 16 MiB."""
    if len(text) <= most or _marks(text) <= most:
        return False
    # In JSON a backslash stands in strings only: without the escaped ones every quote begins or ends a string.
    bare = text.replace("\\\\", "").replace('\\"', "")
    # A value has two strings at most: its key and itself.
    if bare.count('"') > 4 * (most + 1):
        return True
    return _marks("".join(bare.split('"')[::2])) > most


def _marks(text: str) -> int:
    """A comma stands for the value after it, a bracket for the first one behind it."""
    return text.count(",") + text.count("[") + text.count("{")
