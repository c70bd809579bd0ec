"""Where agents are described, besides in Parley's own files."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from gateway.settings.room import Room

__all__ = ["Catalogs"]


class Catalogs(Room):
    personas_dir: Path | None = Field(
        None,
        validation_alias="PARLEY_PERSONAS_DIR",
        description="Folder of your own personas, scenarios, vertical packs and experiments.",
    )
    reload_s: float = Field(
        2.0,
        ge=0,
        le=3600,
        validation_alias="PARLEY_RELOAD_S",
        description="How often it is looked whether their files, and those of tools, have changed; 0: never.",
    )
