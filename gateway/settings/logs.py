"""What is logged, and how."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.settings.room import Room

__all__ = ["Logs"]


class Logs(Room):
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        validation_alias="PARLEY_LOG_LEVEL",
        description="Least severe level that is logged.",
    )
    log_format: Literal["text", "json"] = Field(
        "text",
        validation_alias="PARLEY_LOG_FORMAT",
        description="One line per record, for people or for machines.",
    )
