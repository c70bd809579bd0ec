"""Exotel: what its calls are proved with."""

from __future__ import annotations

from pydantic import Field, SecretStr

from gateway.settings.room import Room

__all__ = ["Exotel"]


class Exotel(Room):
    exotel_secret: SecretStr | None = Field(
        None,
        validation_alias="PARLEY_EXOTEL_SECRET",
        description="What Exotel shows: the password in a socket's address, the secret in a webhook's.",
    )
