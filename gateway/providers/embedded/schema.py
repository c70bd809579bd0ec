"""Values that fit a JSON Schema, as far as tools use it: coerced, judged, or made up when there is no other way."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any

__all__ = ["accepts", "coerce", "fitted", "kind_of", "minimal", "parameters_of", "resolve"]

Schema = Mapping[str, Any]
_DEPTH = 12
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "boolean": (bool,), "array": (list,), "object": (dict,), "null": (type(None),)
}  # fmt: skip


_BOUNDS = {
    "minimum": operator.ge, "maximum": operator.le, "exclusiveMinimum": operator.gt, "exclusiveMaximum": operator.lt
}  # fmt: skip


def parameters_of(tool: Mapping[str, Any] | None) -> Schema:
    """The parameters' schema of a function tool; an empty one when it has none."""
    parameters = tool.get("parameters") if tool else None
    return parameters if isinstance(parameters, Mapping) else {}


def resolve(schema: Any, root: Schema, depth: int = 0) -> Schema:
    """The schema with `$ref` followed, and of alternatives the first that is not null."""
    if not isinstance(schema, Mapping) or depth > _DEPTH:
        return {}
    ref = schema.get("$ref")
    if isinstance(ref, str) and ref.startswith("#/"):
        target: Any = root
        for part in ref[2:].split("/"):
            target = (
                target.get(part.replace("~1", "/").replace("~0", "~"))
                if isinstance(target, Mapping)
                else None
            )
        return resolve(
            {**(target if isinstance(target, Mapping) else {}), **_without(schema, "$ref")}, root, depth + 1
        )
    for word in ("anyOf", "oneOf"):
        if isinstance(schema.get(word), list):
            real = [
                each for each in schema[word] if isinstance(each, Mapping) and each.get("type") != "null"
            ]
            rest = _without(schema, word)
            return resolve({**(real[0] if real else {}), **rest}, root, depth + 1)
    if isinstance(schema.get("allOf"), list):
        together: dict[str, Any] = {}
        for each in schema["allOf"]:
            together |= resolve(each, root, depth + 1)
        return {**together, **_without(schema, "allOf")}
    return schema


def _without(schema: Schema, word: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != word}


def kind_of(schema: Schema) -> str:
    """The type of a resolved schema; of several the first that is not null."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema:
        return "object"
    if "items" in schema:
        return "array"
    values = _choices(schema)
    if values:
        return next((name for name, types in _TYPES.items() if isinstance(values[0], types)), "number")
    return "string"


def _choices(schema: Schema) -> list[Any]:
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return list(values) if isinstance(values, list) else []


def accepts(value: Any, schema: Schema) -> bool:
    """Whether `value` is valid under a resolved, flat schema (of containers only the size is looked at)."""
    kind = kind_of(schema)
    choices = _choices(schema)
    if choices and not any(value == each and type(value) is type(each) for each in choices):
        return False
    if kind in ("integer", "number"):
        return _number_accepted(value, schema, kind)
    if kind in _TYPES and not isinstance(value, _TYPES[kind]):
        return False
    if isinstance(value, str):
        pattern = schema.get("pattern")
        if len(value) < _int(schema.get("minLength"), 0) or len(value) > _int(
            schema.get("maxLength"), 1 << 20
        ):
            return False
        return not isinstance(pattern, str) or _searches(pattern, value)
    if isinstance(value, list):
        return _int(schema.get("minItems"), 0) <= len(value) <= _int(schema.get("maxItems"), 1 << 20)
    return True


def _int(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _searches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except (re.error, RecursionError):
        return False


def _number_accepted(value: Any, schema: Schema, kind: str) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    if kind == "integer" and not isinstance(value, int):
        return False
    for name, holds in _BOUNDS.items():
        limit = schema.get(name)
        if isinstance(limit, int | float) and not isinstance(limit, bool) and not holds(value, limit):
            return False
    step = schema.get("multipleOf")
    if isinstance(step, int | float) and not isinstance(step, bool) and step > 0:
        return abs(value / step - round(value / step)) < 1e-9
    return True


def coerce(value: Any, schema: Schema) -> Any:
    """`value` in the schema's type where that is plain (`"40"` → 40); None when it does not fit."""
    kind = kind_of(schema)
    if isinstance(value, str) and kind in ("integer", "number"):
        try:
            value = int(value) if kind == "integer" or re.fullmatch(r"-?\d{1,18}", value) else float(value)
        except ValueError:
            return None
    elif isinstance(value, str) and kind == "boolean":
        value = {"true": True, "yes": True, "false": False, "no": False}.get(value.lower())
    elif kind == "string" and not isinstance(value, str):
        value = ("true" if value else "false") if isinstance(value, bool) else str(value)
    elif kind == "array" and not isinstance(value, list):
        value = [value]
    return value if value is not None and accepts(value, schema) else None


def fitted(arguments: Mapping[str, Any], tool: Mapping[str, Any] | None) -> dict[str, Any]:
    """The arguments in the types of the tool's schema. What the schema does not know is left out when it is closed."""
    root = parameters_of(tool)
    properties = root.get("properties")
    if not isinstance(properties, Mapping):
        return dict(arguments) if root.get("additionalProperties") is not False or not tool else {}
    fit: dict[str, Any] = {}
    for name, value in arguments.items():
        if name in properties:
            good = coerce(value, resolve(properties[name], root))
            fit[name] = value if good is None else good
        elif root.get("additionalProperties") is not False:
            fit[name] = value
    return fit


# ── values out of nothing ─────────────────────────────────────────────────────────────────────────────────


def minimal(schema: Any, root: Schema, now: datetime, depth: int = 0) -> Any:
    """The plainest value that is valid: for a call that must be made though nothing was said about it."""
    schema = resolve(schema, root)
    if "default" in schema and schema["default"] is not None and accepts(schema["default"], schema):
        return schema["default"]
    choices = _choices(schema)
    if choices:
        return choices[0]
    match kind_of(schema):
        case "integer" | "number" as kind:
            return _smallest(schema, kind)
        case "boolean":
            return False
        case "null":
            return None
        case "array":
            count = min(_int(schema.get("minItems"), 0), 64)
            return [minimal(schema.get("items", {}), root, now, depth + 1) for _ in range(count)]
        case "object":
            properties = schema.get("properties")
            required = schema.get("required")
            names = (
                [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
            )
            if depth > _DEPTH or not isinstance(properties, Mapping):
                properties = {}
            return {name: minimal(properties.get(name, {}), root, now, depth + 1) for name in names}
        case _:
            return _shortest(schema, now)


def _smallest(schema: Schema, kind: str) -> int | float:
    step = schema.get("multipleOf")
    for candidate in (0, 1, schema.get("minimum"), schema.get("maximum"), *_beyond(schema), step):
        if isinstance(candidate, int | float) and not isinstance(candidate, bool):
            number = math.ceil(candidate) if kind == "integer" and math.isfinite(candidate) else candidate
            if accepts(number, schema):
                return number
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    if isinstance(step, int | float) and step > 0 and isinstance(low, int | float):
        first = (math.floor(low / step) + 1) * step
        return int(first) if kind == "integer" else first
    return 0


def _beyond(schema: Schema) -> list[float]:
    low, high = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    found: list[float] = []
    if isinstance(low, int | float) and isinstance(high, int | float):
        found.append((low + high) / 2)
    if isinstance(low, int | float):
        found += [math.floor(low) + 1, low + 0.5]
    if isinstance(high, int | float):
        found += [math.ceil(high) - 1, high - 0.5]
    return found


def _shortest(schema: Schema, now: datetime) -> str:
    formats = {
        "date": now.date().isoformat(), "time": time(now.hour, now.minute, tzinfo=UTC).isoformat(),
        "date-time": now.astimezone(UTC).isoformat(timespec="seconds"), "email": "nobody@example.com",
        "uuid": "00000000-0000-4000-8000-000000000000", "uri": "https://example.com/", "ipv4": "192.0.2.1",
        "hostname": "example.com", "duration": "PT0S", "ipv6": "2001:db8::1",
    }  # fmt: skip
    form = formats.get(str(schema.get("format")))
    candidates = [*([form] if form else []), "unknown", "", now.date().isoformat()]
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        candidates += [_sample(pattern)]
    candidates += [
        "x" * size for size in {_int(schema.get("minLength"), 0), _int(schema.get("maxLength"), 0)}
    ]
    candidates += ["0" * _int(schema.get("minLength"), 4), "a", "A", "0"]
    return next(
        (text for text in candidates if accepts(text, schema) and (text or not schema.get("pattern"))),
        "unknown",
    )


def _sample(pattern: str) -> str:
    """A string that a simple pattern matches: classes and literals with fixed or minimal repetition."""
    text = ""
    body = pattern.removeprefix("^").removesuffix("$")
    for match in re.finditer(
        r"(\[(?:\\.|[^\]])+\]|\\.|\([^()]*\)|[^\\\[\]{}()?*+|^$])(\{(\d+)(?:,\d*)?\}|[?*+])?", body
    ):
        unit, repeat, count = match.group(1), match.group(2), match.group(3)
        times = int(count) if count else 0 if repeat in ("?", "*") else 1
        text += _unit(unit) * min(times, 64)
    return text


def _unit(unit: str) -> str:
    if unit.startswith("("):
        return unit.strip("()").removeprefix("?:").split("|")[0]
    if unit.startswith("["):
        inside = unit[1:-1]
        for candidate in "0aA-_ .":
            if not inside.startswith("^") and re.fullmatch(unit, candidate):
                return candidate
        return next((sign for sign in "xyz!@#" if re.fullmatch(unit, sign)), "x")
    if unit.startswith("\\"):
        return {"d": "0", "w": "a", "s": " ", "D": "a", "W": " ", "S": "a"}.get(unit[1], unit[1])
    return "a" if unit == "." else unit
