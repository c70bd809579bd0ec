"""Which calls are recorded, where that is kept, and for how long."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from gateway.settings.room import Room

__all__ = ["Recordings"]


class Recordings(Room):
    recording: Literal["off", "persona", "all"] = Field(
        "off",
        validation_alias="PARLEY_RECORDING",
        description="Which calls are recorded: none, those whose persona says so, or all.",
    )
    recordings_url: str | None = Field(
        None,
        validation_alias="PARLEY_RECORDINGS_URL",
        description="Where recordings are kept: s3://bucket/prefix, …; by default a folder.",
    )
    recordings_days: int | None = Field(
        None,
        ge=1,
        le=36_500,
        validation_alias="PARLEY_RECORDINGS_DAYS",
        description="How long recordings are kept; by default until deleted.",
    )

    @field_validator("recordings_url")
    @classmethod
    def _storage(cls, value: str | None) -> str | None:
        schemes = ("s3", "gs", "az", "file")
        if value is not None and (urlsplit(value).scheme not in schemes or "://" not in value):
            raise ValueError(f"must start with one of {', '.join(f'{scheme}://' for scheme in schemes)}")
        return value
