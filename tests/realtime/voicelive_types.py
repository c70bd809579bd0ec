"""The types of `azure-ai-voicelive` as a judge. Its models take any JSON, so their annotations are walked here."""

from __future__ import annotations

import datetime
import typing
from collections.abc import Mapping
from enum import Enum
from inspect import get_annotations
from types import NoneType, SimpleNamespace
from typing import Any, Literal, get_args, get_origin

from azure.ai.voicelive import _unions, models
from azure.ai.voicelive.models import _models

__all__ = ["client_complaints", "server_complaints"]

LEAVES: dict[Any, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    float: (int, float),
    bool: (bool,),
    bytes: (str, bytes),
    datetime.datetime: (int,),
}


NAMES = {
    "_models": SimpleNamespace(**vars(_models) | vars(models)),
    "_unions": _unions,
    "datetime": datetime,
}


def client_complaints(event: dict[str, Any]) -> list[str]:
    """What the package has against a client event."""
    return _complaints(models.ClientEvent, event, "")


def server_complaints(event: dict[str, Any]) -> list[str]:
    """What the package has against a server event."""
    return _complaints(models.ServerEvent, event, "")


def _complaints(kind: Any, value: Any, path: str) -> list[str]:
    kind = _resolved(kind)
    origin = get_origin(kind)
    if origin is typing.Union:
        found = [_complaints(one, value, path) for one in get_args(kind)]
        return min(found, key=lambda told: (len(told), -sum(len(one.split(":")[0]) for one in told)))
    if origin is Literal:
        known = [one.value if isinstance(one, Enum) else one for one in get_args(kind)]
        return [] if value in known else [f"{path}: {value!r} is none of {known}"]
    if origin is list:
        if not isinstance(value, list):
            return [f"{path}: no list"]
        return [
            told
            for at, one in enumerate(value)
            for told in _complaints(get_args(kind)[0], one, f"{path}[{at}]")
        ]
    if origin is dict:
        if not isinstance(value, dict):
            return [f"{path}: no object"]
        return [told for k, v in value.items() for told in _complaints(get_args(kind)[1], v, f"{path}.{k}")]
    if kind in (Any, object):
        return []
    if kind is NoneType:
        return [] if value is None else [f"{path}: not null"]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [] if value in [one.value for one in kind] else [f"{path}: {value!r} is no {kind.__name__}"]
    if kind in LEAVES:
        fits = isinstance(value, LEAVES[kind]) and (kind is bool or not isinstance(value, bool))
        return [] if fits else [f"{path}: {value!r} is no {kind.__name__}"]
    return _of_model(kind, value, path)


def _of_model(kind: Any, value: Any, path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: no object"]
    members: Mapping[str, Any] = kind.__dict__.get("__mapping__") or {}
    if members:
        key = _discriminator(kind)
        member = members.get(value.get(key, ""))
        if member is None:
            return [f"{path}.{key}: {value.get(key)!r} is none of {sorted(members)}"]
        return _complaints(member, value, path)
    fields = _fields(kind)
    found = [f"{path}.{key}: unknown" for key in value if key not in fields]
    for key, field in fields.items():
        if key in value:
            found += _complaints(field, value[key], f"{path}.{key}")
        elif NoneType not in get_args(_resolved(field)):
            found.append(f"{path}.{key}: missing")
    return found


def _fields(kind: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        fields |= {k: v for k, v in get_annotations(base).items() if not k.startswith("_")}
    return fields


def _discriminator(kind: Any) -> str:
    literal = next(iter(kind.__dict__["__mapping__"].values()))
    return next(str(k) for k, v in get_annotations(literal).items() if get_origin(_resolved(v)) is Literal)


def _resolved(kind: Any) -> Any:
    if isinstance(kind, typing.ForwardRef):
        kind = kind.__forward_arg__
    if isinstance(kind, str):
        return _resolved(eval(kind, {**vars(typing), **NAMES}))  # the package's own annotations
    return kind
