"""Any realtime server that speaks the same protocol: another Parley, its engine stand-alone, or a vendor's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.config import Settings
from gateway.connector import Endpoint, open_session, realtime_url
from gateway.errors import ConfigError
from gateway.ports import ModelSession, ModelSpec

__all__ = ["UpstreamModel", "model"]


class UpstreamModel:
    """`gateway.ports.Model`."""

    name = "upstream"

    def __init__(self, *, url: str, model: str, api_key: str | None = None) -> None:
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        self._endpoint = Endpoint(self.name, realtime_url(url, model), headers)

    @asynccontextmanager
    async def open(self, spec: ModelSpec) -> AsyncIterator[ModelSession]:
        async with open_session(self._endpoint, spec.session) as session:
            yield session


def model(settings: Settings) -> UpstreamModel:
    """As the settings say. Raises ConfigError."""
    if settings.upstream_url is None:
        raise ConfigError(["PARLEY_UPSTREAM_URL is not set"])
    key = settings.upstream_api_key
    secret = None if key is None else key.get_secret_value()
    return UpstreamModel(url=settings.upstream_url, model=settings.openai_model, api_key=secret)
