"""Any realtime server that speaks the same protocol: another Parley, its engine stand-alone, or another maker's.

Such servers follow the protocol more or less. One whose session is flat, or whose events have the old names, is
spoken to in the old protocol; fields that it leaves out are filled in.
"""

from __future__ import annotations

from gateway.config import Settings
from gateway.connector import Endpoint, RemoteModel, realtime_url
from gateway.errors import ConfigError
from gateway.ports import Event
from gateway.realtime.beta import RENAMED, Beta, complete
from gateway.realtime.flat_session import is_flat
from gateway.realtime.ga import Ga

__all__ = ["Lenient", "UpstreamModel", "model"]

OLD_NAMES = frozenset({*RENAMED, "conversation.item.created"})


class Lenient:
    """GA until the server shows that it speaks the old protocol: by its first session, or by the names of events."""

    def __init__(self) -> None:
        self._up: Ga | Beta = Ga()
        self._down: Beta | None = None
        self._adds = False

    def up(self, event: Event) -> list[Event]:
        return self._up.up(event)

    def down(self, event: Event) -> list[Event]:
        kind = event["type"]
        if kind == "session.created" and is_flat(event.get("session") or {}):
            self._up = self._down = Beta()
        elif kind == "conversation.item.added":
            self._adds = True
        elif kind == "conversation.item.created" and self._adds:
            return []  # it says both
        elif self._down is None and (kind in OLD_NAMES or _is_old_response(event)):
            self._down = Beta()
        return [complete(event)] if self._down is None else self._down.down(event)


def _is_old_response(event: Event) -> bool:
    return event["type"] == "response.created" and "modalities" in event["response"]


class UpstreamModel(RemoteModel):
    def __init__(self, *, url: str, model: str, api_key: str | None, g711: bool = True) -> None:
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        super().__init__(Endpoint("upstream", realtime_url(url, model), headers, model), Lenient, g711=g711)


def model(settings: Settings) -> UpstreamModel:
    """As the settings say. Raises ConfigError."""
    if settings.upstream_url is None:
        raise ConfigError(["PARLEY_UPSTREAM_URL is not set"])
    key = settings.upstream_api_key
    secret = None if key is None else key.get_secret_value()
    return UpstreamModel(
        url=settings.upstream_url,
        model=settings.openai_model,
        api_key=secret,
        g711=not settings.upstream_pcm_only,
    )
