"""Running one tool: time it out, try it again where that is safe, turn every failure into text for the model.

The innermost step of `tools.runtime`, which decides before whether it may run at all: nobody else calls it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from dataclasses import dataclass
from typing import Any, Literal

import pydantic_core

from tools.contract import CALL, Tool, ToolContext, ToolError, ToolUnavailable

__all__ = ["MAX_OUTPUT", "ToolOutcome", "attempt"]

logger = logging.getLogger(__name__)

MAX_OUTPUT = 64 * 1024
"""Characters of a result; a longer one would crowd everything else out of the model's context."""
PAUSE_S = 0.2
"""Before the first retry; each after that waits three times as long, give or take a half."""

How = Literal["ok", "refused", "unavailable", "timed-out", "failed"]


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What goes back to the model: a JSON object, `{"error": …}` when `ok` is false."""

    output: str
    ok: bool
    how: How
    """`refused`: the tool told the model why it cannot be done; `unavailable`: what it needs cannot be reached, so
    nothing was done. After `timed-out` and `failed` something may have been."""
    attempts: int = 1


async def attempt(tool: Tool, parameters: Any, context: ToolContext, *, retry: bool = True) -> ToolOutcome:
    """Run `tool` with parameters that were read (`tools.arguments.read`), again where it says `ToolUnavailable` and may
    be tried again, all within its `timeout_s`. Raises nothing but CancelledError of its own caller."""
    tries = tool.tries if retry else 1
    done = 0

    async def persist() -> dict[str, Any]:
        nonlocal done
        while True:
            done += 1
            try:
                return await tool.run(parameters, context)
            except ToolUnavailable:
                if done >= tries:
                    raise
            await asyncio.sleep(PAUSE_S * 3 ** (done - 1) * random.uniform(0.5, 1.5))

    try:
        async with asyncio.timeout(tool.timeout_s):
            result = await persist()
        outcome = _success(tool, result)
    except ToolUnavailable as fault:
        outcome = _failure(str(fault) or f"{tool.name} cannot be reached.", "unavailable")
    except ToolError as fault:
        outcome = _failure(str(fault) or f"{tool.name} could not do it.", "refused")
    except TimeoutError:
        logger.warning("tool %s gave no answer in %.1f s", tool.name, tool.timeout_s)
        outcome = _failure(_timed_out(tool), "timed-out")
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        logger.warning("tool %s cancelled itself", tool.name)
        outcome = _failure(f"{tool.name} was broken off. Say so, and offer to try again.")
    except Exception as fault:  # noqa: BLE001 - a broken tool must not break a call; the class is logged
        logger.error("tool %s failed: %s", tool.name, type(fault).__name__)
        outcome = _failure(
            f"{tool.name} failed unexpectedly. Apologize, and offer to try again or another way."
        )
    return ToolOutcome(outcome.output, outcome.ok, outcome.how, max(done, 1))


def _timed_out(tool: Tool) -> str:
    if tool.effect == "read":
        return f"{tool.name} took too long. Say so, and offer to try again."
    told = f"{tool.name} took too long: it may have happened or not. Say so; "
    if tool.idempotent and tool.category != CALL:
        return told + "call it again with the very same arguments to find out, and with no others."
    return told + "do not simply repeat it."


def _success(tool: Tool, result: dict[str, Any]) -> ToolOutcome:
    text = pydantic_core.to_json(result, inf_nan_mode="null").decode()
    if len(text) > MAX_OUTPUT:
        logger.warning("tool %s returned %d characters", tool.name, len(text))
        return _failure(f"{tool.name} returned too much. Ask for something narrower.")
    return ToolOutcome(text, ok=True, how="ok")


def _failure(message: str, how: How = "failed") -> ToolOutcome:
    return ToolOutcome(_error(message), ok=False, how=how)


def _error(message: str) -> str:
    return json.dumps({"error": message})
