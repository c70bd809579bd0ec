"""Plivo: what its calls are proved with, and what opens its API."""

from __future__ import annotations

from pydantic import Field, SecretStr

from gateway.settings.room import NUMBER, Room

__all__ = ["Plivo"]


class Plivo(Room):
    plivo_auth_id: str | None = Field(
        None,
        validation_alias="PLIVO_AUTH_ID",
        description="Account that opens Plivo's API.",
    )
    plivo_auth_token: SecretStr | None = Field(
        None,
        validation_alias="PLIVO_AUTH_TOKEN",
        description="Signs Plivo's webhooks and sockets, and opens its API.",
    )
    plivo_phone_number: str | None = Field(
        None,
        pattern=NUMBER,
        validation_alias="PLIVO_PHONE_NUMBER",
        description="Our number at Plivo, which outbound calls show.",
    )
    plivo_api_url: str = Field(
        "https://api.plivo.com",
        validation_alias="PARLEY_PLIVO_API_URL",
        description="Base URL of Plivo's API.",
    )
