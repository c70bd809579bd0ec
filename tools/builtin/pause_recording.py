"""Leave something out of the recording."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from tools.contract import CALL, Tool, ToolContext

__all__ = ["PauseRecording", "tool"]


class PauseRecording(BaseModel):
    """Begin, or end."""

    paused: bool = Field(
        description="true before the caller gives something secret, false when that is done."
    )


async def _run(asked: PauseRecording, context: ToolContext) -> dict[str, Any]:
    context.control.pause_recording(paused=asked.paused)
    return {"recording": "paused" if asked.paused else "goes on"}


tool = Tool(
    name="pause_recording",
    description=(
        "Pause the recording of this call before the caller gives a card number, a code or the like, and let it go on "
        "when that is done."
    ),
    parameters=PauseRecording,
    run=_run,
    category=CALL,
    effect="write",
)
