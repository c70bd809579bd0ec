"""Azure OpenAI's realtime deployments over WebSocket: GA by default, the preview protocol when a version is set.

Azure OpenAI, "Realtime API": GA is `/openai/v1/realtime?model=<deployment>`, and refuses an api-version with 401; the
preview is `/openai/realtime?api-version=…&deployment=<deployment>` with the event names and the flat session of then
("Audio events reference"). Both take the key in the header `api-key`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from gateway.config import Settings
from gateway.connector import Endpoint, RemoteModel
from gateway.errors import ConfigError
from gateway.ports import Event
from gateway.realtime.beta import Beta
from gateway.realtime.ga import Ga
from gateway.wire_session import Dialect

__all__ = ["AzureModel", "Transcribing", "model", "realtime_address"]

SCHEMES = {"https": "wss", "http": "ws"}

SESSION = frozenset(
    {
        "modalities",
        "instructions",
        "voice",
        "input_audio_format",
        "output_audio_format",
        "input_audio_noise_reduction",
        "input_audio_transcription",
        "turn_detection",
        "tools",
        "tool_choice",
        "max_response_output_tokens",
        "temperature",
    }
)
"""What a session of the preview has ("Audio events reference": RealtimeRequestSession)."""
TEMPERATURES = (0.6, 1.2)
"""Of a session of the preview (`openai.types.beta.realtime.SessionUpdateEvent`)."""


def realtime_address(endpoint: str, deployment: str, api_version: str | None) -> str:
    """The socket's URL. `endpoint` is the resource's address, with or without `/openai` or `/openai/v1`."""
    parts = urlsplit(endpoint)
    base = parts.path.rstrip("/").removesuffix("/v1").removesuffix("/openai")
    if api_version is None:
        path, query = f"{base}/openai/v1/realtime", {"model": deployment}
    else:
        path, query = f"{base}/openai/realtime", {"api-version": api_version, "deployment": deployment}
    return urlunsplit((SCHEMES.get(parts.scheme, parts.scheme), parts.netloc, path, urlencode(query), ""))


class Transcribing:
    """A dialect whose transcription model is a deployment of ours, whatever its maker calls the model."""

    def __init__(
        self, inner: Dialect, deployment: str | None, session: frozenset[str] | None = None
    ) -> None:
        self._inner = inner
        self._deployment = deployment
        self._session = session

    def up(self, event: Event) -> list[Event]:
        if event["type"] != "session.update":
            return self._inner.up(event)
        (told,) = self._inner.up({**event, "session": self._renamed(event["session"])})
        if self._session is not None:
            told["session"] = {k: v for k, v in told["session"].items() if k in self._session}
        return [told]

    def down(self, event: Event) -> list[Event]:
        return self._inner.down(event)

    def _renamed(self, session: dict[str, Any]) -> dict[str, Any]:
        match session:
            case {"audio": {"input": {"transcription": dict() as told}}} if self._deployment:
                audio = session["audio"]
                heard = {**audio["input"], "transcription": {**told, "model": self._deployment}}
                return {**session, "audio": {**audio, "input": heard}}
            case _:
                return session


class AzureModel(RemoteModel):
    def __init__(
        self,
        *,
        endpoint: str,
        api_key: str,
        deployment: str,
        api_version: str | None = None,
        transcription: str | None = None,
    ) -> None:
        url = realtime_address(endpoint, deployment, api_version)

        def dialect() -> Dialect:
            if api_version is None:
                return Transcribing(Ga(), transcription)
            return Transcribing(Beta(), transcription, SESSION)

        super().__init__(
            Endpoint("azure", url, {"api-key": api_key}, deployment),
            dialect,
            temperatures=None if api_version is None else TEMPERATURES,
        )


def model(settings: Settings) -> AzureModel:
    """As the settings say. Raises ConfigError."""
    endpoint, key = settings.azure_openai_endpoint, settings.azure_openai_api_key
    deployment = settings.azure_openai_deployment
    if endpoint is None or key is None or deployment is None:
        raise ConfigError([f"{variable} is not set" for variable in settings.missing("azure")])
    return AzureModel(
        endpoint=endpoint,
        api_key=key.get_secret_value(),
        deployment=deployment,
        api_version=settings.azure_openai_api_version,
        transcription=settings.azure_openai_transcription_model,
    )
