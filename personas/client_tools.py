"""Tools that the client runs: a persona tells its model of them, and Parley passes the calls on."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from personas.free import Free

__all__ = ["ClientTool"]

TYPES = frozenset({"string", "integer", "number", "boolean", "array", "object"})


class ClientTool(BaseModel):
    """One thing that a client can do, as the model is told of it: show a page, fill in a form, play a sound."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")
    description: str = Field(min_length=20, max_length=1024, description="Read by the model.")
    parameters: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")], dict[str, Free]] = (
        Field(
            {},
            max_length=50,
            description="Name → JSON Schema; `optional: true` for one that may be left out.",
        )
    )

    @field_validator("parameters")
    @classmethod
    def _told_to_the_model(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name, about in value.items():
            if about.get("type") not in TYPES:
                raise ValueError(f"{name} needs a `type`: {', '.join(sorted(TYPES))}")
            if not about.get("description"):
                raise ValueError(f"{name} needs a `description`: the model reads it")
        return value

    def definition(self) -> dict[str, Any]:
        """The GA `function` tool."""
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": {
                "type": "object",
                "properties": {
                    name: {key: value for key, value in about.items() if key != "optional"}
                    for name, about in self.parameters.items()
                },
                "required": [
                    name for name, about in self.parameters.items() if about.get("optional") is not True
                ],
                "additionalProperties": False,
            },
        }
