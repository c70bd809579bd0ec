"""The models of `azure-ai-voicelive` as shapes: importing this module teaches `shapes` to read them."""

from __future__ import annotations

from functools import cache
from typing import Any, Optional, Union, get_type_hints

from azure.ai.voicelive import _unions, models
from azure.ai.voicelive._utils.model_base import Model  # the base of every model has no public name
from azure.ai.voicelive.models import _models

from tests.peers.shapes import Field, expanders, readers

__all__ = ["CLIENT_EVENT", "SERVER_EVENT"]

CLIENT_EVENT = models.ClientEvent
SERVER_EVENT = models.ServerEvent


def _fields(kind: type) -> dict[str, Field] | None:
    if not issubclass(kind, Model):
        return None
    hints: dict[str, Any] = get_type_hints(kind, {**vars(_models), "_models": models, "_unions": _unions})
    found: dict[str, Field] = {}
    for base in reversed(kind.__mro__):
        for name, field in vars(base).items():
            if type(field).__name__ == "_RestField":
                hint = Optional[int] if field._format == "unix-timestamp" else hints[name]  # noqa: UP045 - as a value
                found[field._rest_name_input or name] = Field(
                    hint, type(None) not in getattr(hint, "__args__", ())
                )
    return found


@cache
def _variants(kind: type) -> tuple[type, ...]:
    """The classes that an object of a base class can be; the class itself where there are none."""
    known = vars(kind).get("__mapping__")
    if not known:
        return (kind,)
    return tuple(dict.fromkeys(leaf for one in known.values() for leaf in _variants(one)))


def _expand(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        leaves = _variants(annotation)
        return annotation if leaves == (annotation,) else Union[leaves]  # noqa: UP007 - of a tuple
    return annotation


readers.append(_fields)
expanders.append(_expand)
