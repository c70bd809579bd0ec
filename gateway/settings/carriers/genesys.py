"""Genesys Cloud, through its Audio Connector: what its calls are proved with."""

from __future__ import annotations

from base64 import b64decode

from pydantic import Field, SecretStr, field_validator

from gateway.settings.room import Room

__all__ = ["Genesys"]


class Genesys(Room):
    genesys_api_key: SecretStr | None = Field(
        None,
        validation_alias="GENESYS_API_KEY",
        description="API key of the Audio Connector integration.",
    )
    genesys_client_secret: SecretStr | None = Field(
        None,
        validation_alias="GENESYS_CLIENT_SECRET",
        description="Client secret of that integration (base64), which signs its sockets.",
    )

    @field_validator("genesys_client_secret")
    @classmethod
    def _base64(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                b64decode(value.get_secret_value(), validate=True)
            except ValueError:
                raise ValueError("must be base64, as it is entered at Genesys") from None
        return value
