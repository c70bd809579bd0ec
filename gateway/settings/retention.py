"""For how long what grows with every session is kept."""

from __future__ import annotations

from pydantic import Field

from gateway.settings.room import Room

__all__ = ["Retention"]


class Retention(Room):
    executions_days: int | None = Field(
        None,
        ge=1,
        le=36_500,
        validation_alias="PARLEY_EXECUTIONS_DAYS",
        description="How long is kept what tools ran, and an idempotency key counts; by default for good.",
    )
    told_days: int | None = Field(
        None,
        ge=1,
        le=36_500,
        validation_alias="PARLEY_TOLD_DAYS",
        description="How long is kept what was told of sessions beside their calls; by default for good.",
    )
