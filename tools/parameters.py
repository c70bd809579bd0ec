"""Parameters that are described by a JSON Schema and by no class: of tools made from a file or by another server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

__all__ = ["JsonSchemaParameters"]

MOST_FAULTS = 8
"""Faults of one call that are told."""
MOST_STEPS = 20_000
"""Keywords of a schema that are looked at for one call: a page of `$ref`s to `$ref`s can stand for more than ever
ends."""


class JsonSchemaParameters:
    """A JSON Schema of an object (draft 2020-12, or the one that its `$schema` names). It reads nothing from elsewhere:
    a `$ref` may point into the schema itself only.

    Raises ValueError for what is no such schema, with what is wrong.
    """

    def __init__(self, schema: Mapping[str, Any], *, foreign: bool = False) -> None:
        """`foreign`: somebody else wrote it, who checks the arguments as well. Its regular expressions are left to
        them: some take longer than a call lasts."""
        from jsonschema.exceptions import SchemaError
        from jsonschema.validators import validator_for

        self._foreign = foreign
        self._schema = deepcopy(dict(schema))
        self._schema.setdefault("type", "object")
        self._schema.setdefault("properties", {})
        if self._schema["type"] != "object":
            raise ValueError("parameters: the schema's type must be object")
        try:
            validator_for(self._schema).check_schema(self._schema)
        except SchemaError as error:
            where = ".".join(str(part) for part in error.absolute_path) or "schema"
            raise ValueError(f"parameters: {where}: {error.message}") from None
        for ref in _refs(self._schema):
            if not ref.startswith("#"):
                raise ValueError(
                    f"parameters: $ref {ref!r} points out of the schema, which is not followed"
                )

    @property
    def names(self) -> frozenset[str]:
        """The parameters that are described."""
        return frozenset(self._schema["properties"])

    @property
    def closed(self) -> bool:
        """Whether there may be no others."""
        return self._schema.get("additionalProperties") is False and "patternProperties" not in self._schema

    def schema(self) -> dict[str, Any]:
        """The schema; a copy of your own."""
        return deepcopy(self._schema)

    def faults(self, given: Mapping[str, Any]) -> list[str]:
        """What is wrong with these arguments, a sentence each, without the values: they may be what a caller said."""
        self._steps.left = MOST_STEPS
        try:
            found = sorted(
                self._validator.iter_errors(given), key=lambda error: [str(p) for p in error.absolute_path]
            )
        except _Steps.Spent:
            return ["arguments: are more than can be checked; send fewer"]
        return [_sentence(error) for error in found[:MOST_FAULTS]]

    @cached_property
    def _steps(self) -> _Steps:
        return _Steps()

    @cached_property
    def _validator(self) -> Validator:
        from jsonschema.validators import extend, validator_for
        from referencing import Registry

        kind: Any = validator_for(self._schema)
        keywords = dict(kind.VALIDATORS)
        if self._foreign:
            keywords |= {name: _unchecked for name in _WITH_PATTERNS if name in keywords}
            keywords["additionalProperties"] = _additional(keywords["additionalProperties"])
        counted = {name: self._steps.counted(keyword) for name, keyword in keywords.items()}
        # An empty registry: by default the validator would fetch what a `$ref` names.
        made: Any = extend(kind, counted)  # type: ignore[no-untyped-call]  # as jsonschema has it
        validator: Validator = made(self._schema, registry=Registry())
        return validator


class _Steps:
    class Spent(Exception):
        """A schema stands for more than is looked at."""

    left = 0

    def counted(self, keyword: Any) -> Any:
        def count(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise self.Spent
            return keyword(validator, value, instance, schema)

        return count


_WITH_PATTERNS = ("pattern", "patternProperties", "unevaluatedProperties")


def _unchecked(_validator: Any, _value: Any, _instance: Any, _schema: Any) -> None:
    """A keyword that is not looked at."""


def _additional(keyword: Any) -> Any:
    """Where patterns say which properties are additional, none is."""

    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        return None if "patternProperties" in schema else keyword(validator, value, instance, schema)

    return check


def _sentence(error: ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path) or "arguments"
    wanted: Any = error.validator_value
    match error.validator:
        case "required":
            missing = [
                name for name in wanted if isinstance(error.instance, dict) and name not in error.instance
            ]
            return f"{where}: missing {', '.join(missing)}"
        case "type":
            kinds = wanted if isinstance(wanted, list) else [wanted]
            return f"{where}: must be of type {' or '.join(map(str, kinds))}"
        case "enum":
            return f"{where}: must be one of {', '.join(map(str, wanted))[:300]}"
        case "const":
            return f"{where}: must be {wanted!r}"
        case "additionalProperties":
            return f"{where}: has arguments that are not known"
        case "minLength" | "maxLength" | "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            return f"{where}: {_LIMITS[error.validator]} {wanted}"
        case "minItems" | "maxItems" | "minProperties" | "maxProperties" | "multipleOf":
            return f"{where}: {_LIMITS[error.validator]} {wanted}"
        case "pattern" | "format":
            return f"{where}: must match the {error.validator} {wanted!s:.200}"
        case _:
            return f"{where}: does not satisfy {error.validator}"


_LIMITS = {
    "minLength": "characters at least:",
    "maxLength": "characters at most:",
    "minimum": "must be at least",
    "maximum": "must be at most",
    "exclusiveMinimum": "must be above",
    "exclusiveMaximum": "must be below",
    "minItems": "entries at least:",
    "maxItems": "entries at most:",
    "minProperties": "fields at least:",
    "maxProperties": "fields at most:",
    "multipleOf": "must be a multiple of",
}


def _refs(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for name, inner in value.items():
                if name in ("$ref", "$dynamicRef") and isinstance(inner, str):
                    yield inner
                else:
                    yield from _refs(inner)
        case list():
            for inner in value:
                yield from _refs(inner)
        case _:
            pass
