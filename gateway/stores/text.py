"""JSON as both databases store it."""

from __future__ import annotations

import json
import math
import re

__all__ = ["json_text"]


_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""NUL as JSON escapes it, and no backslash of a text with `u0000` behind it."""


def json_text(value: object) -> str:
    """JSON that both engines store: PostgreSQL refuses NUL, neither takes half of a surrogate pair, and NaN is
    no JSON at all (it becomes null)."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = text.encode("utf-8", "replace").decode("utf-8")
    return _NUL.sub("\\1\ufffd", text) if "\\u0000" in text else text


def _finite(value: object) -> object:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _finite(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_finite(inner) for inner in value]
        case _:
            return value
