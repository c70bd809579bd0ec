"""Any realtime server that speaks the same protocol: another Parley, its engine stand-alone, or a vendor's."""

from __future__ import annotations

from gateway.config import Settings
from gateway.connector import RemoteModel
from gateway.errors import ConfigError

__all__ = ["UpstreamModel", "model"]


class UpstreamModel(RemoteModel):
    name = "upstream"


def model(settings: Settings) -> UpstreamModel:
    """As the settings say. Raises ConfigError."""
    if settings.upstream_url is None:
        raise ConfigError(["PARLEY_UPSTREAM_URL is not set"])
    key = settings.upstream_api_key
    secret = None if key is None else key.get_secret_value()
    return UpstreamModel(url=settings.upstream_url, model=settings.openai_model, api_key=secret)
