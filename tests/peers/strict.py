"""A JSON value against a vendor's own type, with nothing forgiven: the vendors' packages are lenient on purpose.

`openai`'s models take unknown keys and turn strings into numbers, because a client must survive a newer server. A
server does neither. So the annotations of those models are walked here, and every difference is told in the words
that a server would use (reference section 10: `unknown_parameter`, `missing_required_parameter`, `invalid_type`,
`invalid_value`, with the dotted path).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from typing_extensions import TypeAliasType

__all__ = ["Problem", "by_type", "problems"]

DISCRIMINATORS = ("type", "role", "object")


@dataclass(frozen=True, slots=True)
class Problem:
    """One difference between a value and its type."""

    code: str
    param: str
    """Dotted path, `session.tools[0].name`."""
    message: str


def problems(annotation: Any, value: object, path: str = "") -> list[Problem]:
    """Every difference; an empty list when the value is exactly of the type."""
    annotation = _bare(annotation)
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return _of_union(get_args(annotation), value, path)
    if origin is Literal:
        return (
            [] if _among(value, get_args(annotation)) else [_not_among(value, get_args(annotation), path)]
        )
    if origin is list:
        return _of_list(get_args(annotation)[0], value, path)
    if origin is dict:
        return _of_dict(get_args(annotation)[1], value, path)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _of_model(annotation, value, path)
    return _of_leaf(annotation, value, path)


@cache
def by_type(union: Any) -> dict[str, type[BaseModel]]:
    """The members of a union of models, by the literal of their `type`."""
    return {name: member for member in _members(union) for name in _literals(member, "type")}


# ── the shapes ────────────────────────────────────────────────────────────────────────────────────────────


def _of_model(model: type[BaseModel], value: object, path: str) -> list[Problem]:
    if not isinstance(value, dict):
        return [_wrong_type(path, "an object", value)]
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    found: list[Problem] = []
    for key, field in fields.items():
        here = _join(path, key)
        if key in value:
            found += problems(field.annotation, value[key], here)
        elif field.is_required():
            found.append(
                Problem("missing_required_parameter", here, f"Missing required parameter: '{here}'.")
            )
    unknown = (_join(path, key) for key in value if key not in fields)
    return found + [Problem("unknown_parameter", here, f"Unknown parameter: '{here}'.") for here in unknown]


def _of_union(members: tuple[Any, ...], value: object, path: str) -> list[Problem]:
    members = tuple(_bare(member) for member in members)
    if value is None:
        return [] if NoneType in members else [_wrong_type(path, "a value", value)]
    choices = [member for member in members if member is not NoneType]
    if isinstance(value, dict) and len(models := list(_models(choices))) > 1:
        others = [member for member in choices if member not in models]
        models, fault = _narrow(models, value, path)
        choices = [*others, *models]
        if fault and not others:
            return [fault]
    tried = [problems(member, value, path) for member in choices]
    literals = tuple(name for m in choices if get_origin(m) is Literal for name in get_args(m))
    best = min(tried, key=len)
    if best and isinstance(value, str) and literals and all(get_origin(m) is Literal for m in choices):
        return [_not_among(value, literals, path)]
    return best


def _narrow(
    models: list[type[BaseModel]], value: dict[str, Any], path: str
) -> tuple[list[type[BaseModel]], Problem | None]:
    """The models whose literal keys agree with the value's; else what stands against all of them."""
    for key in DISCRIMINATORS:
        if not all(_literals(model, key) for model in models):
            continue
        if key not in value:
            models = [model for model in models if not model.model_fields[key].is_required()]
            if not models:
                here = _join(path, key)
                return [], Problem(
                    "missing_required_parameter", here, f"Missing required parameter: '{here}'."
                )
            continue
        known = tuple(name for model in models for name in _literals(model, key))
        models = [model for model in models if _among(value[key], _literals(model, key))]
        if not models:
            return [], _not_among(value[key], known, _join(path, key))
    return models, None


def _of_list(inner: Any, value: object, path: str) -> list[Problem]:
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
    if annotation not in LEAVES:
        raise TypeError(f"no rule for {annotation!r} at {path!r}")
    kinds, words = LEAVES[annotation]
    fits = isinstance(value, kinds) and (annotation is bool or not isinstance(value, bool))
    return [] if fits else [_wrong_type(path, words, value)]


# ── small things ──────────────────────────────────────────────────────────────────────────────────────────


def _bare(annotation: Any) -> Any:
    while True:
        if isinstance(annotation, TypeAliasType):
            annotation = annotation.__value__
        elif get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        else:
            return annotation


def _models(choices: list[Any]) -> Iterator[type[BaseModel]]:
    return (one for one in choices if isinstance(one, type) and issubclass(one, BaseModel))


def _members(union: Any) -> list[type[BaseModel]]:
    return list(_models([_bare(member) for member in get_args(_bare(union))]))


@cache
def _literals(model: type[BaseModel], key: str) -> tuple[Any, ...]:
    field = model.model_fields.get(key)
    if field is None:
        return ()
    annotation = _bare(field.annotation)
    branches = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return tuple(name for one in branches if get_origin(one) is Literal for name in get_args(one))


def _among(value: object, known: tuple[Any, ...]) -> bool:
    return any(type(value) is type(one) and value == one for one in known)


def _not_among(value: object, known: tuple[Any, ...], path: str) -> Problem:
    words = ", ".join(repr(one) for one in dict.fromkeys(known))
    return Problem("invalid_value", path, f"Invalid value: {value!r}. Supported values are: {words}.")


def _wrong_type(path: str, wanted: str, value: object) -> Problem:
    names: dict[type, str] = {bool: "a boolean", int: "an integer", float: "a decimal", str: "a string"}
    names |= {list: "an array", dict: "an object", NoneType: "null"}
    got = names.get(type(value), type(value).__name__)
    return Problem(
        "invalid_type", path, f"Invalid type for '{path}': expected {wanted}, but got {got} instead."
    )


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
