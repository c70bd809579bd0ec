"""What a tool is called with, read: as the model wrote it, or as a client sent it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from tools.contract import Tool, ToolError
from tools.parameters import JsonSchemaParameters

__all__ = ["MAX_ARGUMENTS", "object_of", "read"]

MAX_ARGUMENTS = 64 * 1024
"""Characters of arguments that are read at all."""


def object_of(arguments: str | Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as an object. Raises ToolError."""
    if not isinstance(arguments, str):
        return dict(arguments)
    if len(arguments) > MAX_ARGUMENTS:
        raise ToolError(f"The arguments are longer than {MAX_ARGUMENTS} characters.")
    try:
        given = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        raise ToolError("The arguments are not valid JSON. Send one JSON object.") from None
    if not isinstance(given, dict):
        raise ToolError("The arguments must be one JSON object.")
    return given


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
