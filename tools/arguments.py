"""What a tool is called with, read: as the model wrote it, or as a client sent it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson
from pydantic import ValidationError

from tools.contract import Tool, ToolError
from tools.parameters import JsonSchemaParameters

__all__ = ["MAX_ARGUMENTS", "object_of", "read"]

MAX_ARGUMENTS = 64 * 1024
"""Characters of arguments that are read at all."""
DEEPEST = 64
"""Levels of arguments: what goes down once for every level must come to an end."""


def object_of(arguments: str | Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as an object. Raises ToolError."""
    given: Any = arguments
    if isinstance(arguments, str):
        if len(arguments) > MAX_ARGUMENTS:
            raise ToolError(f"The arguments are longer than {MAX_ARGUMENTS} characters.")
        try:
            # It is strict: half of a surrogate pair, which models do write, is no text and can be kept nowhere.
            given = orjson.loads(arguments or "{}")
        except ValueError:
            raise ToolError("The arguments are not valid JSON. Send one JSON object.") from None
        if not isinstance(given, dict):
            raise ToolError("The arguments must be one JSON object.")
    if _deep(given):
        raise ToolError("The arguments are nested too deeply.")
    return dict(given)


def _deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for each in level for inner in _within(each)]
        if not level:
            return False
    return True


def _within(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def read(tool: Tool, given: Mapping[str, Any], now: datetime, *, check: bool = True) -> Any:
    """What the tool's handler is given. Raises ToolError with what is to be corrected; it quotes no value.

    The validation of a model sees `now` as `info.context["now"]`, so that a parameter may accept "tomorrow".
    `check=False` leaves the check against a JSON Schema out; a model is always made, for its tool stands on it.
    """
    if isinstance(tool.parameters, JsonSchemaParameters):
        unknown = sorted(set(given) - tool.names) if tool.parameters.closed else []
    else:
        unknown = sorted(set(given) - tool.names)
    if unknown and check:
        known = ", ".join(sorted(tool.names)) or "none"
        raise ToolError(f"Unknown argument {', '.join(unknown)[:200]}. {tool.name} takes: {known}.")
    try:
        if isinstance(tool.parameters, JsonSchemaParameters):
            faults = tool.parameters.faults(given) if check else []
            if faults:
                raise ToolError("Invalid arguments. " + "; ".join(faults))
            return dict(given)
        return tool.parameters.model_validate(dict(given), context={"now": now})
    except ValidationError as fault:
        # `from None`: the cause holds what the caller said.
        raise ToolError(_explain(fault)) from None
    except RecursionError:
        raise ToolError("The arguments are nested too deeply.") from None


def _explain(fault: ValidationError) -> str:
    lines = []
    for error in fault.errors(include_input=False, include_url=False, include_context=False):
        where = ".".join(str(part) for part in error["loc"]) or "arguments"
        lines.append(f"{where}: {error['msg']}")
    return "Invalid arguments. " + "; ".join(lines[:8])
