"""What is kept of arguments and results for people to read: their shape, and little of what they say. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["WITHHELD", "preview"]

WITHHELD = "withheld"
MOST = 2_000
"""Characters of one preview."""
TEXT = 80
"""Characters of one value."""
ENTRIES = 20
DEPTH = 5

_PERSONAL = re.compile(
    r"name|phone|mobile|fax|mail|address|street|city|zip|postal|birth|dob|ssn|social|card|iban|account|routing|pin$|pass|"
    r"secret|token|api_?key|auth|credential|signature|holder|patient|member|insur|diagnos|symptom|medic|note|message|"
    r"description|comment|reason|transcript|text|body|subject",
    re.IGNORECASE,
)
"""Names of fields whose value is about a person, or free text."""
_DIGITS = re.compile(r"\d(?:[ .-]?\d){3,}")
"""Four digits or more: a number that belongs to somebody."""
_MAIL = re.compile(r"[^\s@]+@[^\s@]+")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?")


def preview(value: Mapping[str, Any] | None, *, withheld: bool = False) -> str:
    """The object as JSON, with what people said and what is theirs masked. `withheld`: the names of its fields only."""
    if value is None:
        return ""
    shown: Any = sorted(map(str, value))[:ENTRIES] if withheld else _shown(value, 0)
    text = json.dumps({WITHHELD: shown} if withheld else shown, ensure_ascii=False, default=lambda _: "…")
    return text if len(text) <= MOST else text[: MOST - 1] + "…"


def _shown(value: Any, depth: int) -> Any:
    match value:
        case None | bool() | float():
            return value
        case int():
            return value if abs(value) < 1000 else "•••"
        case str():
            return _masked(value)
        case Mapping() if depth < DEPTH:
            return {
                str(name)[:TEXT]: _kind(inner) if _PERSONAL.search(str(name)) else _shown(inner, depth + 1)
                for name, inner in list(value.items())[:ENTRIES]
            }
        case list() | tuple() if depth < DEPTH:
            return [_shown(inner, depth + 1) for inner in value[:ENTRIES]]
        case _:
            return "…"


def _masked(text: str) -> str:
    if _MOMENT.fullmatch(text):
        return text
    text = _MAIL.sub("•••", text[: TEXT + 1])
    text = _DIGITS.sub("•••", text)
    return text if len(text) <= TEXT else text[:TEXT] + "…"


def _kind(value: Any) -> Any:
    """Stands for what is not shown."""
    return value if value is None or isinstance(value, bool) else "•••"
