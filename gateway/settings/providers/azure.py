"""Azure: OpenAI's models there, and Voice Live."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from gateway.settings.room import Room

__all__ = ["Azure"]

API_VERSION = r"^\d{4}-\d{2}-\d{2}(-preview)?$"


class Azure(Room):
    azure_openai_endpoint: str | None = Field(
        None,
        validation_alias="AZURE_OPENAI_ENDPOINT",
        description="Azure OpenAI resource, e.g. https://name.openai.azure.com.",
    )
    azure_openai_api_key: SecretStr | None = Field(
        None,
        validation_alias="AZURE_OPENAI_API_KEY",
        description="Key of the Azure OpenAI resource.",
    )
    azure_openai_deployment: str | None = Field(
        None,
        validation_alias="AZURE_OPENAI_DEPLOYMENT_REALTIME",
        description="Name of the deployment of a realtime model.",
    )
    azure_openai_api_version: str | None = Field(
        None,
        pattern=API_VERSION,
        validation_alias="AZURE_OPENAI_API_VERSION",
        description="When set, the preview protocol of that version is spoken; otherwise GA.",
    )
    azure_openai_transcription_model: str | None = Field(
        None,
        validation_alias="AZURE_OPENAI_TRANSCRIPTION_MODEL",
        description="Deployment that transcribes the caller; by default the persona's model name.",
    )
    azure_voicelive_endpoint: str | None = Field(
        None,
        validation_alias="AZURE_VOICELIVE_ENDPOINT",
        description="Foundry resource of Voice Live, e.g. https://name.services.ai.azure.com.",
    )
    azure_voicelive_api_key: SecretStr | None = Field(
        None,
        validation_alias="AZURE_VOICELIVE_API_KEY",
        description="Key of that resource.",
    )
    azure_voicelive_model: str = Field(
        "gpt-realtime",
        validation_alias="AZURE_VOICELIVE_MODEL",
        description="Model that Voice Live is to use.",
    )
    azure_voicelive_api_version: str = Field(
        "2026-04-10",
        pattern=API_VERSION,
        validation_alias="AZURE_VOICELIVE_API_VERSION",
        description="Version of the Voice Live API.",
    )
    azure_voicelive_voice: str | None = Field(
        None,
        validation_alias="AZURE_VOICELIVE_VOICE",
        description="Azure voice to speak with, instead of the persona's: en-US-AvaNeural.",
    )

    @field_validator("azure_openai_endpoint", "azure_voicelive_endpoint")
    @classmethod
    def _resource(cls, value: str | None) -> str | None:
        if value is None:
            return value
        url = urlsplit(value)
        if url.scheme not in ("https", "http", "wss", "ws") or not url.hostname:
            raise ValueError("must be the resource's address, as https://name.openai.azure.com")
        if url.query or url.fragment:
            raise ValueError(
                "must end before the '?': the deployment and the version have settings of their own"
            )
        return value.rstrip("/")
