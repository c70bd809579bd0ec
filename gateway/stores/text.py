"""JSON as both databases store it."""

from __future__ import annotations

import json
import math

__all__ = ["json_text"]


def json_text(value: object) -> str:
    """JSON that both engines store: PostgreSQL refuses NUL, neither takes half of a surrogate pair, and NaN is
    no JSON at all (it becomes null)."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode("utf-8").replace("\\u0000", "\ufffd")


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
