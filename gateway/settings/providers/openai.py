"""OpenAI: its Realtime API, and the calls that it answers on SIP."""

from __future__ import annotations

from pydantic import Field, SecretStr

from gateway.settings.room import Room

__all__ = ["OpenAI"]


class OpenAI(Room):
    openai_api_key: SecretStr | None = Field(
        None,
        validation_alias="OPENAI_API_KEY",
        description="Key of the OpenAI Realtime API.",
    )
    openai_organization: str | None = Field(
        None,
        validation_alias="OPENAI_ORG_ID",
        description="OpenAI organization that is billed.",
    )
    openai_project: str | None = Field(
        None,
        validation_alias="OPENAI_PROJECT_ID",
        description="OpenAI project that is billed.",
    )
    openai_webhook_secret: SecretStr | None = Field(
        None,
        validation_alias="OPENAI_WEBHOOK_SECRET",
        description="Proves OpenAI's webhooks: calls on SIP, which OpenAI answers for us.",
    )
    openai_api_url: str = Field(
        "https://api.openai.com/v1",
        validation_alias="PARLEY_OPENAI_API_URL",
        description="Base URL of OpenAI's API for such calls.",
    )
    openai_model: str = Field(
        "gpt-realtime-2.1",
        validation_alias="PARLEY_OPENAI_MODEL",
        description="Realtime model asked of OpenAI and of the upstream.",
    )
