"""Who may use the API, and from where."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import Field, SecretStr

from gateway.settings.room import Room

__all__ = ["Access", "ServerKey"]

_KEY_OF_TENANT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63}):(.+)")


@dataclass(frozen=True, slots=True)
class ServerKey:
    """One key of `PARLEY_API_KEYS`, and whose it is."""

    tenant: str | None
    """None: the default tenant."""
    secret: SecretStr


class Access(Room):
    api_keys: tuple[SecretStr, ...] = Field(
        (),
        validation_alias="PARLEY_API_KEYS",
        description="Server keys for /v1/realtime/*, comma-separated; `acme:key` is the tenant acme's.",
    )
    api_key_for_realtime: SecretStr | None = Field(
        None,
        validation_alias="API_KEY_FOR_REALTIME",
        description="When set, minting credentials needs it.",
    )
    signing_key: SecretStr | None = Field(
        None,
        validation_alias="PARLEY_SIGNING_KEY",
        description="Signs ephemeral tokens; by default created in the data folder.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        validation_alias="PARLEY_METRICS_TOKEN",
        description="Bearer for /metrics; without it only this machine may read them.",
    )
    mcp: int = Field(
        0,
        ge=0,
        le=1,
        validation_alias="PARLEY_MCP",
        description="1: offers the tools to clients of MCP at /mcp, for server keys.",
    )
    frontend_urls: tuple[str, ...] = Field(
        (),
        validation_alias="FRONTEND_URLS",
        description="Origins that may use the REST API from a browser.",
    )

    @property
    def server_keys(self) -> tuple[ServerKey, ...]:
        """The server keys, each with its tenant: `acme:key` is acme's."""
        keys = []
        for entry in self.api_keys:
            named = _KEY_OF_TENANT.fullmatch(entry.get_secret_value())
            keys.append(ServerKey(named[1], SecretStr(named[2])) if named else ServerKey(None, entry))
        return tuple(keys)
