"""Twilio: what its calls are proved with, and what opens its API."""

from __future__ import annotations

from pydantic import Field, SecretStr

from gateway.settings.room import NUMBER, Room

__all__ = ["Twilio"]


class Twilio(Room):
    twilio_account_sid: str | None = Field(
        None,
        validation_alias="TWILIO_ACCOUNT_SID",
        description="Account that outbound calls are made from.",
    )
    twilio_auth_token: SecretStr | None = Field(
        None,
        validation_alias="TWILIO_AUTH_TOKEN",
        description="Signs Twilio's webhooks and sockets, and opens its API.",
    )
    twilio_phone_number: str | None = Field(
        None,
        pattern=NUMBER,
        validation_alias="TWILIO_PHONE_NUMBER",
        description="Our number at Twilio, which outbound calls show.",
    )
    twilio_api_url: str = Field(
        "https://api.twilio.com",
        validation_alias="PARLEY_TWILIO_API_URL",
        description="Base URL of Twilio's API.",
    )
