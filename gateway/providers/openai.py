"""OpenAI's Realtime API over WebSocket, GA (OpenAI API reference: Realtime; its headers: Authentication)."""

from __future__ import annotations

from gateway.config import Settings
from gateway.connector import Endpoint, RemoteModel, realtime_url
from gateway.errors import ConfigError

__all__ = ["URL", "OpenAIModel", "model"]

URL = "wss://api.openai.com/v1/realtime"


class OpenAIModel(RemoteModel):
    """Speaks GA. `OpenAI-Beta` is not sent: it would select the retired protocol."""

    def __init__(
        self, *, model: str, api_key: str, organization: str = "", project: str = "", url: str = URL
    ) -> None:
        headers = {"Authorization": f"Bearer {api_key}"}
        if organization:
            headers["OpenAI-Organization"] = organization
        if project:
            headers["OpenAI-Project"] = project
        super().__init__(Endpoint("openai", realtime_url(url, model), headers, model))


def model(settings: Settings) -> OpenAIModel:
    """As the settings say. Raises ConfigError."""
    if settings.openai_api_key is None:
        raise ConfigError(["OPENAI_API_KEY is not set"])
    return OpenAIModel(
        model=settings.openai_model,
        api_key=settings.openai_api_key.get_secret_value(),
        organization=settings.openai_organization or "",
        project=settings.openai_project or "",
    )
