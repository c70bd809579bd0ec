"""Running one tool call: validate, time out, turn every failure into text for the model."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any, Literal

import pydantic_core
from pydantic import ValidationError

from tools.contract import Tool, ToolContext, ToolError

__all__ = ["MAX_ARGUMENTS", "MAX_OUTPUT", "ToolOutcome", "run_tool"]

logger = logging.getLogger(__name__)

MAX_ARGUMENTS = 64 * 1024
"""Characters of arguments that are read at all."""
MAX_OUTPUT = 64 * 1024
"""Characters of a result; a longer one would crowd everything else out of the model's context."""


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What goes back to the model: a JSON object, `{"error": …}` when `ok` is false."""

    output: str
    ok: bool
    how: Literal["ok", "refused", "timed-out", "failed"]
    """`refused`: the tool, or the check of its arguments, told the model why it cannot be done."""


async def run_tool(tool: Tool, arguments_json: str, context: ToolContext) -> ToolOutcome:
    """Run `tool` with the arguments the model wrote. Raises nothing but CancelledError of its own caller.

    The validation sees `context.now` as `info.context["now"]`, so that a parameter may accept "tomorrow".
    """
    deadline = asyncio.timeout(tool.timeout_s)
    try:
        parameters = _parameters(tool, arguments_json, context)
        async with deadline:
            result = await tool.run(parameters, context)
        return _success(tool, result)
    except ToolError as fault:
        return _failure(str(fault) or f"{tool.name} could not do it.", "refused")
    except TimeoutError:
        logger.warning("tool %s gave no answer in %.1f s", tool.name, tool.timeout_s)
        return _failure(_timed_out(tool), "timed-out")
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        logger.warning("tool %s cancelled itself", tool.name)
        return _failure(f"{tool.name} was broken off. Say so, and offer to try again.")
    except Exception as fault:  # noqa: BLE001 - a broken tool must not break the call; the class is logged
        logger.error("tool %s failed: %s", tool.name, type(fault).__name__)
        return _failure(
            f"{tool.name} failed unexpectedly. Apologize, and offer to try again or another way."
        )


def _parameters(tool: Tool, arguments_json: str, context: ToolContext) -> Any:
    if len(arguments_json) > MAX_ARGUMENTS:
        raise ToolError(f"The arguments are longer than {MAX_ARGUMENTS} characters.")
    try:
        given = json.loads(arguments_json or "{}")
    except (ValueError, RecursionError):
        raise ToolError("The arguments are not valid JSON. Send one JSON object.") from None
    if not isinstance(given, dict):
        raise ToolError("The arguments must be one JSON object.")
    unknown = sorted(set(given) - _names(tool))
    if unknown:
        known = ", ".join(sorted(_names(tool))) or "none"
        raise ToolError(f"Unknown argument {', '.join(unknown)[:200]}. {tool.name} takes: {known}.")
    try:
        return tool.parameters.model_validate(given, context={"now": context.now})
    except ValidationError as fault:
        # `from None`: the cause holds what the caller said.
        raise ToolError(_explain(fault)) from None
    except RecursionError:
        raise ToolError("The arguments are nested too deeply.") from None


def _names(tool: Tool) -> set[str]:
    return {field.alias or name for name, field in tool.parameters.model_fields.items()}


def _explain(fault: ValidationError) -> str:
    lines = []
    for error in fault.errors(include_input=False, include_url=False, include_context=False):
        where = ".".join(str(part) for part in error["loc"]) or "arguments"
        lines.append(f"{where}: {error['msg']}")
    return "Invalid arguments. " + "; ".join(lines[:8])


def _timed_out(tool: Tool) -> str:
    if tool.side_effects:
        return f"{tool.name} took too long: it may have happened or not. Say so; do not simply repeat it."
    return f"{tool.name} took too long. Say so, and offer to try again."


def _success(tool: Tool, result: dict[str, Any]) -> ToolOutcome:
    text = pydantic_core.to_json(result, inf_nan_mode="null").decode()
    if len(text) > MAX_OUTPUT:
        logger.warning("tool %s returned %d characters", tool.name, len(text))
        return _failure(f"{tool.name} returned too much. Ask for something narrower.")
    return ToolOutcome(text, ok=True, how="ok")


def _failure(message: str, how: Literal["refused", "timed-out", "failed"] = "failed") -> ToolOutcome:
    return ToolOutcome(json.dumps({"error": message}), ok=False, how=how)
