"""Press keys of the telephone for the other side."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from tools.contract import CALL, Tool, ToolContext

__all__ = ["PressKeys", "tool"]


class PressKeys(BaseModel):
    """Which."""

    keys: str = Field(
        min_length=1,
        max_length=32,
        pattern=r"^[0-9*#A-D]+$",
        description="The keys in order, without blanks: 0-9, * and #. For example 1, or 4711#.",
    )


async def _run(ask: PressKeys, context: ToolContext) -> dict[str, Any]:
    await context.control.press(ask.keys)
    return {"status": "pressed"}


tool = Tool(
    name="press_keys",
    description=(
        "Press keys of the telephone, when the other side is a machine that asks for them: a menu, an extension, an "
        "account number. Wait until it has asked. Then listen to what it says next."
    ),
    parameters=PressKeys,
    run=_run,
    category=CALL,
    effect="write",
)
