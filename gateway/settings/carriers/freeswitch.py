"""Our own FreeSWITCH: what its calls are proved with."""

from __future__ import annotations

from pydantic import Field, SecretStr

from gateway.settings.room import Room

__all__ = ["FreeSwitch"]


class FreeSwitch(Room):
    freeswitch_secret: SecretStr | None = Field(
        None,
        validation_alias="PARLEY_FREESWITCH_SECRET",
        description="What our own FreeSWITCH proves itself with.",
    )
