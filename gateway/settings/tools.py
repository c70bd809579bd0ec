"""Which tools agents have besides Parley's own, and what requests that go out may reach."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from gateway.settings.room import Room

__all__ = ["Tools"]


class Tools(Room):
    tools_dir: Path | None = Field(
        None,
        validation_alias="PARLEY_TOOLS_DIR",
        description="Folder of your own tools: Python files, HTTP tools, MCP servers, connectors.",
    )
    secrets_dir: Path | None = Field(
        None,
        validation_alias="PARLEY_SECRETS_DIR",
        description="Folder of the secrets that tools name, a file each.",
    )
    outbound_allow: tuple[str, ...] = Field(
        (),
        validation_alias="PARLEY_OUTBOUND_ALLOW",
        description="Networks and hosts that are not public and that tools may ask all the same.",
    )
