"""What runs of tools may take."""

from __future__ import annotations

from pydantic import Field

from gateway.settings.room import Room

__all__ = ["ToolRuns"]


class ToolRuns(Room):
    approval_s: float = Field(
        900.0,
        ge=1,
        le=86_400,
        validation_alias="PARLEY_APPROVAL_S",
        description="How long a person may take to approve the run of a tool.",
    )
    tool_runs: int = Field(
        100,
        ge=1,
        le=10_000,
        validation_alias="PARLEY_TOOL_RUNS",
        description="How often a call may use tools.",
    )
