"""OpenAI's Realtime API over WebSocket."""

from __future__ import annotations

from gateway.config import Settings
from gateway.connector import RemoteModel
from gateway.errors import ConfigError

__all__ = ["URL", "OpenAIModel", "model"]

URL = "wss://api.openai.com/v1/realtime"


class OpenAIModel(RemoteModel):
    name = "openai"


def model(settings: Settings) -> OpenAIModel:
    """As the settings say. Raises ConfigError."""
    if settings.openai_api_key is None:
        raise ConfigError(["OPENAI_API_KEY is not set"])
    key = settings.openai_api_key.get_secret_value()
    return OpenAIModel(url=URL, model=settings.openai_model, api_key=key)
