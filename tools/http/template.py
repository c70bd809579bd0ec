"""Texts with `{parameter}` in them, and what becomes of them for a URL, a header, a body. Pure.

What a caller said ends up in a request: it must not be able to change which request that is. So a value in a path
stays one segment, a value in a header stays one line, and a value in a body is JSON, never text pasted into JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from tools.contract import ToolError

__all__ = ["CONTEXT", "MISSING", "fields", "filled_json", "filled_path", "filled_text"]

_FIELD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

CONTEXT = ("call_id", "session_id", "tenant", "persona_id", "idempotency_key", "now")
"""What of its call a tool may name, as `{context.session_id}`."""

MISSING = object()
"""In place of a value whose parameter was not given: the entry is left out."""


def fields(text: str) -> Iterator[str]:
    """The names in a text, in order."""
    for found in _FIELD.finditer(text):
        yield found[1]


def filled_path(text: str, values: Mapping[str, Any]) -> str:
    """A path with its values, percent-encoded. Raises ToolError for a value that would lead elsewhere."""

    def put(found: re.Match[str]) -> str:
        name = found[1]
        value = _text(values[name])
        if not value or _CONTROL.search(value) or "/" in value or "\\" in value:
            raise ToolError(f"{name}: may not be empty, nor hold slashes. Ask for it again.")
        return quote(value, safe="")

    path = _FIELD.sub(put, text)
    for segment in path.split("/"):
        if segment in (".", ".."):
            raise ToolError(f"{', '.join(fields(text))}: may not be {segment!r}. Ask for it again.")
    return path


def filled_text(text: str, values: Mapping[str, Any]) -> Any:
    """A text with its values, as one line; MISSING when one of them was not given. Raises ToolError."""
    names = list(fields(text))
    if any(values.get(name) is None for name in names):
        return MISSING
    for name in names:
        if _CONTROL.search(_text(values[name])):
            raise ToolError(f"{name}: must be one line of text.")
    return _FIELD.sub(lambda found: _text(values[found[1]]), text)


def filled_json(template: Any, values: Mapping[str, Any]) -> Any:
    """A JSON value with its values: `"{name}"` alone becomes the value as it is, with its type; within a text, text.
    What was not given leaves its entry out."""
    match template:
        case dict():
            made = {key: filled_json(value, values) for key, value in template.items()}
            return {key: value for key, value in made.items() if value is not MISSING}
        case list():
            return [value for each in template if (value := filled_json(each, values)) is not MISSING]
        case str():
            names = list(fields(template))
            if any(values.get(name) is None for name in names):
                return MISSING
            if len(names) == 1 and template == f"{{{names[0]}}}":
                return values[names[0]]
            return _FIELD.sub(lambda found: _text(values[found[1]]), template)
        case _:
            return template


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)
