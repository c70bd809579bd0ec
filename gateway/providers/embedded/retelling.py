"""A tool's JSON as a sentence, when nobody wrote one for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.providers.embedded.english.dates import say_date, say_time
from gateway.providers.embedded.english.numbers import say_digits

__all__ = ["retell", "words_of"]

_LONGEST = 420
_PLAIN = ("answer", "message", "summary", "text", "result", "response", "description")
"""Fields that are a sentence already."""
_NOISE = re.compile(r"(^|_)(id|ids|uuid|key|token|url|uri|href|ok|success)$")


def words_of(name: str) -> str:
    """An identifier as words: `unitPrice`, `unit_price` → `unit price`."""
    return " ".join(
        re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").replace("-", " ").lower().split()
    )


def retell(name: str, output: Mapping[str, Any]) -> str:
    """What the tool `name` answered, to be said. Never empty."""
    if output.get("status") == "pending_approval":
        return "Somebody has to approve that first. I've asked, and I'll tell you as soon as I know."
    error = output.get("error")
    if error:
        told = error.get("message", "") if isinstance(error, Mapping) else str(error)
        text = re.sub(r"^error:?\s*", "", str(told), flags=re.IGNORECASE).strip()
        return f"That didn't work: {_closed(text)}" if text else f"I'm sorry, {words_of(name)} didn't work."
    for field in _PLAIN:
        value = output.get(field)
        if isinstance(value, str) and " " in value.strip():
            return _cut(_closed(value.strip()))
    if set(output) == {"result"}:
        value = _value("result", output["result"], 0)
        return (
            _cut(f"The result is {_closed(value)}") if value else f"{words_of(name).capitalize()} is done."
        )
    parts = _fields(output, 0)
    if not parts:
        return f"{words_of(name).capitalize()} is done."
    return _cut(f"Here is what I found: {_closed(', '.join(parts))}")


def _fields(value: Mapping[str, Any], depth: int) -> list[str]:
    parts = []
    for name, each in value.items():
        if _NOISE.search(str(name)) and len(value) > 1:
            continue
        said = _value(str(name), each, depth + 1)
        if said:
            parts.append(f"{words_of(str(name))} {said}")
    return parts[:8]


def _value(name: str, value: Any, depth: int) -> str:
    if value is None or depth > 3:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(round(value, 2)) if isinstance(value, float) else str(value)
    if isinstance(value, Mapping):
        return ", ".join(_fields(value, depth))
    if isinstance(value, list | tuple):
        said = [text for text in (_value(name, each, depth + 1) for each in value[:4]) if text]
        more = f", and {len(value) - 4} more" if len(value) > 4 else ""
        return "; ".join(said) + more if said else "none"
    return _text(name, str(value))


def _text(name: str, text: str) -> str:
    if re.fullmatch(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?", text):
        try:
            moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            return text
        day = say_date(moment.date())
        return f"{day} at {say_time(moment.time())}" if len(text) > 10 else day
    if re.search(r"phone|number|code", name) and text.isascii() and text.isdigit() and 4 <= len(text) <= 15:
        return say_digits(text)
    return " ".join(text.split())


def _closed(text: str) -> str:
    return text if text[-1:] in ".!?" else f"{text}."


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    head = text[:_LONGEST]
    end = max(head.rfind(". "), head.rfind(", "), head.rfind("; "))
    return _closed(head[: end if end > 80 else _LONGEST].rstrip(" ,;."))
