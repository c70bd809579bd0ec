"""What kinds of object types there are, and their fields: pydantic models, typed dicts, and whatever is added."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin

from pydantic import BaseModel
from typing_extensions import TypeAliasType, get_type_hints, is_typeddict

__all__ = ["ARRAYS", "UNIONS", "Field", "bare", "expanders", "fields", "literals", "members", "readers"]

UNIONS = (Union, UnionType)
ARRAYS = (list, Iterable, Sequence)


@dataclass(frozen=True, slots=True)
class Field:
    """One key of an object type."""

    annotation: Any
    required: bool


def _of_pydantic(kind: type) -> dict[str, Field] | None:
    if not issubclass(kind, BaseModel):
        return None
    return {
        field.alias or name: Field(field.annotation, field.is_required())
        for name, field in kind.model_fields.items()
    }


def _of_typed_dict(kind: type) -> dict[str, Field] | None:
    if not is_typeddict(kind):
        return None
    hints: dict[str, Any] = get_type_hints(kind, include_extras=True)
    needed: frozenset[str] = vars(kind)["__required_keys__"]

    def required(name: str) -> bool:
        # With postponed annotations the class does not know its `Required` keys; the hints do.
        mark: Any = get_origin(hints[name])
        return name in needed or mark is Required

    return {name: Field(hint, required(name)) for name, hint in hints.items()}


readers: list[Callable[[type], dict[str, Field] | None]] = [_of_pydantic, _of_typed_dict]
"""Asked in order for the fields of a class; None: not one of theirs."""

expanders: list[Callable[[Any], Any]] = []
"""Each may put the union of its variants in the place of a base class."""


@cache
def fields(kind: Any) -> dict[str, Field] | None:
    """The keys of an object type; None for anything else."""
    if not isinstance(kind, type):
        return None
    return next((found for reader in readers if (found := reader(kind)) is not None), None)


def bare(annotation: Any) -> Any:
    """Without alias, annotation and the marks of typed dicts; a base class as the union of its variants."""
    while True:
        if isinstance(annotation, TypeAliasType):
            annotation = annotation.__value__
        elif get_origin(annotation) in (Annotated, Required, NotRequired):
            annotation = get_args(annotation)[0]
        else:
            break
    for expand in expanders:
        annotation = expand(annotation)
    return annotation


def members(union: Any) -> Iterator[Any]:
    """The object types of a union, however deeply it nests."""
    union = bare(union)
    if get_origin(union) in UNIONS:
        for one in get_args(union):
            yield from members(one)
    elif fields(union) is not None:
        yield union


@cache
def literals(kind: Any, key: str) -> tuple[Any, ...]:
    """The values that a key of an object type can only have; none when it can have any."""
    field = (fields(kind) or {}).get(key)
    if field is None:
        return ()
    annotation = bare(field.annotation)
    branches = get_args(annotation) if get_origin(annotation) in UNIONS else (annotation,)
    named = [one for one in branches if get_origin(one) is Literal]
    if len(named) < len([one for one in branches if one is not type(None)]):
        return ()
    return tuple(name.value if isinstance(name, Enum) else name for one in named for name in get_args(one))
