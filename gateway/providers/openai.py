"""OpenAI's Realtime API over WebSocket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.config import Settings
from gateway.connector import Endpoint, open_session, realtime_url
from gateway.errors import ConfigError
from gateway.ports import ModelSession, ModelSpec

__all__ = ["BASE_URL", "OpenAIModel", "model"]

BASE_URL = "wss://api.openai.com/v1/realtime"


class OpenAIModel:
    """`gateway.ports.Model`."""

    name = "openai"

    def __init__(self, *, api_key: str, model: str, base_url: str = BASE_URL) -> None:
        headers = {"Authorization": f"Bearer {api_key}"}
        self._endpoint = Endpoint(self.name, realtime_url(base_url, model), headers)

    @asynccontextmanager
    async def open(self, spec: ModelSpec) -> AsyncIterator[ModelSession]:
        async with open_session(self._endpoint, spec.session) as session:
            yield session


def model(settings: Settings) -> OpenAIModel:
    """As the settings say. Raises ConfigError."""
    if settings.openai_api_key is None:
        raise ConfigError(["OPENAI_API_KEY is not set"])
    return OpenAIModel(api_key=settings.openai_api_key.get_secret_value(), model=settings.openai_model)
