"""What every room of the settings is: frozen, closed to what it does not know, each field with its variable."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["NUMBER", "Room"]

NUMBER = r"^\+[1-9][0-9]{6,14}$"
"""E.164."""


class Room(BaseModel):
    """Settings of one concern. A field's `validation_alias` is its variable in the environment."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", validate_by_name=True)
