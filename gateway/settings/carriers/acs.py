"""Azure Communication Services: what its calls are proved with, and what opens its API."""

from __future__ import annotations

import re
from base64 import b64decode

from pydantic import Field, SecretStr, field_validator

from gateway.settings.room import NUMBER, Room

__all__ = ["Acs"]

_ACS = re.compile(r"endpoint=https?://[^;/]+/?;accesskey=([A-Za-z0-9+/=]+);?", re.IGNORECASE)


class Acs(Room):
    acs_connection_string: SecretStr | None = Field(
        None,
        validation_alias="ACS_CONNECTION_STRING",
        description="endpoint=https://…;accesskey=… of the resource; answers calls by its API.",
    )
    acs_resource_id: str | None = Field(
        None,
        validation_alias="ACS_RESOURCE_ID",
        description="Immutable id of the resource, for which Azure signs its callbacks and sockets.",
    )
    acs_secret: SecretStr | None = Field(
        None,
        validation_alias="PARLEY_ACS_SECRET",
        description="The secret in the URL that Event Grid posts to.",
    )
    acs_phone_number: str | None = Field(
        None,
        pattern=NUMBER,
        validation_alias="ACS_PHONE_NUMBER",
        description="Our number at Azure, which outbound calls show.",
    )
    acs_openid_url: str = Field(
        "https://acscallautomation.communication.azure.com/calling/.well-known/acsopenidconfiguration",
        validation_alias="PARLEY_ACS_OPENID_URL",
        description="Tells where the keys are published that Azure signs with.",
    )

    @field_validator("acs_connection_string")
    @classmethod
    def _connection(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            found = _ACS.fullmatch(value.get_secret_value())
            try:
                b64decode(found[1] if found else "!", validate=True)
            except ValueError:
                raise ValueError(
                    "must be endpoint=https://name.communication.azure.com/;accesskey=…, as the portal shows it"
                ) from None
        return value
