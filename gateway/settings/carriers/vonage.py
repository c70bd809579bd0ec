"""Vonage: what its calls are proved with, and what opens its API."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from gateway.settings.room import NUMBER, Room

__all__ = ["Vonage"]


class Vonage(Room):
    vonage_signature_secret: SecretStr | None = Field(
        None,
        validation_alias="VONAGE_SIGNATURE_SECRET",
        description="Signs Vonage's webhooks and sockets.",
    )
    vonage_application_id: str | None = Field(
        None,
        validation_alias="VONAGE_APPLICATION_ID",
        description="When set, only what is signed for this application is taken.",
    )
    vonage_private_key: SecretStr | None = Field(
        None,
        validation_alias="VONAGE_PRIVATE_KEY",
        description="Opens Vonage's API: the application's private key, as PEM or the path of its file.",
    )
    vonage_phone_number: str | None = Field(
        None,
        pattern=NUMBER,
        validation_alias="VONAGE_PHONE_NUMBER",
        description="Our number at Vonage, which outbound calls show.",
    )
    vonage_api_url: str = Field(
        "https://api.nexmo.com",
        validation_alias="PARLEY_VONAGE_API_URL",
        description="Base URL of Vonage's API.",
    )

    @field_validator("vonage_private_key")
    @classmethod
    def _private_key(cls, value: SecretStr | None) -> SecretStr | None:
        """A variable may have it on one line, with `\\n` between."""
        if value is None:
            return None
        pem = value.get_secret_value().replace("\\n", "\n")
        if not pem.startswith("-----BEGIN"):
            try:
                pem = Path(pem).read_text("ascii")
            except (OSError, ValueError):
                raise ValueError(
                    "must be a PEM private key, or the path of a file that holds one"
                ) from None
        if "PRIVATE KEY-----" not in pem:
            raise ValueError("holds no private key: the one downloaded with the application is needed")
        return SecretStr(pem)
