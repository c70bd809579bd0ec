"""A JSON value against a vendor's own type, with nothing forgiven: the vendors' packages are lenient on purpose.

`openai`'s models take unknown keys and turn strings into numbers, because a client must survive a newer server. A
server does neither. So the annotations of those models are walked here, and every difference is told in the words
that a server would use (reference section 10: `unknown_parameter`, `missing_required_parameter`, `invalid_type`,
`invalid_value`, with the dotted path).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from tests.peers.shapes import ARRAYS, UNIONS, bare, fields, literals, members

__all__ = ["Problem", "by_type", "problems"]

DISCRIMINATORS = ("type", "role", "object", "model")


@dataclass(frozen=True, slots=True)
class Problem:
    """One difference between a value and its type."""

    code: str
    param: str
    """Dotted path, `session.tools[0].name`."""
    message: str


def problems(annotation: Any, value: object, path: str = "") -> list[Problem]:
    """Every difference; an empty list when the value is exactly of the type."""
    annotation = bare(annotation)
    origin = get_origin(annotation)
    if origin in UNIONS:
        return _of_union(get_args(annotation), value, path)
    if origin is Literal:
        known = tuple(one.value if isinstance(one, Enum) else one for one in get_args(annotation))
        return [] if _among(value, known) else [_not_among(value, known, path)]
    if origin in ARRAYS:
        return _of_array(get_args(annotation)[0], value, path)
    if origin is dict:
        return _of_dict(get_args(annotation)[1], value, path)
    if fields(annotation) is not None:
        return _of_object(annotation, value, path)
    return _of_leaf(annotation, value, path)


@cache
def by_type(union: Any) -> dict[str, Any]:
    """The object types of a union, by the literal of their `type`."""
    return {name: member for member in members(union) for name in literals(member, "type")}


# ── the shapes ────────────────────────────────────────────────────────────────────────────────────────────


def _of_object(kind: Any, value: object, path: str) -> list[Problem]:
    if not isinstance(value, dict):
        return [_wrong_type(path, "an object", value)]
    known = fields(kind) or {}
    found: list[Problem] = []
    for key, field in known.items():
        here = _join(path, key)
        if key in value:
            found += problems(field.annotation, value[key], here)
        elif field.required:
            found.append(_missing(here))
    unknown = (_join(path, key) for key in value if key not in known)
    return found + [Problem("unknown_parameter", here, f"Unknown parameter: '{here}'.") for here in unknown]


def _of_union(branches: tuple[Any, ...], value: object, path: str) -> list[Problem]:
    branches = tuple(inner for branch in branches for inner in _flat(branch))
    if value is None:
        return [] if NoneType in branches else [_wrong_type(path, "a value", value)]
    choices = [one for one in branches if one is not NoneType]
    if any(isinstance(one, type) and issubclass(one, Enum) for one in choices):
        # A vendor that lists its values and takes any string besides means values of the future, not ours.
        choices = [one for one in choices if one is not str]
    objects = [one for one in choices if fields(one) is not None]
    if isinstance(value, dict) and objects:
        anything = [one for one in choices if get_origin(one) is dict or one in (object, Any)]
        objects, fault = _narrow(objects, value, path) if len(objects) > 1 else (objects, None)
        if fault and not anything:
            return [fault]
        choices = [*objects, *anything]
    return min((problems(one, value, path) for one in choices), key=len)


def _flat(branch: Any) -> tuple[Any, ...]:
    branch = bare(branch)
    if get_origin(branch) in UNIONS:
        return tuple(inner for one in get_args(branch) for inner in _flat(one))
    return (branch,)


def _narrow(kinds: list[Any], value: dict[str, Any], path: str) -> tuple[list[Any], Problem | None]:
    """The object types whose literal keys agree with the value's; else what stands against all of them."""
    for key in DISCRIMINATORS:
        if not all(literals(kind, key) for kind in kinds):
            continue
        here = _join(path, key)
        if key not in value:
            kinds = [kind for kind in kinds if not (fields(kind) or {})[key].required]
            if not kinds:
                return [], _missing(here)
            continue
        known = tuple(name for kind in kinds for name in literals(kind, key))
        kinds = [kind for kind in kinds if _among(value[key], literals(kind, key))]
        if not kinds:
            return [], _not_among(value[key], known, here)
    return kinds, None


def _of_array(inner: Any, value: object, path: str) -> list[Problem]:
    if not isinstance(value, list):
        return [_wrong_type(path, "an array", value)]
    return [fault for at, one in enumerate(value) for fault in problems(inner, one, f"{path}[{at}]")]


def _of_dict(inner: Any, value: object, path: str) -> list[Problem]:
    if not isinstance(value, dict):
        return [_wrong_type(path, "an object", value)]
    return [fault for key, one in value.items() for fault in problems(inner, one, _join(path, key))]


LEAVES: dict[type, tuple[tuple[type, ...], str]] = {
    str: ((str,), "a string"),
    int: ((int,), "an integer"),
    float: ((int, float), "a decimal"),
    bool: ((bool,), "a boolean"),
}


def _of_leaf(annotation: Any, value: object, path: str) -> list[Problem]:
    if annotation in (object, Any):
        return []
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        known = tuple(one.value for one in annotation)
        return [] if _among(value, known) else [_not_among(value, known, path)]
    if annotation is bytes:
        return [] if _is_base64(value) else [_wrong_type(path, "base64", value)]
    if annotation not in LEAVES:
        raise TypeError(f"no rule for {annotation!r} at {path!r}")
    kinds, words = LEAVES[annotation]
    fits = isinstance(value, kinds) and (annotation is bool or not isinstance(value, bool))
    return [] if fits else [_wrong_type(path, words, value)]


# ── small things ──────────────────────────────────────────────────────────────────────────────────────────


def _is_base64(value: object) -> bool:
    try:
        return isinstance(value, str) and base64.b64decode(value, validate=True) is not None
    except (binascii.Error, ValueError):
        return False


def _among(value: object, known: tuple[Any, ...]) -> bool:
    return any(type(value) is type(one) and value == one for one in known)


def _not_among(value: object, known: tuple[Any, ...], path: str) -> Problem:
    words = ", ".join(repr(one) for one in dict.fromkeys(known))
    return Problem("invalid_value", path, f"Invalid value: {value!r}. Supported values are: {words}.")


def _missing(path: str) -> Problem:
    return Problem("missing_required_parameter", path, f"Missing required parameter: '{path}'.")


def _wrong_type(path: str, wanted: str, value: object) -> Problem:
    names: dict[type, str] = {bool: "a boolean", int: "an integer", float: "a decimal", str: "a string"}
    names |= {list: "an array", dict: "an object", NoneType: "null"}
    got = names.get(type(value), type(value).__name__)
    return Problem(
        "invalid_type", path, f"Invalid type for '{path}': expected {wanted}, but got {got} instead."
    )


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
