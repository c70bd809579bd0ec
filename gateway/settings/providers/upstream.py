"""Any server that speaks the OpenAI Realtime API."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from gateway.settings.room import Room

__all__ = ["Upstream"]


class Upstream(Room):
    upstream_url: str | None = Field(
        None,
        validation_alias="PARLEY_UPSTREAM_URL",
        description="ws(s):// URL of any OpenAI-compatible realtime server.",
    )
    upstream_api_key: SecretStr | None = Field(
        None,
        validation_alias="PARLEY_UPSTREAM_API_KEY",
        description="Bearer key for the upstream.",
    )
    upstream_pcm_only: int = Field(
        0,
        ge=0,
        le=1,
        validation_alias="PARLEY_UPSTREAM_PCM_ONLY",
        description="1: the upstream gets PCM on the telephone too, for it says that it takes G.711, and does not.",
    )

    @field_validator("upstream_url")
    @classmethod
    def _websocket(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("ws", "wss"):
            raise ValueError("must start with ws:// or wss://")
        return value
