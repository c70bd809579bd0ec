"""Three APIs in a row: one that transcribes, one that answers, one that speaks."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from gateway.settings.room import Room
from gateway.stages import Stage, StageName, with_defaults

__all__ = ["Cascade"]


class Cascade(Room):
    cascade_chat_url: str | None = Field(
        None,
        validation_alias="PARLEY_CASCADE_CHAT_URL",
        description="Base URL of a chat completions API; OpenAI's when only its key is set.",
    )
    cascade_chat_key: SecretStr | None = Field(
        None,
        validation_alias="PARLEY_CASCADE_CHAT_KEY",
        description="Bearer key for it.",
    )
    cascade_chat_model: str | None = Field(
        None,
        validation_alias="PARLEY_CASCADE_CHAT_MODEL",
        description="Language model asked of it.",
    )
    cascade_stt_url: str | None = Field(
        None,
        validation_alias="PARLEY_CASCADE_STT_URL",
        description="Base URL of a transcription API.",
    )
    cascade_stt_key: SecretStr | None = Field(
        None,
        validation_alias="PARLEY_CASCADE_STT_KEY",
        description="Bearer key for it.",
    )
    cascade_stt_model: str | None = Field(
        None,
        validation_alias="PARLEY_CASCADE_STT_MODEL",
        description="Model that transcribes.",
    )
    cascade_tts_url: str | None = Field(
        None,
        validation_alias="PARLEY_CASCADE_TTS_URL",
        description="Base URL of a speech API.",
    )
    cascade_tts_key: SecretStr | None = Field(
        None,
        validation_alias="PARLEY_CASCADE_TTS_KEY",
        description="Bearer key for it.",
    )
    cascade_tts_model: str | None = Field(
        None,
        validation_alias="PARLEY_CASCADE_TTS_MODEL",
        description="Model that speaks.",
    )
    cascade_tts_voice: str | None = Field(
        None,
        validation_alias="PARLEY_CASCADE_TTS_VOICE",
        description="Voice to speak with instead of the session's, for APIs with voices of their own.",
    )

    @model_validator(mode="before")
    @classmethod
    def _stages(cls, values: dict[str, Any]) -> dict[str, Any]:
        return with_defaults(values)

    @field_validator("cascade_chat_url", "cascade_stt_url", "cascade_tts_url")
    @classmethod
    def _base(cls, value: str | None) -> str | None:
        if value is None:
            return value
        url = urlsplit(value)
        if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
            raise ValueError("must be the base of the API, as https://api.openai.com/v1")
        if url.path.rstrip("/").endswith(("/chat/completions", "/audio/transcriptions", "/audio/speech")):
            raise ValueError("must end before the path of the request, as https://api.openai.com/v1")
        return value.rstrip("/")

    def stage(self, name: StageName) -> Stage | None:
        """A stage of the cascade; None when it is not configured."""
        url, key, model = (getattr(self, f"cascade_{name}_{part}") for part in ("url", "key", "model"))
        return None if url is None else Stage(name, url, key, model or "")
