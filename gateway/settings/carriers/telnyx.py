"""Telnyx: what its calls are proved with, and what opens its API."""

from __future__ import annotations

from pydantic import Field, SecretStr

from gateway.settings.room import NUMBER, Room

__all__ = ["Telnyx"]


class Telnyx(Room):
    telnyx_public_key: str | None = Field(
        None,
        validation_alias="TELNYX_PUBLIC_KEY",
        description="Proves Telnyx' webhooks, base64 as the portal shows it.",
    )
    telnyx_api_key: SecretStr | None = Field(
        None,
        validation_alias="TELNYX_API_KEY",
        description="Opens Telnyx' API; needed for call control, not for TeXML.",
    )
    telnyx_connection_id: str | None = Field(
        None,
        validation_alias="TELNYX_CONNECTION_ID",
        description="Voice API application that outbound calls are made from.",
    )
    telnyx_phone_number: str | None = Field(
        None,
        pattern=NUMBER,
        validation_alias="TELNYX_PHONE_NUMBER",
        description="Our number at Telnyx, which outbound calls show.",
    )
    telnyx_api_url: str = Field(
        "https://api.telnyx.com/v2",
        validation_alias="PARLEY_TELNYX_API_URL",
        description="Base URL of Telnyx' API.",
    )
