"""SignalWire: what its calls are proved with, and what opens its API."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from gateway.settings.room import NUMBER, Room

__all__ = ["SignalWire"]


class SignalWire(Room):
    signalwire_signing_key: SecretStr | None = Field(
        None,
        validation_alias="SIGNALWIRE_SIGNING_KEY",
        description="Signs SignalWire's webhooks, as its dashboard shows it.",
    )
    signalwire_space_url: str | None = Field(
        None,
        validation_alias="SIGNALWIRE_SPACE_URL",
        description="Space whose API places and ends calls: example.signalwire.com.",
    )
    signalwire_project_id: str | None = Field(
        None,
        validation_alias="SIGNALWIRE_PROJECT_ID",
        description="Project that opens SignalWire's API.",
    )
    signalwire_api_token: SecretStr | None = Field(
        None,
        validation_alias="SIGNALWIRE_API_TOKEN",
        description="Token of that project.",
    )
    signalwire_phone_number: str | None = Field(
        None,
        pattern=NUMBER,
        validation_alias="SIGNALWIRE_PHONE_NUMBER",
        description="Our number at SignalWire, which outbound calls show.",
    )

    @field_validator("signalwire_space_url")
    @classmethod
    def _space(cls, value: str | None) -> str | None:
        """As its dashboard shows it, or with the scheme."""
        if value is None:
            return None
        url = urlsplit(value if "://" in value else f"https://{value}")
        if url.scheme not in ("https", "http") or not url.hostname or url.path.strip("/") or url.query:
            raise ValueError("must be the space's host, as example.signalwire.com")
        return f"{url.scheme}://{url.netloc}"
